"""The sentences that users of torch know by heart: operands, layers and arguments that do not fit."""

import pytest

TENSORS = "f = torch.ones(3, 2); d = f.double(); f3 = torch.ones(2, 2, 3); d3 = torch.ones(2, 3, 2, dtype=torch.float64); image = torch.ones(1, 1, 2, 2); "


@pytest.mark.parametrize(
    "program",
    [
        "torch.ones(1, 2, 3) + torch.ones(1, 4, 5)",
        "nn.Linear(2, 1)(d)",
        "nn.Linear(2, 1)(d3)",
        "nn.Linear(2, 1)(d[0])",
        "nn.Linear(2, 1)(f.long())",
        "F.linear(d, f[:1])",
        "F.linear(d3, f[:1])",
        "F.linear(f, f[:1], torch.ones(1, dtype=torch.float64))",
        "d.mm(f.t())",
        "d @ f.t()",
        "d3.bmm(f3)",
        "d3 @ f3",
        "d.mv(f[0])",
        "d @ f[0]",
        "f[:, 0] @ d",
        "d[0].dot(f[0])",
        "d[0] @ f[0]",
        "torch.addmm(torch.ones(3, 3), d, f.t())",
        "torch.addmm(torch.ones(3, 3), d, d.t())",
        "torch.addmv(torch.ones(3), d, f[0])",
        "torch.baddbmm(torch.ones(2, 3, 3), d3, f3.double())",
        "torch.einsum('ij,jk', d, f.t())",
        "nn.Bilinear(2, 2, 1)(d, d)",
        "nn.MultiheadAttention(2, 1)(d3, d3, d3)",
        "F.scaled_dot_product_attention(d3, f3.mT, f3.mT)",
        "nn.Conv2d(1, 1, 1)(image.double())",
        "nn.Conv2d(1, 1, 1)(image.long())",
        "nn.Conv2d(1, 1, 1, bias=False)(image.double())",
        "nn.ConvTranspose2d(1, 1, 1)(image.double())",
        "nn.BatchNorm1d(2)(d)",
        "nn.BatchNorm1d(2).eval()(d)",
        "nn.LayerNorm(2)(d)",
        "nn.GroupNorm(1, 2)(d)",
        "nn.InstanceNorm1d(2, affine=True)(d3.mT)",
        "F.batch_norm(d, None, None, f[0], f[0], True)",
        "F.batch_norm(f, None, None)",
    ],
)
def test_dtypes_that_do_not_fit(program, agree):
    agree(f"nn = torch.nn; F = nn.functional; {TENSORS} {program}")


@pytest.mark.parametrize(
    "program",
    [
        "F.softmax(f.long(), 0)",
        "F.softmax(f.long(), 1)",
        "F.log_softmax(f.long(), 0)",
        "F.cross_entropy(f.long(), torch.zeros(3, dtype=torch.long))",
        "F.cross_entropy(f, torch.zeros(3, dtype=torch.long), weight=torch.ones(5))",
        "F.gelu(f.long())",
        "F.mse_loss(f.long(), f.long())",
        "torch.bitwise_left_shift(f, f)",
        "F.binary_cross_entropy_with_logits(f, f.long())",
        "F.nll_loss(f[0], torch.tensor([1, 0]))",
        "F.bilinear(f[0], f[0], f[0])",
        "torch.ones(2).index_add_(0, torch.tensor([5]), torch.ones(1))",
    ],
)
def test_losses_and_activations(program, agree):
    agree(f"F = torch.nn.functional; {TENSORS} {program}")


@pytest.mark.parametrize(
    "program",
    [
        "torch.einsum('ii', torch.ones(2, 3))",
        "torch.einsum('ij,jk', torch.ones(2, 3), torch.ones(2, 3))",
        "torch.einsum('ij,jj', torch.ones(2, 3), torch.ones(3, 2))",
        "torch.einsum('i.j', f)",
        "torch.einsum('ij,jk->i.k', f, f.t())",
        "torch.einsum('ijk', f)",
        "torch.zeros(2, 'a')",
        "torch.zeros((2, 2.5))",
        "torch.nn.Linear('a', 1)",
        "f.reshape((1.0, 2))",
        "f.view(2, 'x')",
        "torch.cat((f, 3))",
        "torch.utils.data.default_collate([f, 1])",
        "torch.zeros_like()",
    ],
)
def test_arguments(program, agree):
    agree(f"{TENSORS} {program}")


@pytest.mark.parametrize(
    "program",
    [
        "torch.ones(1, 3).var(0)",
        "torch.ones(1, 3).std(0)",
        "torch.var_mean(torch.ones(1))",
        "torch.std_mean(torch.ones(2), correction=2)",
        "torch.ones(1).std(unbiased=False)",
        "torch.ones(0).var()",
    ],
)
def test_too_few_elements_for_a_variance_warn(program, agree):
    agree(program)


@pytest.mark.parametrize(
    "program",
    [
        "f.add_(-0.5, f)",
        "torch.add(f, 2, f)",
        "f.sub(2, f)",
        "f.addcmul_(2, f, f)",
        "torch.addcdiv(f, 0.5, f, f)",
        "torch.addmm(2, x, 3, x, x)",
        "torch.addmm(2, x, x, x)",
        "x.addmm_(2, 3, x.clone(), x.clone())",
        "x.addmm(2, x, x)",
        "torch.addmv(2, x[0], x, x[0])",
        "torch.addr(2, x, 3, x[0], x[0])",
        "torch.baddbmm(2, x[None], 3, x[None], x[None])",
        "x.addbmm_(2, 3, x[None].clone(), x[None].clone())",
        "torch.add(f, 2, f, out=torch.zeros(3, 2))",
        "torch.add(f, 2, f, 3)",
        "torch.addmm(x, 2, x, x)",
    ],
)
def test_numbers_before_tensors_work_with_a_warning(program, agree):
    message = "f, 3)" not in program and "(x, 2, x" not in program
    agree(f"f = torch.full((3, 2), 2.0); x = torch.tensor([[1.0, 2.0], [3.0, 4.0]]); {program}", message=message)


@pytest.mark.parametrize("program", ["x // 2", "2 // x", "torch.floor_divide(x, x)", "torch.heaviside(x, x)"])
def test_what_has_no_derivative_says_so(program, agree):
    agree(f"x = torch.ones(3, requires_grad=True); ({program}).sum().backward()")
