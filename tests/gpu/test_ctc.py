"""Connectionist temporal classification on the GPU: as on the CPU, where that has derivatives, and where it has none."""

import pytest

import rustorch as torch
from rustorch.nn import functional as F


def both(steps, classes, input_lengths, labels, device, dtype=torch.float32, **options):
    """The loss, and its gradient by the logits and by the log-probabilities."""
    torch.manual_seed(0)
    x = torch.randn(steps, len(labels), classes, dtype=dtype).to(device).requires_grad_()
    p = x.log_softmax(2)
    p.retain_grad()
    targets = torch.tensor([k for label in labels for k in label], dtype=torch.int64).to(device)
    loss = F.ctc_loss(p, targets, input_lengths, [len(label) for label in labels], **options)
    loss.backward(torch.arange(1, loss.numel() + 1).reshape(loss.shape).to(dtype).to(device))
    return loss.detach().cpu(), x.grad.cpu(), p.grad.cpu()


def agree(assert_same, *args, tolerance=1e-4, **options):
    for a, b in zip(both(*args, "gpu", **options), both(*args, "cpu", **options), strict=True):
        assert_same(a.float(), b.float(), rtol=10 * tolerance, atol=tolerance)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("zero_infinity", [False, True])
def test_losses(reduction, zero_infinity, assert_same):
    # Equal neighbours, the blank among the labels, no labels, no time for them, and no time at all.
    labels = [[1, 2, 3], [2, 2], [0, 1], [], [1, 1, 1, 2], [3], []]
    lengths = [9, 9, 5, 9, 4, 0, 0]
    agree(assert_same, 9, 4, lengths, labels, reduction=reduction, zero_infinity=zero_infinity)


def test_other_blanks_and_halves(assert_same):
    agree(assert_same, 7, 5, [7, 6], [[0, 1], [2, 3, 3]], blank=4)
    agree(assert_same, 7, 5, [7, 6], [[1, 1], [2, 3, 3]], dtype=torch.float16, tolerance=4e-3)


def test_more_states_and_classes_than_a_workgroup_has_invocations(assert_same):
    label = [1 + (7 * k) % 5 for k in range(150)]
    agree(assert_same, 320, 7, [320, 200], [label, label[:99]], reduction="none", tolerance=1e-3)
    agree(assert_same, 6, 600, [6], [[599, 300, 599]])


def test_targets_as_rows_and_lengths_as_tensors(assert_same):
    torch.manual_seed(0)
    p, targets = torch.randn(8, 2, 5).log_softmax(2), torch.tensor([[1, 2, 4], [3, 3, 0]])
    lengths = torch.tensor([8, 6]), torch.tensor([3, 2])
    expected = F.ctc_loss(p, targets, *lengths)
    for there in (lengths, [x.gpu() for x in lengths]):
        assert_same(F.ctc_loss(p.gpu(), targets.gpu(), *there).cpu(), expected, rtol=1e-5, atol=1e-5)
    with pytest.raises(RuntimeError, match="same device"):
        F.ctc_loss(p.gpu(), targets, *lengths)
    one = F.ctc_loss(p[:, 0].gpu(), targets[0].gpu(), lengths[0][:1], lengths[1][:1])
    assert_same(one.cpu(), F.ctc_loss(p[:, 0], targets[0], lengths[0][:1], lengths[1][:1]), rtol=1e-5, atol=1e-5)


def test_log_probabilities_of_minus_infinity(assert_same):
    p = torch.tensor([[0.5, 0.5, 0.0], [0.2, 0.0, 0.8], [0.3, 0.3, 0.4]]).log()[:, None]
    for zero_infinity in (False, True):
        for label in ([1, 2], [2, 1], [2, 2]):
            results = []
            for device in ("cpu", "gpu"):
                q = p.detach().to(device).requires_grad_()
                loss = F.ctc_loss(q, torch.tensor([label]).to(device), (3,), (2,), zero_infinity=zero_infinity)
                loss.backward()
                results.append((loss.detach().cpu(), q.grad.cpu()))
            for a, b in zip(*results, strict=True):
                assert_same(b, a, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("bad", [-1, 5])
def test_targets_that_are_no_classes_are_found(bad):
    with pytest.raises(RuntimeError, match=f"Target {bad} is out of bounds"):
        F.ctc_loss(torch.zeros(4, 1, 5).gpu(), torch.tensor([[1, bad]]).gpu(), (4,), (2,))


def test_the_same_bits_twice():
    label = [1 + k % 3 for k in range(40)]
    once, again = (both(90, 5, [90, 70], [label, label[5:]], "gpu") for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(once, again, strict=True))
