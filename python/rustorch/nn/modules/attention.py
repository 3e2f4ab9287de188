"""Multi-head attention as a layer."""

import rustorch
from rustorch.nn import functional as F
from rustorch.nn import init
from rustorch.nn.modules.linear import NonDynamicallyQuantizableLinear
from rustorch.nn.modules.module import Module
from rustorch.nn.parameter import Parameter

__all__ = ["MultiheadAttention"]


class MultiheadAttention(Module):
    """`concat(head_1, ..., head_h) @ W_o` with head_i = softmax(q_i k_i^T / sqrt(d)) v_i of projected inputs.

    Args:
        embed_dim (int): width of query and output; num_heads divides it.
        num_heads (int): number of heads.
        dropout (float, 0): chance to drop an attention weight in training.
        bias (bool, True): biases of the projections.
        add_bias_kv (bool, False): append a learned vector to keys and values.
        add_zero_attn (bool, False): append zeros to keys and values.
        kdim (int, None), vdim (int, None): widths of key and value, embed_dim if None.
        batch_first (bool, False): the batch is dimension 0 instead of 1.
        device (device, None), dtype (dtype, None): of the parameters.
    Shape:  query (L, N, E), key (S, N, kdim), value (S, N, vdim); without N, or N first with batch_first.
    Attributes:  in_proj_weight (3 E, E) or q_proj_weight, k_proj_weight, v_proj_weight; in_proj_bias (3 E); out_proj.
    Source: Vaswani et al. 2017, arXiv:1706.03762.
    Example:
        >>> attend = nn.MultiheadAttention(16, 4, batch_first=True)
        >>> x = torch.randn(2, 5, 16)
        >>> output, weights = attend(x, x, x)
        >>> output.shape, weights.shape
        (torch.Size([2, 5, 16]), torch.Size([2, 5, 5]))
    """

    __constants__ = ["batch_first"]

    def __init__(
        self,
        embed_dim,
        num_heads,
        dropout=0.0,
        bias=True,
        add_bias_kv=False,
        add_zero_attn=False,
        kdim=None,
        vdim=None,
        batch_first=False,
        device=None,
        dtype=None,
    ):
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(
                f"embed_dim and num_heads must be greater than 0, got embed_dim={embed_dim} and "
                f"num_heads={num_heads} instead"
            )
        super().__init__()
        self.embed_dim = embed_dim
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self._qkv_same_embed_dim = self.kdim == embed_dim and self.vdim == embed_dim
        self.num_heads = num_heads
        self.dropout = dropout
        self.batch_first = batch_first
        self.head_dim = embed_dim // num_heads
        if self.head_dim * num_heads != embed_dim:
            raise AssertionError("embed_dim must be divisible by num_heads")

        def new(*shape):
            return Parameter(rustorch.empty(shape, device=device, dtype=dtype))

        same = self._qkv_same_embed_dim
        self.register_parameter("in_proj_weight", new(3 * embed_dim, embed_dim) if same else None)
        for name, width in (("q", embed_dim), ("k", self.kdim), ("v", self.vdim)):
            self.register_parameter(f"{name}_proj_weight", None if same else new(embed_dim, width))
        if not same:
            # The order of torch: the separate weights come first.
            self._parameters["in_proj_weight"] = self._parameters.pop("in_proj_weight")
        self.register_parameter("in_proj_bias", new(3 * embed_dim) if bias else None)
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias=bias, device=device, dtype=dtype)
        self.bias_k = new(1, 1, embed_dim) if add_bias_kv else None
        self.bias_v = new(1, 1, embed_dim) if add_bias_kv else None
        self.add_zero_attn = add_zero_attn
        self._reset_parameters()

    def _reset_parameters(self):
        if self._qkv_same_embed_dim:
            init.xavier_uniform_(self.in_proj_weight)
        else:
            init.xavier_uniform_(self.q_proj_weight)
            init.xavier_uniform_(self.k_proj_weight)
            init.xavier_uniform_(self.v_proj_weight)
        if self.in_proj_bias is not None:
            init.zeros_(self.in_proj_bias)
            init.zeros_(self.out_proj.bias)
        for bias in (self.bias_k, self.bias_v):
            if bias is not None:
                init.xavier_normal_(bias)

    def __setstate__(self, state):
        state.setdefault("_qkv_same_embed_dim", True)
        super().__setstate__(state)

    def forward(
        self,
        query,
        key,
        value,
        key_padding_mask=None,
        need_weights=True,
        attn_mask=None,
        average_attn_weights=True,
        is_causal=False,
    ):
        """Attend to `key` and `value` with `query`.

        Args:
            key_padding_mask (Tensor, None): (N, S) or (S); True, or -inf to be added, leaves a key out.
            need_weights (bool, True): return the attention weights; without them the faster kernel is used.
            attn_mask (Tensor, None): (L, S) or (N * num_heads, L, S); True, or -inf to be added, forbids a pair.
            average_attn_weights (bool, True): return the mean of the weights of all heads.
            is_causal (bool, False): a hint that attn_mask is the causal mask.
        Returns:  (output, weights or None)
        """
        key_padding_mask = F._canonical_mask(
            key_padding_mask, "key_padding_mask", F._none_or_dtype(attn_mask), "attn_mask", query.dtype
        )
        attn_mask = F._canonical_mask(attn_mask, "attn_mask", None, "", query.dtype, check_other=False)
        swap = self.batch_first and query.dim() == 3
        if swap:
            # The same object stays the same object: the projections look at identity.
            swapped = {id(x): x.transpose(1, 0) for x in (query, key, value)}
            query, key, value = swapped[id(query)], swapped[id(key)], swapped[id(value)]
        separate = {}
        if not self._qkv_same_embed_dim:
            separate = {
                "use_separate_proj_weight": True,
                "q_proj_weight": self.q_proj_weight,
                "k_proj_weight": self.k_proj_weight,
                "v_proj_weight": self.v_proj_weight,
            }
        output, weights = F.multi_head_attention_forward(
            query,
            key,
            value,
            self.embed_dim,
            self.num_heads,
            self.in_proj_weight,
            self.in_proj_bias,
            self.bias_k,
            self.bias_v,
            self.add_zero_attn,
            self.dropout,
            self.out_proj.weight,
            self.out_proj.bias,
            training=self.training,
            key_padding_mask=key_padding_mask,
            need_weights=need_weights,
            attn_mask=attn_mask,
            average_attn_weights=average_attn_weights,
            is_causal=is_causal,
            **separate,
        )
        return (output.transpose(1, 0) if swap else output), weights

    def merge_masks(self, attn_mask, key_padding_mask, query):
        """Combine both masks into one to be added.

        Returns:  (None, None) without masks, (key_padding_mask, 1) with that alone, else ((N, num_heads, L, S), 2).
        """
        if attn_mask is None:
            return key_padding_mask, (None if key_padding_mask is None else 1)
        batch, length, _ = query.shape
        if attn_mask.dim() == 3:
            merged = attn_mask.view(batch, -1, length, length)
        else:
            merged = attn_mask.view(1, 1, length, length).expand(batch, self.num_heads, -1, -1)
        if key_padding_mask is not None:
            merged = merged + key_padding_mask.view(batch, 1, 1, length).expand(-1, self.num_heads, -1, -1)
        return merged, 2
