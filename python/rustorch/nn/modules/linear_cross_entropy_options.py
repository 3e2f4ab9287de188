"""How `linear_cross_entropy` splits a batch."""

import rustorch

__all__ = ["LinearCrossEntropyOptions"]

_FIELDS = ("allow_retain_graph", "batch_chunk_size", "chunking_method", "acc_policy", "acc_dtype")
_HALVES = ("float16", "bfloat16")


class LinearCrossEntropyOptions:
    """Options that make `linear_cross_entropy` compute the scores of a part of the batch at a time.

    Worth it when there are many more classes than features: the scores (N, C) are never held as a whole, neither in
    the forward nor in the backward pass.

    Args:
        allow_retain_graph (bool, False): kept for its place; the backward pass can be repeated in any case.
        batch_chunk_size (int, None): rows at a time.
        chunking_method (str, 'auto'): 'aspect_ratio' or 'aspect_ratio:k' chooses the rows so that a chunk of scores has
            about 1 / k of the size of the input; None takes batch_chunk_size, or the whole batch.
        acc_policy (str, 'auto'): 'accurate', 'balanced', 'compact' or 'auto'; all sums are kept in acc_dtype.
        acc_dtype (dtype, None): of scores and sums; by default float32 for half precision, else the input's.
    Example:
        >>> options = nn.LinearCrossEntropyOptions(batch_chunk_size=256)
        >>> options.chunking_method, options.batch_chunk_size
        ('auto', 256)
    """

    __slots__ = _FIELDS

    def __init__(
        self,
        allow_retain_graph=False,
        batch_chunk_size=None,
        chunking_method="auto",
        acc_policy="auto",
        acc_dtype=None,
    ):
        if acc_policy not in ("auto", "accurate", "balanced", "compact"):
            raise ValueError(f"invalid acc_policy: {acc_policy!r}")
        if chunking_method not in (None, "auto"):
            name, colon, factor = chunking_method.partition(":")
            if name != "aspect_ratio" or (colon and not (factor.isdigit() and int(factor) > 0)):
                raise ValueError(f"invalid chunking_method: {chunking_method!r}")
        if batch_chunk_size is not None and not (isinstance(batch_chunk_size, int) and batch_chunk_size > 0):
            raise ValueError(f"batch_chunk_size must be positive int or None, got {batch_chunk_size!r}")
        supported = (None, rustorch.float16, rustorch.bfloat16, rustorch.float32, rustorch.float64)
        if acc_dtype not in supported:
            raise ValueError(
                "acc_dtype must be one of {None, torch.float16, torch.bfloat16, torch.float32, torch.float64}, got "
                f"{acc_dtype!r}. Pass acc_dtype=None to let the op pick automatically."
            )
        values = (allow_retain_graph, batch_chunk_size, chunking_method, acc_policy, acc_dtype)
        for name, value in zip(_FIELDS, values):
            object.__setattr__(self, name, value)

    def __setattr__(self, name, value):
        raise AttributeError(f"cannot assign to field {name!r}")

    def __delattr__(self, name):
        raise AttributeError(f"cannot delete field {name!r}")

    def _values(self):
        return tuple(getattr(self, name) for name in _FIELDS)

    def __reduce__(self):
        return (type(self), self._values())

    def __eq__(self, other):
        return self._values() == other._values() if type(other) is type(self) else NotImplemented

    def __hash__(self):
        return hash(self._values())

    def __repr__(self):
        fields = ", ".join(f"{name}={value!r}" for name, value in zip(_FIELDS, self._values()))
        return f"{type(self).__name__}({fields})"

    def _chunk_size(self, num_batches, in_features, num_classes, dtype):
        """Rows of the batch to take at a time."""
        method, size = self.chunking_method, self.batch_chunk_size
        if method == "auto":
            if size is not None:
                method = None
            else:
                # Half precision scores are held in float32: twice the memory of a row.
                method = "aspect_ratio" if str(dtype).rpartition(".")[2] in _HALVES else "aspect_ratio:2"
        if method is None:
            return max(1, num_batches if size is None else min(size, num_batches))
        factor = int(method.partition(":")[2] or 1)
        wider = -(-num_classes // in_features)
        target = -(-num_batches // wider)
        chunk = min((1 << (target - 1).bit_length()) // factor, num_batches)
        if size is not None and size != chunk:
            raise ValueError(
                f"batch_chunk_size (={size}) and chunking_method ('{method}') give different chunk sizes ({size} vs "
                f"{chunk}); pass only one."
            )
        return max(1, chunk)

    def _sum_dtype(self, dtype):
        if self.acc_dtype is not None:
            return self.acc_dtype
        half = str(dtype).rpartition(".")[2] in _HALVES
        return rustorch.float32 if half and self.acc_policy == "auto" else dtype
