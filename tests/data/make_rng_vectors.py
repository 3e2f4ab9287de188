"""Writes rng_vectors.txt: hashes of what torch draws on the CPU, which tests/rng_vectors.rs compares with ours.

Run with torch 2.13 on x86-64 with AVX2: python tests/data/make_rng_vectors.py > tests/data/rng_vectors.txt

A line is "case dtype n:hash ...". The hash is FNV-1a over the 8-byte words of two draws in a row and of the
generator's state after them, for each of the seeds; its low 32 bits are kept.
"""

import torch

SEEDS = (0, 12345, -7, 2**63)
SIZES = (1, 2, 15, 16, 17, 31, 32, 33, 1000)
LARGE = 150_003
FLOATS = "float32 float64 float16 bfloat16"
INTS = "uint8 int8 int16 int32 int64"
WIDE = f"bool {INTS} uint16 uint32 uint64 {FLOATS}"
G = torch.Generator()


def probs(n, dtype):
    return ((torch.arange(n) % 16).to(torch.float64) / 16).to(dtype)


def rates(n, dtype):
    return ((torch.arange(n) % 61).to(torch.float64) / 2).to(dtype)


def alphas(n, dtype):
    return ((torch.arange(n) % 40).to(torch.float64) / 8).to(dtype)


def counts(n, dtype):
    return (torch.arange(n) % 97).to(dtype)


def fill(method, *args):
    return lambda n, dtype: [getattr(torch.zeros(n, dtype=dtype), method)(*args, generator=G)]


ENDS = {
    torch.float16: (-2049, 60001),
    torch.bfloat16: (-1003, 70001),
    torch.float32: (-(2**25) - 1, 2**24 + 5),
    torch.float64: (2**55 + 1, 2**60 - 1),
}


def random_ends(n, dtype):
    """Ends that the dtype cannot represent."""
    return [torch.zeros(n, dtype=dtype).random_(*ENDS[dtype], generator=G)]


def dirichlet(n, dtype):
    return [torch._sample_dirichlet(alphas(3 * n, dtype).view(n, 3), generator=G)]


def view(kind, n, dtype):
    """A buffer and a view of it; the hash covers the buffer, so that it shows where each draw went."""
    buffer = torch.zeros(8 * n, dtype=dtype)
    match kind:
        case "step":
            return buffer, buffer[1 : 2 * n : 2]
        case "t":
            return buffer, buffer[: 3 * n].view(n, 3).t()
        case "columns":
            return buffer, buffer[: 4 * n].view(n, 4)[:, 1:3]
        case "permuted":
            return buffer, buffer.view(2, n, 4).permute(2, 0, 1)[1:3]


def fill_view(kind, method, *args):
    def run(n, dtype):
        buffer, x = view(kind, n, dtype)
        getattr(x, method)(*args, generator=G)
        return [buffer]

    return run


def multinomial(rows):
    def run(n, dtype):
        p = (torch.arange(rows * n).to(torch.float64) % 13 + 0.25).to(dtype).view(rows, n)
        return [torch.multinomial(p if rows > 1 else p[0], n + 3, replacement=True, generator=G)]

    return run


def default_generator(f):
    """For functions that take no generator."""

    def run(n, dtype):
        torch.set_rng_state(G.get_state())
        out = f(n, dtype)
        G.set_state(torch.get_rng_state())
        return out

    return run


def dropout(p):
    return default_generator(lambda n, dtype: [torch.nn.functional.dropout(rates(n, dtype) - 7, p)])


def dropout_t(n, dtype):
    return [torch.nn.functional.dropout(rates(3 * n, dtype).view(n, 3).t(), 0.3).t()]


def rrelu(n, dtype):
    x, noise = rates(n, dtype) - 14, torch.zeros(n, dtype=dtype)
    y = torch._C._nn.rrelu_with_noise(x, noise, 0.125, 1 / 3, True, G)
    return [y, noise]


CASES = {
    "uniform": (fill("uniform_", 0.0, 1.0), FLOATS + " complex64 complex128"),
    "uniform_range": (fill("uniform_", -2.3, 3.7), FLOATS),
    "normal": (fill("normal_", 0.0, 1.0), FLOATS + " complex64 complex128"),
    "normal_range": (fill("normal_", 0.7, 1.3), FLOATS),
    "random": (fill("random_"), f"bool {INTS} {FLOATS}"),
    "random_to_2": (fill("random_", 0, 2), WIDE),
    "random_100": (fill("random_", 3, 103), f"{INTS} uint16 uint32 uint64 {FLOATS}"),
    "random_signed": (fill("random_", -100, 27), f"int8 int16 int32 int64 {FLOATS}"),
    "random_2^28-1": (fill("random_", 0, 2**28 - 1), "int32 int64 float64"),
    "random_2^28": (fill("random_", 0, 2**28), "int32 int64 uint32 float64"),
    "random_2^41": (fill("random_", -(2**40), 2**40), "int64 float32 float64"),
    "random_from_1": (fill("random_", 1, None), f"bool {INTS} uint16 uint32 {FLOATS}"),
    "random_all": (fill("random_", -(2**63), None), "int64 float64 float32 bfloat16"),
    "random_ends": (random_ends, FLOATS),
    "randperm": (lambda n, dtype: [torch.randperm(n, dtype=dtype, generator=G)], f"{INTS} {FLOATS}"),
    "bernoulli": (fill("bernoulli_", 0.3), f"bool {INTS} {FLOATS}"),
    "bernoulli_1": (fill("bernoulli_", 1.0), "float32"),
    "bernoulli_p": (lambda n, dtype: [torch.zeros(n).bernoulli_(probs(n, dtype), generator=G)], FLOATS),
    "bernoulli_into": (
        lambda n, dtype: [torch.zeros(n, dtype=dtype).bernoulli_(probs(n, torch.float32), generator=G)],
        f"bool {INTS} {FLOATS}",
    ),
    "exponential": (fill("exponential_", 1.0), FLOATS),
    "exponential_1.3": (fill("exponential_", 1.3), FLOATS),
    "cauchy": (fill("cauchy_", 0.7, 1.3), FLOATS),
    "geometric": (fill("geometric_", 0.37), f"{INTS} {FLOATS}"),
    "geometric_rare": (fill("geometric_", 1e-9), f"{INTS} float32 float64"),
    "log_normal": (fill("log_normal_", 0.7, 1.3), FLOATS),
    "multinomial": (multinomial(1), FLOATS),
    "multinomial_3": (multinomial(3), "float32 float64"),
    "poisson": (lambda n, dtype: [torch.poisson(rates(n, dtype), generator=G)], FLOATS),
    "binomial": (lambda n, dtype: [torch.binomial(counts(n, dtype), probs(n, dtype), generator=G)], "float32 float64"),
    "gamma": (lambda n, dtype: [torch._standard_gamma(alphas(n, dtype), generator=G)], "float32 float64"),
    "dirichlet": (dirichlet, "float32 float64"),
    "dropout_0.4": (dropout(0.4), FLOATS),
    "dropout_0.9": (dropout(0.9), FLOATS),
    "dropout_t": (default_generator(dropout_t), "float32"),
    "rrelu": (rrelu, "float32 float64 bfloat16"),
}
for kind in ("step", "t", "columns", "permuted"):
    CASES[f"uniform/{kind}"] = (fill_view(kind, "uniform_", -2.3, 3.7), FLOATS)
    CASES[f"normal/{kind}"] = (fill_view(kind, "normal_", 0.7, 1.3), FLOATS)
    CASES[f"exponential/{kind}"] = (fill_view(kind, "exponential_", 1.3), "float32")
    CASES[f"random_100/{kind}"] = (fill_view(kind, "random_", 3, 103), "int64")
    CASES[f"bernoulli/{kind}"] = (fill_view(kind, "bernoulli_", 0.3), "bool")


def fnv_words(h, data):
    """FNV-1a over 8-byte words, the last one padded with zeros."""
    data += bytes(-len(data) % 8)
    for i in range(0, len(data), 8):
        h = ((h ^ int.from_bytes(data[i : i + 8], "little")) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return h


def payload(x):
    return x.contiguous().view(torch.uint8).numpy().tobytes() if x.dtype != torch.bool else x.numpy().tobytes()


def main():
    for name, (draw, dtypes) in CASES.items():
        for dtype in dtypes.split():
            large = [] if "/" in name or "multinomial" in name or "float" not in dtype else [LARGE]
            sizes = [
                n
                for n in (*SIZES, *large)
                if not (
                    name == "randperm"
                    and (n > {"uint8": 255, "int8": 127, "float16": 2048, "bfloat16": 256}.get(dtype, n))
                )
            ]
            line = [name, dtype]
            for n in sizes:
                h = 0xCBF29CE484222325
                for seed in SEEDS if n < LARGE else SEEDS[1:2]:
                    G.manual_seed(seed)
                    for _ in range(2):
                        for x in draw(n, getattr(torch, dtype)):
                            h = fnv_words(h, payload(x))
                    h = fnv_words(h, payload(G.get_state()))
                line.append(f"{n}:{h & 0xFFFFFFFF:08x}")
            print(*line)


if __name__ == "__main__":
    main()
