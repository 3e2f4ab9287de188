"""Multi-head attention."""

import math
import warnings

import rustorch
from rustorch import Tensor
from rustorch._C import _nn
from rustorch.nn._functional.activation import dropout, softmax
from rustorch.overrides import handle_torch_function, has_torch_function


def _expect(condition, text):
    if not condition:
        raise AssertionError(text)


def _in_projection_packed(q, k, v, w, b=None):
    """Project q, k and v with the three blocks of rows of one weight; equal inputs share a product.

    Shape:  q, k, v (*, E), w (3 E, E), b (3 E); three outputs (*, E).
    """
    e = q.size(-1)
    if k is not v:
        biases = (None, None, None) if b is None else b.chunk(3)
        return tuple(_nn.linear(x, wx, bx) for x, wx, bx in zip((q, k, v), w.chunk(3), biases))

    def project(x, w, b, n):
        y = _nn.linear(x, w, b).unflatten(-1, (n, e))  # (*, n, E)
        # Contiguous blocks, so that the heads of each can be viewed.
        y = y.unsqueeze(0).transpose(0, -2).squeeze(-2).contiguous()  # (n, *, E)
        return tuple(y[i] for i in range(n))

    if q is k:
        return project(q, w, b, 3)
    w_q, w_kv = w.split([e, 2 * e])
    b_q, b_kv = (None, None) if b is None else b.split([e, 2 * e])
    return (_nn.linear(q, w_q, b_q), *project(k, w_kv, b_kv, 2))


def _in_projection(q, k, v, w_q, w_k, w_v, b_q=None, b_k=None, b_v=None):
    """Project q, k and v to the width of q with one weight each."""
    width = q.size(-1)
    parts = (("query", q, w_q, b_q), ("key", k, w_k, b_k), ("value", v, w_v, b_v))
    for name, x, w, _ in parts:
        shape = (width, x.size(-1))
        _expect(w.shape == shape, f"expecting {name} weights shape of {shape}, but got {w.shape}")
    for name, _, _, b in parts:
        _expect(
            b is None or b.shape == (width,),
            f"expecting {name} bias shape of {(width,)}, but got {b.shape if b is not None else None}",
        )
    return tuple(_nn.linear(x, w, b) for _, x, w, b in parts)


def _mha_shape_check(query, key, value, key_padding_mask, attn_mask, num_heads):
    """Check the numbers of dimensions against those of query; return whether there is a batch dimension."""
    ndim = query.dim()
    if ndim not in (2, 3):
        raise AssertionError(f"query should be unbatched 2D or batched 3D tensor but received {ndim}-D query tensor")
    case = "batched (3-D)" if ndim == 3 else "unbatched (2-D)"
    _expect(
        key.dim() == ndim and value.dim() == ndim,
        f"For {case} `query`, expected `key` and `value` to be {ndim}-D but found {key.dim()}-D and {value.dim()}-D "
        "tensors respectively",
    )
    if key_padding_mask is not None:
        _expect(
            key_padding_mask.dim() == ndim - 1,
            f"For {case} `query`, expected `key_padding_mask` to be `None` or {ndim - 1}-D but found "
            f"{key_padding_mask.dim()}-D tensor instead",
        )
    if attn_mask is not None:
        _expect(
            attn_mask.dim() in (2, 3),
            f"For {case} `query`, expected `attn_mask` to be `None`, 2-D or 3-D but found {attn_mask.dim()}-D tensor "
            "instead",
        )
        if ndim == 2 and attn_mask.dim() == 3:
            shape = (num_heads, query.shape[0], key.shape[0])
            _expect(attn_mask.shape == shape, f"Expected `attn_mask` shape to be {shape} but got {attn_mask.shape}")
    return ndim == 3


def _canonical_mask(mask, mask_name, other_type, other_name, target_type, check_other=True):
    """A mask to be added: True becomes -inf, False 0; float masks are kept."""
    if mask is None:
        return None
    is_float = mask.is_floating_point()
    _expect(is_float or mask.dtype == rustorch.bool, f"only bool and floating types of {mask_name} are supported")
    if check_other and other_type is not None and mask.dtype != other_type:
        warnings.warn(
            f"Support for mismatched {mask_name} and {other_name} is deprecated. Use same type for both instead.",
            stacklevel=2,
        )
    if is_float:
        return mask
    return rustorch.zeros_like(mask, dtype=target_type).masked_fill_(mask, float("-inf"))


def _none_or_dtype(input):
    if input is None:
        return None
    if isinstance(input, Tensor):
        return input.dtype
    raise RuntimeError("input to _none_or_dtype() must be None or torch.Tensor")


def _check_attn_mask(attn_mask, tgt_len, src_len, heads):
    """The mask as (1, L, S) or (heads, L, S); `heads` counts those of all samples."""
    if attn_mask.dim() not in (2, 3):
        raise RuntimeError(f"attn_mask's dimension {attn_mask.dim()} is not supported")
    shape = (tgt_len, src_len) if attn_mask.dim() == 2 else (heads, tgt_len, src_len)
    if attn_mask.shape != shape:
        raise RuntimeError(f"The shape of the {len(shape)}D attn_mask is {attn_mask.shape}, but should be {shape}.")
    return attn_mask.unsqueeze(0) if attn_mask.dim() == 2 else attn_mask


def _heads_first(x, static, name, heads, head_dim):
    """(S, N, E) as (N * num_heads, S, head_dim), or `static`, which has that shape already."""
    if static is None:
        return x.view(x.shape[0], heads, head_dim).transpose(0, 1)
    _expect(static.size(0) == heads, f"expecting {name}.size(0) of {heads}, but got {static.size(0)}")
    _expect(static.size(2) == head_dim, f"expecting {name}.size(2) of {head_dim}, but got {static.size(2)}")
    return static


def multi_head_attention_forward(
    query,
    key,
    value,
    embed_dim_to_check,
    num_heads,
    in_proj_weight,
    in_proj_bias,
    bias_k,
    bias_v,
    add_zero_attn,
    dropout_p,
    out_proj_weight,
    out_proj_bias,
    training=True,
    key_padding_mask=None,
    need_weights=True,
    attn_mask=None,
    use_separate_proj_weight=False,
    q_proj_weight=None,
    k_proj_weight=None,
    v_proj_weight=None,
    static_k=None,
    static_v=None,
    average_attn_weights=True,
    is_causal=False,
):
    """The forward pass of `nn.MultiheadAttention`, sequence dimension first; see there for the arguments.

    Shape:  query (L, N, E) or (L, E), key and value (S, N, *) or (S, *).
    Returns:  outputs like query and, if need_weights, weights (N, L, S), or (N, num_heads, L, S) if not averaged.
    Example:
        >>> x, eye = torch.randn(3, 2, 4), torch.eye(4)
        >>> output, weights = F.multi_head_attention_forward(
        ...     x, x, x, 4, 2, eye.repeat(3, 1), torch.zeros(12), None, None, False, 0.0, eye, torch.zeros(4)
        ... )
        >>> output.shape, weights.shape
        (torch.Size([3, 2, 4]), torch.Size([2, 3, 3]))
    """
    tensors = (
        query,
        key,
        value,
        in_proj_weight,
        in_proj_bias,
        bias_k,
        bias_v,
        out_proj_weight,
        out_proj_bias,
    )
    if has_torch_function(tensors):
        return handle_torch_function(
            multi_head_attention_forward,
            tensors,
            query,
            key,
            value,
            embed_dim_to_check,
            num_heads,
            in_proj_weight,
            in_proj_bias,
            bias_k,
            bias_v,
            add_zero_attn,
            dropout_p,
            out_proj_weight,
            out_proj_bias,
            training=training,
            key_padding_mask=key_padding_mask,
            need_weights=need_weights,
            attn_mask=attn_mask,
            is_causal=is_causal,
            use_separate_proj_weight=use_separate_proj_weight,
            q_proj_weight=q_proj_weight,
            k_proj_weight=k_proj_weight,
            v_proj_weight=v_proj_weight,
            static_k=static_k,
            static_v=static_v,
            average_attn_weights=average_attn_weights,
        )
    is_batched = _mha_shape_check(query, key, value, key_padding_mask, attn_mask, num_heads)
    if not is_batched:
        query, key, value = query.unsqueeze(1), key.unsqueeze(1), value.unsqueeze(1)
        if key_padding_mask is not None:
            key_padding_mask = key_padding_mask.unsqueeze(0)
    tgt_len, bsz, embed_dim = query.shape
    src_len = key.shape[0]
    key_padding_mask = _canonical_mask(
        key_padding_mask, "key_padding_mask", _none_or_dtype(attn_mask), "attn_mask", query.dtype
    )
    if is_causal and attn_mask is None:
        raise RuntimeError(
            "Need attn_mask if specifying the is_causal hint. You may use the Transformer module method "
            "`generate_square_subsequent_mask` to create this mask."
        )
    if is_causal and key_padding_mask is None and not need_weights:
        attn_mask = None  # the kernel applies the causal mask itself
    else:
        attn_mask = _canonical_mask(attn_mask, "attn_mask", None, "", query.dtype, check_other=False)
        is_causal = is_causal and key_padding_mask is None
    _expect(
        embed_dim == embed_dim_to_check,
        f"was expecting embedding dimension of {embed_dim_to_check}, but got {embed_dim}",
    )
    head_dim = embed_dim // num_heads
    _expect(head_dim * num_heads == embed_dim, f"embed_dim {embed_dim} not divisible by num_heads {num_heads}")
    if use_separate_proj_weight:
        _expect(
            key.shape[:2] == value.shape[:2],
            f"key's sequence and batch dims {key.shape[:2]} do not match value's {value.shape[:2]}",
        )
        for name, weight in (("q", q_proj_weight), ("k", k_proj_weight), ("v", v_proj_weight)):
            _expect(weight is not None, f"use_separate_proj_weight is True but {name}_proj_weight is None")
        biases = (None, None, None) if in_proj_bias is None else in_proj_bias.chunk(3)
        q, k, v = _in_projection(query, key, value, q_proj_weight, k_proj_weight, v_proj_weight, *biases)
    else:
        _expect(key.shape == value.shape, f"key shape {key.shape} does not match value shape {value.shape}")
        _expect(in_proj_weight is not None, "use_separate_proj_weight is False but in_proj_weight is None")
        q, k, v = _in_projection_packed(query, key, value, in_proj_weight, in_proj_bias)

    heads = bsz * num_heads
    if attn_mask is not None:
        attn_mask = _check_attn_mask(attn_mask, tgt_len, src_len, heads)

    def lengthen_masks():
        return tuple(None if m is None else _nn.pad(m, (0, 1)) for m in (attn_mask, key_padding_mask))

    _expect(bias_k is None or bias_v is not None, "bias_k is set but bias_v is None")
    _expect(bias_v is None or bias_k is not None, "bias_v is set but bias_k is None")
    if bias_k is not None:
        _expect(static_k is None, "bias cannot be added to static key.")
        _expect(static_v is None, "bias cannot be added to static value.")
        k = rustorch.cat([k, bias_k.repeat(1, bsz, 1)])
        v = rustorch.cat([v, bias_v.repeat(1, bsz, 1)])
        attn_mask, key_padding_mask = lengthen_masks()
    q = q.view(tgt_len, heads, head_dim).transpose(0, 1)
    k = _heads_first(k, static_k, "static_k", heads, head_dim)
    v = _heads_first(v, static_v, "static_v", heads, head_dim)
    if add_zero_attn:
        k = rustorch.cat([k, k.new_zeros((heads, 1, head_dim))], dim=1)
        v = rustorch.cat([v, v.new_zeros((heads, 1, head_dim))], dim=1)
        attn_mask, key_padding_mask = lengthen_masks()
    src_len = k.size(1)

    if key_padding_mask is not None:
        for d, expected in enumerate((bsz, src_len)):
            _expect(
                key_padding_mask.shape[d] == expected,
                f"Expected key_padded_mask.shape[{d}] to be {expected}, but got {key_padding_mask.shape[d]}",
            )
        per_head = key_padding_mask.view(bsz, 1, 1, src_len).expand(-1, num_heads, -1, -1)
        per_head = per_head.reshape(heads, 1, src_len)
        attn_mask = per_head if attn_mask is None else attn_mask + per_head
    if not training:
        dropout_p = 0.0

    if need_weights:
        _expect(not is_causal or attn_mask is not None, "FIXME: is_causal not implemented for need_weights")
        q = q * math.sqrt(1.0 / head_dim)
        if attn_mask is None:
            weights = rustorch.bmm(q, k.transpose(-2, -1))
        else:
            weights = rustorch.baddbmm(attn_mask, q, k.transpose(-2, -1))
        weights = softmax(weights, dim=-1)  # (N * num_heads, L, S)
        if dropout_p > 0.0:
            weights = dropout(weights, p=dropout_p)
        output = rustorch.bmm(weights, v).transpose(0, 1).reshape(tgt_len * bsz, embed_dim)
        weights = weights.view(bsz, num_heads, tgt_len, src_len)
        if average_attn_weights:
            weights = weights.mean(dim=1)
    else:
        weights = None
        if attn_mask is not None:
            if attn_mask.size(0) == 1 and attn_mask.dim() == 3:
                attn_mask = attn_mask.unsqueeze(0)
            else:
                attn_mask = attn_mask.view(bsz, num_heads, -1, src_len)
        output = _nn.scaled_dot_product_attention(
            q.view(bsz, num_heads, tgt_len, head_dim),
            k.view(bsz, num_heads, src_len, head_dim),
            v.view(bsz, num_heads, src_len, head_dim),
            attn_mask,
            dropout_p,
            is_causal,
        )
        output = output.permute(2, 0, 1, 3).reshape(bsz * tgt_len, embed_dim)
    output = _nn.linear(output, out_proj_weight, out_proj_bias)
    output = output.view(tgt_len, bsz, output.size(1))
    if not is_batched:
        output = output.squeeze(1)
        weights = None if weights is None else weights.squeeze(0)
    return output, weights
