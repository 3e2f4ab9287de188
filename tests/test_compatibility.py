"""docs/reference/compatibility.md says what runs, and names every public name of torch once."""

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def gen():
    spec = importlib.util.spec_from_file_location("gen_compatibility", ROOT / "tools" / "gen_compatibility.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.filterwarnings("ignore")
def test_the_page_says_what_runs(gen, capsys):
    assert gen.main(["--check"]) == 0, capsys.readouterr().err


def test_every_name_of_torch_stands_in_its_section_once(gen):
    text = gen.PAGE.read_text(encoding="utf-8")
    for space, names in gen.public_names().items():
        section = text.split(f"\n## {space}\n")[1].split("\n## ")[0]
        listed = [n for line in section.splitlines() for n in names_of(line)]
        assert sorted(listed) == sorted({*listed}), space
        # A form in place stands with the form without _.
        plain = {n.rstrip("_") for n in listed} | set(listed)
        assert [n for n in names if n not in listed and n.rstrip("_") not in plain] == []


def names_of(line):
    """Names in a line: the first cell of a row, or all of a list."""
    cells = line.split("|")
    return re.findall(r"`([^`]+)`", cells[1] if len(cells) > 1 else line)


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ("float32 float64", "f32 f64"),
        ("float64 float16 bfloat16 float32 int8 int64 int16 int32", "i8–i64 f16–f64"),
        ("bool uint8 int64 complex64", "bool u8 i64 c64"),
        ("uint16 uint64 uint32 complex64 complex128", "u16–u64 c64 c128"),
        ("", ""),
    ],
)
def test_dtypes_are_written_in_few_words(gen, names, text):
    assert gen.dtypes(names.split()) == text


def test_all_dtypes_are_one_word(gen):
    assert gen.dtypes(gen.SHORT) == "all"


def test_a_stale_page_fails_the_check(gen, tmp_path, monkeypatch, capsys):
    stale = tmp_path / "compatibility.md"
    stale.write_text("# Compatibility with torch 2.13\n", encoding="utf-8")
    monkeypatch.setattr(gen, "PAGE", stale)
    monkeypatch.setattr(gen, "page", lambda: "# Compatibility with torch 2.13\n\nNames.\n")
    assert gen.main(["--check"]) == 1
    assert "run `make gen`" in capsys.readouterr().err
