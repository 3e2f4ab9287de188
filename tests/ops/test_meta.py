"""On the meta device every operation gives the shape, dtype and strides that it gives on the CPU, without data."""

import pytest
from optable import wanted
from optable.compare import call, outcome, report, strides_of

import rustorch as torch

pytestmark = pytest.mark.filterwarnings("ignore")


def moved(x):
    if isinstance(x, torch.Tensor):
        return x.to("meta")
    if isinstance(x, tuple | list):
        return type(x)(map(moved, x))
    return x


def described(result):
    if isinstance(result, tuple | list):
        return [described(r) for r in result]
    if not isinstance(result, torch.Tensor):
        return result
    return tuple(result.shape), result.dtype, strides_of(result) if result.numel() else None


@pytest.mark.parametrize("case", wanted("meta"), ids=repr)
def test_meta_results_describe_real_ones(case):
    failures = []
    for sample in case.samples:
        for dtype in ("float32", "int64", "bool", "complex64"):
            for layout in ("contiguous", "transposed"):
                real, error = call(torch, case, sample, dtype, layout)
                if error:
                    continue
                args, kwargs = sample.make(torch, dtype, layout)
                kwargs = {k: moved(v) for k, v in kwargs.items()}
                if not sample.tensors:
                    kwargs["device"] = "meta"
                result, error = outcome(case.function(torch), moved(args), kwargs)
                if error:
                    failures.append(f"{sample} {dtype} {layout}: {error!r}")
                elif described(result) != described(real):
                    failures.append(f"{sample} {dtype} {layout}: {described(result)}, expected {described(real)}")
                elif any(r.device.type != "meta" for r in tensors(result)):
                    failures.append(f"{sample} {dtype} {layout}: not on the meta device")
    report(failures)


def tensors(result):
    if isinstance(result, torch.Tensor):
        return [result]
    return [r for r in result if isinstance(r, torch.Tensor)] if isinstance(result, tuple | list) else []
