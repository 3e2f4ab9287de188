"""Embedding lookups."""

import warnings

import rustorch
from rustorch.overrides import handle_torch_function, has_torch_function_variadic


def _no_grad_embedding_renorm_(weight, input, max_norm, norm_type):
    rustorch.embedding_renorm_(weight.detach(), input, max_norm, norm_type)


def embedding(input, weight, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, sparse=False):
    """The rows of `weight` that the integers of `input` name.

    Args:
        padding_idx (int, None): the row with this index gets no gradient.
        max_norm (float, None): rows with a larger norm are scaled down to it, in place.
        norm_type (float, 2): the p of that norm.
        scale_grad_by_freq (bool, False): divide gradients by how often the row occurs in the input.
        sparse (bool, False): give weight a sparse gradient.
    Shape:  input (*), weight (V, D), output (*, D).
    Example:
        >>> table = torch.arange(8.0).view(4, 2)
        >>> F.embedding(torch.tensor([[0, 3]]), table)
        tensor([[[0., 1.],
                 [6., 7.]]])
    """
    if has_torch_function_variadic(input, weight):
        return handle_torch_function(
            embedding,
            (input, weight),
            input,
            weight,
            padding_idx=padding_idx,
            max_norm=max_norm,
            norm_type=norm_type,
            scale_grad_by_freq=scale_grad_by_freq,
            sparse=sparse,
        )
    if padding_idx is None:
        padding_idx = -1
    else:
        rows = weight.size(0)
        # Not `-rows <= idx < rows`: index 0 of an empty table passes, as in torch.
        if padding_idx >= max(rows, 1) or padding_idx < -rows:
            raise AssertionError("Padding_idx must be within num_embeddings")
        if padding_idx < 0:
            padding_idx += rows
    if max_norm is not None:
        input = input.contiguous()
        _no_grad_embedding_renorm_(weight, input, max_norm, norm_type)
    return rustorch.embedding(weight, input, padding_idx, scale_grad_by_freq, sparse)


def embedding_bag(
    input,
    weight,
    offsets=None,
    max_norm=None,
    norm_type=2,
    scale_grad_by_freq=False,
    mode="mean",
    sparse=False,
    per_sample_weights=None,
    include_last_offset=False,
    padding_idx=None,
):
    """Sum, mean or maximum of the rows of `weight` that each bag of indices names.

    Args:
        offsets (Tensor, None): where each bag starts, for 1-d input.
        mode (str, 'mean'): 'sum', 'mean' or 'max'.
        per_sample_weights (Tensor, None): factors like input, for mode 'sum'.
        include_last_offset (bool, False): the last offset is the end of the last bag.
        padding_idx (int, None): indices that are left out.
        max_norm, norm_type, scale_grad_by_freq, sparse: as for embedding.
    Shape:  input (B, N), or (N) with offsets (B); output (B, D).
    Example:
        >>> table = torch.arange(8.0).view(4, 2)
        >>> F.embedding_bag(torch.tensor([0, 1, 3]), table, torch.tensor([0, 2]), mode="sum")
        tensor([[2., 4.],
                [6., 7.]])
    """
    if has_torch_function_variadic(input, weight, offsets, per_sample_weights):
        return handle_torch_function(
            embedding_bag,
            (input, weight, offsets, per_sample_weights),
            input,
            weight,
            offsets=offsets,
            max_norm=max_norm,
            norm_type=norm_type,
            scale_grad_by_freq=scale_grad_by_freq,
            mode=mode,
            sparse=sparse,
            per_sample_weights=per_sample_weights,
            include_last_offset=include_last_offset,
            padding_idx=padding_idx,
        )
    if weight.dtype == rustorch.long and input.is_floating_point():
        warnings.warn(
            "Argument order of nn.functional.embedding_bag was changed. Usage `embedding_bag(weight, input, ...)` is "
            "deprecated, and should now be `embedding_bag(input, weight, ...)`.",
            stacklevel=2,
        )
        weight, input = input, weight
    if per_sample_weights is not None and input.size() != per_sample_weights.size():
        raise ValueError(
            f"embedding_bag: If per_sample_weights ({per_sample_weights.shape}) is not None, then it must have the "
            f"same shape as the input ({input.shape})"
        )
    if weight.dim() != 2:
        raise ValueError(f"weight has to be a 2D Tensor, but got Tensor of dimension {weight.dim()}")
    if input.dim() == 2:
        if offsets is not None:
            raise ValueError(
                "if input is 2D, then offsets has to be None, as input is treated is a mini-batch of fixed length "
                f"sequences. However, found offsets of type {type(offsets)}"
            )
        offsets = rustorch.arange(input.size(0), dtype=input.dtype, device=input.device) * input.size(1)
        include_last_offset = False
        input = input.reshape(-1)
        if per_sample_weights is not None:
            per_sample_weights = per_sample_weights.reshape(-1)
    elif input.dim() == 1:
        if offsets is None:
            raise ValueError("offsets has to be a 1D Tensor but got None")
        if offsets.dim() != 1:
            raise ValueError("offsets has to be a 1D Tensor")
    else:
        raise ValueError(f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.dim()}")
    modes = ("sum", "mean", "max")
    if mode not in modes:
        raise ValueError("mode has to be one of sum, mean or max")
    if mode == "max":
        if scale_grad_by_freq:
            raise ValueError("max mode does not support scaling the gradient by the frequency")
        if sparse:
            raise ValueError("max mode does not support sparse weights")
    if max_norm is not None:
        _no_grad_embedding_renorm_(weight, input, max_norm, norm_type)
    if per_sample_weights is not None and mode != "sum":
        raise NotImplementedError(
            "embedding_bag: per_sample_weights was not None. per_sample_weights is only supported for mode='sum' "
            f"(got mode='{mode}'). Please open a feature request on GitHub."
        )
    return rustorch.embedding_bag(
        weight,
        input,
        offsets,
        scale_grad_by_freq,
        modes.index(mode),
        sparse,
        per_sample_weights,
        include_last_offset,
        padding_idx,
    )[0]
