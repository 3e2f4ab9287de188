"""CUDA's switches: they can be set, and change nothing."""

from contextlib import contextmanager


class _MatMul:
    """Switches of matrix products."""

    allow_tf32 = False
    allow_fp16_reduced_precision_reduction = True
    allow_bf16_reduced_precision_reduction = True
    allow_fp16_accumulation = False


matmul = _MatMul()
_sdp = {"flash": True, "math": True, "mem_efficient": True, "cudnn": True}


def is_built():
    """False: there is no CUDA backend."""
    return False


def _switch(name):
    def enable(enabled):
        _sdp[name] = bool(enabled)

    def enabled():
        return _sdp[name]

    enable.__doc__, enabled.__doc__ = f"Note whether '{name}' attention is wanted.", f"Is '{name}' attention wanted?"
    return enable, enabled


enable_flash_sdp, flash_sdp_enabled = _switch("flash")
enable_math_sdp, math_sdp_enabled = _switch("math")
enable_mem_efficient_sdp, mem_efficient_sdp_enabled = _switch("mem_efficient")
enable_cudnn_sdp, cudnn_sdp_enabled = _switch("cudnn")


@contextmanager
def sdp_kernel(enable_flash=True, enable_math=True, enable_mem_efficient=True, enable_cudnn=True):
    """A `with` block that sets which attention is wanted; on the CPU there is one kernel."""
    before = dict(_sdp)
    _sdp.update(flash=enable_flash, math=enable_math, mem_efficient=enable_mem_efficient, cudnn=enable_cudnn)
    try:
        yield {}
    finally:
        _sdp.update(before)
