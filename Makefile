# Every verb of the project. `make` alone prints them; CI and the hooks call the same ones.
# tools/dev.py makes .venv and builds the extension module; both are skipped while nothing changed.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$p; break; }; done)
export PATH := $(PATH):$(HOME)/.cargo/bin
DEV = $(PYTHON) tools/dev.py
ifeq ($(OS),Windows_NT)
VPY = .venv/Scripts/python.exe
else
VPY = .venv/bin/python
endif
PYTEST = $(VPY) -m pytest --quiet --numprocesses auto --maxprocesses 8
CARGO ?= cargo
DEVICE ?= cpu
# Tests that go through all SIMD levels themselves.
EVERY_LEVEL = --skip _products --skip threads_and_levels_agree
# What is built to be built fast: Cargo.toml says what for.
QUICK = --quiet --profile dev
# pyo3 looks at the interpreter that it builds for.
PYCARGO = PYO3_PYTHON=$(abspath $(VPY)) $(CARGO)

.DEFAULT_GOAL := help
.PHONY: help python rust dev demo test test-rust test-python test-fast test-gpu test-all bench bench-once lint fmt wheel gen gen-gpu gen-check check clean

help: ## print this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

python:
	@test -n "$(PYTHON)" || { printf '\nNo Python of 3.11 or later on PATH. On Debian and Ubuntu:\n\n    sudo apt-get install python3 python3-venv\n\n'; exit 1; }

rust:
	@command -v $(firstword $(CARGO)) >/dev/null || { printf '\nRust is missing: no cargo on PATH or in ~/.cargo/bin. Install the stable toolchain:\n\n    curl --proto "=https" --tlsv1.2 -sSf https://sh.rustup.rs | sh\n\n'; exit 1; }

dev: python rust ## set up .venv and build for development (fast rebuilds)
	@$(DEV) install dev
	@$(DEV) build --profile dev-fast

demo: python rust ## train a classifier of handwritten digits, with all set-up (on a GPU: make demo DEVICE=gpu)
	@$(DEV) install demo
	@$(DEV) build --profile release
	$(VPY) examples/digits.py --device $(DEVICE)

test: test-rust test-python ## all tests but the slow ones, with all set-up

test-rust: rust ## the crate's own tests, without Python, at every SIMD level
	$(CARGO) test --quiet --lib
	@for isa in avx2 portable; do echo "RUSTORCH_ISA=$$isa"; RUSTORCH_ISA=$$isa $(CARGO) test --quiet --lib -- $(EVERY_LEVEL) || exit 1; done
	$(CARGO) test $(QUICK) --test '*'
	$(CARGO) test $(QUICK) --doc

test-python: python rust ## pytest and the examples in the docs
	@$(DEV) install dev
	@$(DEV) build
	$(PYTEST)

test-fast: python rust ## while working: what failed last, up to the first failure
	@$(DEV) install dev
	@$(DEV) build
	$(VPY) -m pytest --quiet --exitfirst --failed-first

test-gpu: python rust ## the GPU's tests with checked shaders, and on a device that can do little
	@$(DEV) install dev
	@$(DEV) build
	RUSTORCH_GPU_CHECKED=1 $(PYTEST) tests/gpu
	RUSTORCH_GPU_WITHOUT=f16,i64,subgroup,immediates,timestamps,limits $(PYTEST) tests/gpu

test-all: test-rust ## everything: slow tests and the scripts in examples/ too
	@$(DEV) install dev demo
	@$(DEV) build --profile release
	$(PYTEST) -m "" --timeout 600
	@for file in examples/*.py; do echo "$$file"; $(VPY) $$file > /dev/null || exit 1; done

bench: python rust ## criterion, then ours and torch side by side where torch is installed
	$(CARGO) bench
	@$(DEV) build --profile release
	$(VPY) benches/python/side_by_side.py

bench-once: python rust ## see that every bench runs
	$(CARGO) test $(QUICK) --bench '*'
	@$(DEV) build
	$(VPY) benches/python/side_by_side.py --once
	$(VPY) benches/python/every_op.py --once

lint: python rust ## rustfmt, clippy and ruff, changing nothing
	@$(DEV) install dev
	$(CARGO) fmt --check
	$(PYCARGO) clippy --quiet --all-targets --features python -- -D warnings
	$(CARGO) clippy --quiet --locked --no-default-features -- -D warnings
	$(VPY) -m ruff check
	$(VPY) -m ruff format --check
	$(VPY) tools/check_tree.py

fmt: python rust ## format, and mend what ruff can mend
	@$(DEV) install dev
	$(CARGO) fmt
	$(VPY) -m ruff check --fix-only --quiet
	$(VPY) -m ruff format

wheel: python rust ## a release wheel in dist/, at most 15 MB
	@$(DEV) wheel

gen: python rust ## write _C.pyi and docs/reference from the table of operations
	@$(DEV) build
	$(VPY) tools/gen_stubs.py
	$(VPY) tools/gen_compatibility.py

gen-gpu: python rust ## write docs/reference/gpu.md from what runs on this machine's GPU
	@$(DEV) install dev
	@$(DEV) build
	$(VPY) tests/gpu/support.py

gen-check: python rust ## fail where `make gen` would change something
	@$(DEV) build
	$(VPY) tools/gen_stubs.py --check
	$(VPY) tools/gen_compatibility.py --check

check: lint gen-check test ## what a change must pass

clean: ## remove everything that was built
	$(CARGO) clean
	rm -rf .venv dist out build .pytest_cache .ruff_cache .hypothesis python/rustorch/_C*.so python/rustorch/_C*.pyd
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
