"""Random numbers on the GPU: the generator against its published vectors, the distributions, seeds and states."""

import pytest

import rustorch as torch
from rustorch import nn

MASK = (1 << 32) - 1


def philox(counter, key):
    """Philox4x32-10 in Python."""
    c, k = list(counter), list(key)
    for _ in range(10):
        p, q = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [q >> 32 ^ c[1] ^ k[0], q & MASK, p >> 32 ^ c[3] ^ k[1], p & MASK]
        k = [(k[0] + 0x9E3779B9) & MASK, (k[1] + 0xBB67AE85) & MASK]
    return c


def test_reference_has_the_published_vectors():
    # kat_vectors of Random123 1.14.
    pi = [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344], [0xA4093822, 0x299F31D0]
    assert philox([0] * 4, [0] * 2) == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
    assert philox([MASK] * 4, [MASK] * 2) == [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]
    assert philox(*pi) == [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1]


@pytest.mark.parametrize(
    ("seed", "block"),
    [(0, 0), (2**64 - 1, 2**64 - 1), (0x299F31D0A4093822, 0x85A308D3243F6A88), (5, 2**32 - 2), (1, 12345)],
)
def test_words_are_those_of_philox(seed, block):
    state = torch.tensor(list(seed.to_bytes(8, "little") + block.to_bytes(8, "little")), dtype=torch.uint8)
    torch.gpu.set_rng_state(state)
    drawn = torch.empty(7, dtype=torch.int64, device="gpu").random_(-(2**63), None)
    words = []
    for i in range(4):
        at = (block + i) % 2**64
        words += philox([at & MASK, at >> 32, 0, 0], [seed & MASK, seed >> 32])
    expected = [(words[2 * i] | words[2 * i + 1] << 32) for i in range(7)]
    assert [x % 2**64 for x in drawn.tolist()] == expected
    after = torch.gpu.get_rng_state().tolist()
    assert after[:8] == state[:8].tolist()
    assert int.from_bytes(bytes(after[8:]), "little") == (block + 4) % 2**64


N = 20_000


def mean_and_std(x):
    x = x.cpu().double()
    return x.mean().item(), x.std().item()


@pytest.mark.parametrize(
    ("fill", "mean", "std"),
    [
        (lambda x: x.uniform_(), 0.5, 1 / 12**0.5),
        (lambda x: x.uniform_(-3, 5), 1, 8 / 12**0.5),
        (lambda x: x.normal_(), 0, 1),
        (lambda x: x.normal_(2, 0.5), 2, 0.5),
        (lambda x: x.exponential_(2), 0.5, 0.5),
        (lambda x: x.geometric_(0.25), 4, (0.75 / 0.25**2) ** 0.5),
        (lambda x: x.log_normal_(0.1, 0.3).log_(), 0.1, 0.3),
        (lambda x: x.cauchy_(1, 2).sub_(1).div_(2).cpu().atan_(), 0, 3.14159265 / 12**0.5),
        (lambda x: x.bernoulli_(0.3), 0.3, 0.21**0.5),
        (lambda x: x.fill_(0.7).bernoulli(), 0.7, 0.21**0.5),
        (lambda x: x.random_(10), 4.5, (99 / 12) ** 0.5),
        (lambda x: x.random_(-2, 2), -0.5, (15 / 12) ** 0.5),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_moments(fill, mean, std, dtype):
    torch.manual_seed(1)
    got_mean, got_std = mean_and_std(fill(torch.empty(N, device="gpu", dtype=dtype)))
    assert abs(got_mean - mean) < 5 * std / N**0.5 + (0.01 if dtype == torch.float16 else 0)
    assert abs(got_std - std) < 0.03 * std + 1e-3


def test_shapes_of_the_normal_and_the_uniform():
    torch.manual_seed(2)
    z = torch.randn(N, device="gpu").cpu()
    assert z.isfinite().all() and 3 < z.abs().max() < 7
    for limit, share in [(1, 0.6827), (2, 0.9545)]:
        assert abs((z.abs() < limit).float().mean().item() - share) < 0.015
    # Neighbours are independent.
    for step in (1, 2, 3):
        assert abs((z[step:] * z[:-step]).mean().item()) < 0.04
    counts = torch.histc(torch.rand(N, device="gpu").cpu(), 20, 0, 1)
    assert ((counts - N / 20) ** 2 / (N / 20)).sum() < 50


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize(("low", "high"), [(0, 1), (-1, 1), (5, 7.5), (3, 3)])
def test_intervals_are_half_open(dtype, low, high):
    torch.manual_seed(0)
    x = torch.empty(N, device="gpu", dtype=dtype).uniform_(low, high).cpu()
    assert (x >= low).all() and ((x < high).all() or low == high)
    e = torch.empty(N, device="gpu").exponential_().cpu()
    assert (e > 0).all() and e.isfinite().all()
    assert torch.empty(N, device="gpu").cauchy_().cpu().isfinite().all()
    g = torch.empty(N, device="gpu", dtype=torch.int32).geometric_(0.9).cpu()
    assert g.min() == 1


@pytest.mark.parametrize(
    "dtype", ["int64", "int32", "int16", "int8", "uint8", "bool", "float32", "float16", "bfloat16"]
)
def test_integers(dtype):
    dtype = getattr(torch, dtype)
    torch.manual_seed(0)
    full = torch.empty(2000, device="gpu", dtype=dtype).random_().cpu()
    again = torch.empty(2000, dtype=dtype).random_()
    # All values of the CPU's range, to either end.
    assert full.double().min() >= 0 and full.double().max() <= 1.01 * again.double().max() + 1
    assert full.double().max() > 0.98 * again.double().max() - 1
    if dtype != torch.bool:
        few = torch.randint(3, 8, (500,), device="gpu", dtype=dtype).cpu()
        assert sorted(set(few.tolist())) == [3, 4, 5, 6, 7]
    assert sorted(set(torch.empty(500, device="gpu", dtype=dtype).bernoulli_(0.5).cpu().tolist())) == [0, 1]
    assert torch.empty(9, device="gpu", dtype=dtype).bernoulli_(1.0).cpu().bool().all()
    assert not torch.empty(9, device="gpu", dtype=dtype).bernoulli_(0.0).cpu().bool().any()


def test_wide_ranges():
    torch.manual_seed(0)
    for low, high in [(-(2**62), 2**62), (2**40, 2**40 + 5), (-5, 2**33), (0, 2**32)]:
        x = torch.randint(low, high, (4000,), device="gpu").cpu()
        assert low <= x.min().item() and x.max().item() < high
        assert x.max().item() - x.min().item() >= 0.99 * (high - low - 1)


@pytest.mark.parametrize("n", [0, 1, 2, 100, 3000])
@pytest.mark.parametrize("dtype", [torch.int64, torch.int32, torch.float32])
def test_permutations(n, dtype):
    torch.manual_seed(n)
    p = torch.randperm(n, device="gpu", dtype=dtype)
    assert sorted(p.tolist()) == list(range(n)) and p.dtype == dtype
    if n >= 100:
        assert p.tolist() != sorted(p.tolist()) != torch.randperm(n, device="gpu").tolist()


def test_seeds():
    torch.manual_seed(7)
    first, second = torch.rand(100, device="gpu").tolist(), torch.rand(100, device="gpu").tolist()
    assert first != second
    torch.manual_seed(7)
    assert torch.rand(100, device="gpu").tolist() == first
    torch.gpu.manual_seed(7)
    assert torch.rand(100, device="gpu").tolist() == first
    # A number depends on its place, not on how many there are.
    torch.gpu.manual_seed_all(7)
    assert torch.rand(33, device="gpu").tolist() == first[:33]
    assert torch.gpu.initial_seed() == 7
    torch.gpu.manual_seed(-1)
    assert torch.gpu.initial_seed() == 2**64 - 1
    torch.gpu.seed()
    assert torch.rand(100, device="gpu").tolist() != first


def test_states():
    torch.manual_seed(3)
    torch.rand(5, device="gpu")
    state = torch.gpu.get_rng_state()
    assert state.dtype == torch.uint8 and state.shape == (16,) and state.is_cpu
    x = torch.randn(10, device="gpu").tolist()
    torch.gpu.set_rng_state(state)
    assert torch.randn(10, device="gpu").tolist() == x
    torch.gpu.set_rng_state_all(torch.gpu.get_rng_state_all())
    torch.gpu.set_rng_state(state)
    with torch.random.fork_rng():
        torch.randn(10, device="gpu")
        torch.manual_seed(0)
    assert torch.randn(10, device="gpu").tolist() == x
    with pytest.raises(RuntimeError, match="wrong size"):
        torch.gpu.set_rng_state(torch.zeros(5056, dtype=torch.uint8))


def test_generators():
    g = torch.Generator(device="gpu")
    assert g.device == torch.device("gpu:0") and g.manual_seed(4) is g and g.initial_seed() == 4
    x = torch.rand(8, device="gpu", generator=g).tolist()
    before = torch.gpu.get_rng_state().tolist()
    copy = torch.Generator("gpu")
    copy.set_state(g.get_state())
    assert torch.randn(8, device="gpu", generator=g).tolist() == torch.randn(8, device="gpu", generator=copy).tolist()
    assert torch.gpu.get_rng_state().tolist() == before
    torch.gpu.manual_seed(4)
    assert torch.rand(8, device="gpu").tolist() == x
    cpu = torch.Generator()
    with pytest.raises(RuntimeError, match="Expected a 'gpu' device type for generator but found 'cpu'"):
        torch.rand(3, device="gpu", generator=cpu)
    with pytest.raises(RuntimeError, match="Expected a 'cpu' device type for generator but found 'gpu'"):
        torch.rand(3, generator=g)


def test_views_and_layouts():
    torch.manual_seed(0)
    dense = torch.empty(6, 8, device="gpu").normal_()
    torch.manual_seed(0)
    x = torch.zeros(8, 6, device="gpu").t()
    assert torch.equal(x.normal_().cpu(), dense.cpu())
    part = torch.zeros(5, 9, device="gpu")
    part[1:4, ::2].fill_(1)
    part[1:4, 1:3].uniform_(2, 3)
    assert (part[1:4, 1:3].cpu() >= 2).all() and part[0].cpu().abs().sum() == 0 and part[4].cpu().abs().sum() == 0
    assert torch.rand((), device="gpu").shape == () and torch.rand(0, 3, device="gpu").numel() == 0
    p = torch.tensor([0.0, 1.0], device="gpu")
    assert torch.zeros(3, 2, device="gpu").bernoulli_(p).tolist() == [[0, 1]] * 3
    x = torch.zeros(2, 3, device="gpu", dtype=torch.float16)
    assert torch.rand_like(x).dtype == torch.float16 and torch.randn_like(x).is_gpu
    assert torch.randint_like(x, 5).cpu().max() < 5


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("shape", [(5,), (1001,), (30, 40)])
def test_dropout(dtype, shape):
    torch.manual_seed(0)
    x = (torch.rand(*shape) + 1).to(dtype)
    a = x.gpu().requires_grad_()
    y = nn.functional.dropout(a, 0.25)
    kept = y.cpu() != 0
    assert torch.allclose(y.detach().cpu()[kept], (x / 0.75)[kept], rtol=1e-2)
    if x.numel() > 1000:
        assert abs(kept.float().mean().item() - 0.75) < 0.06
    (g,) = torch.autograd.grad(y, a, torch.ones_like(y))
    assert torch.allclose(g.cpu().float(), kept.float() / 0.75, rtol=1e-2)
    assert torch.equal(nn.Dropout(0.5).eval()(a).cpu(), x)
    assert (nn.functional.dropout(a, 1.0).cpu() == 0).all()
    torch.manual_seed(0)
    first = nn.functional.dropout(a, 0.5).tolist()
    assert nn.functional.dropout(a, 0.5).tolist() != first or x.numel() < 10
    torch.manual_seed(0)
    assert nn.functional.dropout(a, 0.5).tolist() == first


def test_dropout_of_views():
    torch.manual_seed(0)
    x = torch.rand(7, 9).gpu() + 1
    for view in (x.t(), x[1:, ::2], x[:, 3], x.expand(2, 7, 9)):
        y = nn.functional.dropout(view, 0.5)
        kept = y.cpu() != 0
        assert torch.allclose(y.cpu()[kept], 2 * view.cpu()[kept]) and kept.any() and not kept.all()
    for module in (nn.Dropout1d(0.5), nn.Dropout2d(0.5), nn.AlphaDropout(0.5)):
        shape = (40, 50, 2) if isinstance(module, nn.Dropout1d) else (40, 50, 2, 2)
        y = module(torch.ones(shape, device="gpu")).cpu()
        assert 0.45 < (y == y.max()).float().mean() < 0.55
        if not isinstance(module, nn.AlphaDropout):
            assert (y.flatten(2).amax(-1) == y.flatten(2).amin(-1)).all()


def test_multinomial():
    torch.manual_seed(0)
    w = torch.tensor([[0.0, 1.0, 3.0, 0.0], [2.0, 0.0, 0.0, 2.0], [0.0, 0.0, 0.0, 9.0]])
    y = torch.multinomial(w.gpu(), 4000, replacement=True)
    assert y.shape == (3, 4000) and y.dtype == torch.int64
    shares = torch.stack([torch.bincount(row, minlength=4) for row in y.cpu()]) / 4000
    assert (shares - w / w.sum(1, keepdim=True)).abs().max() < 0.03
    assert (shares[w == 0] == 0).all()
    one = torch.multinomial(torch.rand(5, 3000).gpu(), 7, replacement=True).cpu()
    assert one.min() >= 0 and one.max() < 3000
    assert torch.multinomial(torch.tensor([0.0, 5.0]).gpu(), 3, True).tolist() == [1, 1, 1]
    torch.multinomial(torch.zeros(3).gpu(), 4, True)
    with pytest.raises(RuntimeError, match="probability tensor contains"):
        torch.gpu.synchronize()


def rows(*parameters):
    """Each parameter N times."""
    return [torch.tensor(p, device="gpu")[:, None].expand(len(p), N) for p in parameters]


@pytest.mark.parametrize(
    ("draw", "parameters", "moments"),
    [
        (torch.poisson, [[0.3, 4.0, 9.9, 10.1, 60.0, 5e6]], lambda rate: (rate, rate)),
        (
            torch.binomial,
            [[20.0, 300.0, 30.0, 2000.0, 50.0, 4e6], [0.1, 0.9, 0.5, 0.3, 0.99, 0.25]],
            lambda n, p: (n * p, n * p * (1 - p)),
        ),
        (torch._standard_gamma, [[0.2, 0.9, 1.0, 7.0, 400.0, 2e6]], lambda alpha: (alpha, alpha)),
    ],
)
def test_moments_of_distributions_by_rejection(draw, parameters, moments):
    torch.manual_seed(3)
    y = draw(*rows(*parameters))
    assert y.dtype == torch.float32
    y = y.cpu().double()
    assert (y >= 0).all() and y.isfinite().all()
    mean, variance = moments(*(torch.tensor(p, dtype=torch.float64) for p in parameters))
    assert ((y.mean(1) - mean).abs() < 5 * (variance / N).sqrt()).all()
    assert (y.var(1) / variance - 1).abs().max() < 0.1
    # Neighbours are independent.
    z = (y - mean[:, None]) / variance.sqrt()[:, None]
    assert (z[:, 1:] * z[:, :-1]).mean(1).abs().max() < 0.04


def test_shapes_of_distributions_by_rejection():
    torch.manual_seed(4)
    rates, (counts, shares) = rows([3.0, 12.0])[0], rows([40.0, 40.0], [0.1, 0.4])
    k = torch.arange(30, dtype=torch.float64)[:, None]
    log_poisson = k * torch.tensor([3.0, 12.0]).double().log() - torch.tensor([3.0, 12.0]) - torch.lgamma(k + 1)
    p = torch.tensor([0.1, 0.4], dtype=torch.float64)
    log_binomial = torch.lgamma(torch.tensor(41.0).double()) - torch.lgamma(k + 1) - torch.lgamma(41 - k)
    log_binomial = log_binomial + k * p.log() + (40 - k) * (-p).log1p()
    for y, log in ((torch.poisson(rates), log_poisson), (torch.binomial(counts, shares), log_binomial)):
        expected = N * log.exp()
        seen = (y.cpu()[None] == k[:, :, None].float()).double().sum(-1)
        often = expected > 20
        assert (((seen - expected) ** 2 / expected)[often]).sum() < 1.5 * often.sum() + 20


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_events_of_halves(dtype):
    rates = torch.tensor([0.0, 2.0, 50.0], device="gpu", dtype=dtype)[:, None].expand(3, N)
    y = torch.poisson(rates)
    assert y.dtype == dtype and (y[0].cpu() == 0).all()
    assert ((y.cpu().double().mean(1) - torch.tensor([0.0, 2.0, 50.0])).abs() < 0.3).all()


def test_ends_of_distributions_by_rejection():
    n = torch.tensor([0.0, 5.0, 5.0, 5.0, 7.0], device="gpu")
    p = torch.tensor([0.5, 0.0, 1.0, float("nan"), 1.0], device="gpu")
    assert str(torch.binomial(n, p).tolist()) == "[0.0, 0.0, 5.0, nan, 7.0]"
    assert torch.binomial(n[:, None], p).shape == (5, 5) and torch.binomial(n[:0], p[:0]).numel() == 0
    assert torch.poisson(torch.zeros((), device="gpu")).item() == 0 and torch.poisson(n[:0]).shape == (0,)
    small = torch._standard_gamma(torch.full((1000,), 1e-6, device="gpu")).cpu()
    assert (small > 0).all() and small.max() < 1
    for bad in (-1.0, float("nan"), float("inf")):
        torch.poisson(torch.tensor([1.0, bad], device="gpu"))
        with pytest.raises(RuntimeError, match="invalid Poisson rate"):
            torch.gpu.synchronize()


def test_dirichlet():
    torch.manual_seed(0)
    alpha = torch.tensor([0.5, 1.5, 3.0])
    y = torch._sample_dirichlet(alpha.gpu().expand(N, 3)).cpu()
    assert (y > 0).all() and (y < 1).all() and torch.allclose(y.sum(1), torch.ones(N), atol=1e-5)
    assert torch.allclose(y.mean(0), alpha / 5, atol=0.01)
    share = alpha / 5
    assert torch.allclose(y.var(0), share * (1 - share) / 6, rtol=0.1)
    # Of tiny parameters nearly all of a row is one component's, though the gamma samples underflow.
    y = torch._sample_dirichlet(torch.full((1000, 3), 0.001).gpu()).cpu()
    assert (y.amax(1) > 0.9).float().mean() > 0.98 and (y.mean(0) - 1 / 3).abs().max() < 0.08


def test_distributions_by_rejection_depend_on_seed_and_place():
    alpha = torch.full((600,), 2.0, device="gpu")
    for draw in (torch.poisson, torch._standard_gamma, lambda x: torch.binomial(x * 10, x / 5)):
        torch.manual_seed(9)
        first, second = draw(alpha).tolist(), draw(alpha).tolist()
        torch.manual_seed(9)
        assert first != second and draw(alpha[:300]).tolist() == first[:300]


def test_probabilities_are_checked():
    y = torch.tensor([0.5, 1.5]).gpu().bernoulli()
    with pytest.raises(RuntimeError, match="Expected p_in >= 0"):
        y.tolist()


def test_initialisation():
    torch.manual_seed(0)
    w = torch.empty(60, 80, device="gpu")
    for fill in (nn.init.xavier_uniform_, nn.init.kaiming_normal_, nn.init.uniform_, nn.init.normal_):
        assert fill(w).cpu().std() > 0.01
    layer = nn.Linear(30, 20, device="gpu")
    assert 0 < layer.weight.detach().cpu().abs().max() <= 30**-0.5


def test_slopes_of_rrelu_are_drawn_where_it_bends_and_are_its_gradient():
    x = torch.randn(1000).gpu().requires_grad_()
    y = nn.functional.rrelu(x, 0.1, 0.4, training=True)
    (slopes,) = torch.autograd.grad(y.sum(), x)
    x, y, slopes = x.detach().cpu(), y.detach().cpu(), slopes.cpu()
    assert torch.equal(slopes[x > 0], torch.ones_like(slopes[x > 0]))
    bent = slopes[x <= 0]
    assert bent.min() >= 0.1 and bent.max() <= 0.4 and bent.std() > 0.05
    assert torch.allclose(y, x * slopes)
    fixed = nn.functional.rrelu(x.gpu(), 0.1, 0.4)
    assert torch.allclose(fixed.cpu(), nn.functional.rrelu(x, 0.1, 0.4))
