"""MultiheadAttention and Transformer."""

import math

import pytest
from conftest import close

import rustorch as torch
from rustorch import nn


def reference(m, q, k, v, mask=None):
    """Batch first, from the formula."""
    e, heads = m.embed_dim, m.num_heads
    wq, wk, wv = m.in_proj_weight.chunk(3)
    bq, bk, bv = m.in_proj_bias.chunk(3)

    def split(x):
        return x.unflatten(-1, (heads, e // heads)).transpose(1, 2)

    q, k, v = split(q @ wq.T + bq), split(k @ wk.T + bk), split(v @ wv.T + bv)
    scores = q @ k.transpose(-1, -2) / math.sqrt(e // heads)
    if mask is not None:
        scores = scores + mask
    weights = scores.softmax(-1)
    out = (weights @ v).transpose(1, 2).flatten(2)
    return out @ m.out_proj.weight.T + m.out_proj.bias, weights


@pytest.mark.parametrize("need_weights", [True, False])
@pytest.mark.parametrize("same", ["all", "key_value", "none"])
def test_attention_follows_the_formula(same, need_weights):
    m = nn.MultiheadAttention(8, 2, batch_first=True)
    q = torch.randn(3, 4, 8)
    k = q if same == "all" else torch.randn(3, 5, 8)
    v = k if same != "none" else torch.randn(3, 5, 8)
    output, weights = m(q, k, v, need_weights=need_weights)
    expected, all_weights = reference(m, q, k, v)
    assert close(output, expected)
    assert weights is None if not need_weights else close(weights, all_weights.mean(1))


def test_weights_of_each_head():
    m, x = nn.MultiheadAttention(8, 2, batch_first=True), torch.randn(3, 4, 8)
    assert close(m(x, x, x, average_attn_weights=False)[1], reference(m, x, x, x)[1])


@pytest.mark.parametrize("need_weights", [True, False])
def test_masks(need_weights):
    m, x = nn.MultiheadAttention(8, 2, batch_first=True), torch.randn(2, 4, 8)
    causal = torch.ones(4, 4, dtype=torch.bool).triu(1)
    padding = torch.tensor([[False] * 4, [False, False, True, True]])
    total = torch.zeros(2, 1, 4, 4).masked_fill(causal, -math.inf).masked_fill(padding.view(2, 1, 1, 4), -math.inf)
    output, _ = m(x, x, x, attn_mask=causal, key_padding_mask=padding, need_weights=need_weights)
    assert close(output, reference(m, x, x, x, total)[0])
    per_head = torch.zeros(4, 4, 4).masked_fill(causal, -math.inf)
    assert close(m(x, x, x, attn_mask=per_head, need_weights=need_weights)[0], m(x, x, x, attn_mask=causal)[0])
    hinted = m(x, x, x, attn_mask=causal, is_causal=True, need_weights=need_weights)[0]
    assert close(hinted, m(x, x, x, attn_mask=causal)[0])


def test_sequence_first_and_without_batch():
    m, x = nn.MultiheadAttention(8, 2), torch.randn(4, 3, 8)
    m.eval()
    output, weights = m(x, x, x)
    alone, alone_weights = m(x[:, 0], x[:, 0], x[:, 0])
    assert close(output[:, 0], alone) and close(weights[0], alone_weights)


def test_other_widths_and_extra_keys():
    m = nn.MultiheadAttention(8, 2, kdim=5, vdim=6, add_bias_kv=True, add_zero_attn=True)
    assert [n for n, _ in m.named_parameters()][:3] == ["q_proj_weight", "k_proj_weight", "v_proj_weight"]
    output, weights = m(torch.randn(4, 2, 8), torch.randn(3, 2, 5), torch.randn(3, 2, 6))
    assert output.shape == (4, 2, 8) and weights.shape == (2, 4, 5)


def test_attention_errors():
    with pytest.raises(AssertionError, match="embed_dim must be divisible by num_heads"):
        nn.MultiheadAttention(8, 3)
    with pytest.raises(ValueError, match="embed_dim and num_heads must be greater than 0"):
        nn.MultiheadAttention(0, 1)
    m, x = nn.MultiheadAttention(8, 2), torch.randn(4, 3, 8)
    with pytest.raises(AssertionError, match="query should be unbatched 2D or batched 3D tensor but received 1-D"):
        m(x[0, 0], x, x)
    with pytest.raises(
        RuntimeError, match=r"The shape of the 2D attn_mask is torch.Size\(\[2, 2\]\), but should be \(4, 4\)."
    ):
        m(x, x, x, attn_mask=torch.zeros(2, 2))
    with pytest.raises(RuntimeError, match="Need attn_mask if specifying the is_causal hint"):
        m(x, x, x, is_causal=True)
    with pytest.raises(AssertionError, match="only bool and floating types of attn_mask are supported"):
        m(x, x, x, attn_mask=torch.zeros(4, 4, dtype=torch.int64))


@pytest.mark.parametrize("norm_first", [False, True])
def test_encoder_layer_is_attention_and_feed_forward(norm_first):
    m, x = nn.TransformerEncoderLayer(8, 2, 16, norm_first=norm_first, batch_first=True), torch.randn(3, 4, 8)
    m.eval()

    def attend(t):
        return m.self_attn(t, t, t)[0]

    def feed(t):
        return m.linear2(m.linear1(t).relu())

    if norm_first:
        y = x + attend(m.norm1(x))
        y = y + feed(m.norm2(y))
    else:
        y = m.norm1(x + attend(x))
        y = m.norm2(y + feed(y))
    assert close(m(x), y)


def test_stacks_copy_their_layer():
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
    m = nn.TransformerEncoder(layer, 2, norm=nn.LayerNorm(8))
    assert torch.equal(m.layers[0].linear1.weight, m.layers[1].linear1.weight)
    assert m.layers[0].linear1.weight is not m.layers[1].linear1.weight
    x = torch.randn(2, 3, 8)
    assert close(m(x), m.norm(m.layers[1](m.layers[0](x))))


def test_transformer_end_to_end():
    m = nn.Transformer(8, 2, 1, 1, 16, batch_first=True).eval()
    src, tgt = torch.randn(2, 5, 8), torch.randn(2, 3, 8)
    mask = m.generate_square_subsequent_mask(3)
    assert mask[0].tolist() == [0, -math.inf, -math.inf] and mask[2].tolist() == [0, 0, 0]
    output = m(src, tgt, tgt_mask=mask)
    # With a causal mask the first output does not depend on later targets.
    assert output.shape == (2, 3, 8) and close(m(src, tgt[:, :1])[:, 0], output[:, 0])
    with pytest.raises(RuntimeError, match="the batch number of src and tgt must be equal"):
        m(src, tgt[:1])
    with pytest.raises(RuntimeError, match="the feature number of src and tgt must be equal to d_model"):
        m(src, tgt[..., :4])
    with pytest.raises(RuntimeError, match="activation should be relu/gelu, not nope"):
        nn.TransformerEncoderLayer(8, 2, activation="nope")


REASONS = {
    "batch_first was not True": {},
    "norm_first was True": {"norm_first": True, "batch_first": True},
    "num_heads is odd": {"batch_first": True, "nhead": 1},
    "activation_relu_or_gelu was not True": {"batch_first": True, "activation": torch.tanh},
    "bias=False": {"batch_first": True, "bias": False},
}


@pytest.mark.parametrize("reason", REASONS)
def test_encoder_says_why_nested_tensors_are_not_used(reason):
    layer = nn.TransformerEncoderLayer(4, **{"nhead": 2, **REASONS[reason]})
    with pytest.warns(UserWarning, match=f"enable_nested_tensor is True, but .* because encoder_layer.*{reason}"):
        encoder = nn.TransformerEncoder(layer, 1)
    assert encoder.use_nested_tensor is False and encoder.enable_nested_tensor is True


def test_encoder_of_a_fitting_layer_does_not_warn():
    assert nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, batch_first=True), 1).use_nested_tensor
    nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2), 1, enable_nested_tensor=False)
