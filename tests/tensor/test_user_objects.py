"""What methods of user objects raise reaches the user."""

import pytest

import rustorch as torch


class Sequence:
    def __init__(self, error):
        self.error = error

    def __len__(self):
        raise self.error

    def __getitem__(self, i):
        raise self.error


class Items(Sequence):
    def __len__(self):
        return 2


class Number:
    """Looks like a NumPy scalar."""

    def __init__(self, error):
        self.error = error

    @property
    def dtype(self):
        return type("kind", (), {"kind": "f"})

    def __index__(self):
        raise TypeError("no index")

    def __float__(self):
        raise self.error


@pytest.mark.parametrize("error", [ZeroDivisionError("mine"), KeyboardInterrupt(), TypeError("mine")])
@pytest.mark.parametrize(
    "make", [torch.tensor, torch.as_tensor, torch.asarray, torch.Tensor, lambda x: torch.tensor([x])]
)
@pytest.mark.parametrize("kind", [Sequence, Items])
def test_sequences(make, kind, error):
    with pytest.raises(type(error)) as info:
        make(kind(error))
    assert info.value is error


@pytest.mark.parametrize("error", [ZeroDivisionError("mine"), KeyboardInterrupt()])
@pytest.mark.parametrize(
    "use", [lambda x, n: x + n, lambda x, n: x.add(n), lambda x, n: torch.full((2,), n), lambda x, n: x.fill_(n)]
)
def test_numbers(use, error):
    with pytest.raises(type(error)) as info:
        use(torch.ones(2), Number(error))
    assert info.value is error


def test_objects_that_are_no_numbers_are_of_the_wrong_type():
    for error in (TypeError("no"), ValueError("no")):
        with pytest.raises(TypeError):
            torch.ones(2) + Number(error)
        with pytest.raises(TypeError):
            torch.ones(2).add(Number(error))


class Circular:
    """Says that it is a number of NumPy's, and gives itself when asked for it."""

    class dtype:
        kind = "f"

    ndim = 0

    def __index__(self):
        return self

    def __complex__(self):
        return self


class OfTensors(Circular):
    def __index__(self):
        return torch.tensor(1)


@pytest.mark.parametrize("kind", ["f", "c"])
@pytest.mark.parametrize("cls", [Circular, OfTensors])
def test_an_index_that_is_no_int_is_refused(cls, kind):
    x = torch.arange(6.0).reshape(2, 3)
    odd = type(cls.__name__, (cls,), {"dtype": type("dtype", (), {"kind": kind})})()
    for call in (lambda: torch.special.xlog1py(odd, x), lambda: torch.full((2,), odd), lambda: x + odd):
        with pytest.raises(TypeError):
            call()
    for call in (lambda: x[odd:], lambda: x[:odd], lambda: x[:, odd:], lambda: torch.tensor([1]).__index__() + odd):
        with pytest.raises(TypeError):
            call()


def test_a_tensor_whose_index_is_no_int_is_refused():
    class Odd(torch.Tensor):
        def __index__(self):
            return torch.tensor(1)

    odd = torch.tensor(1).as_subclass(Odd)
    x = torch.arange(6.0).reshape(2, 3)
    for call in (lambda: x[odd:], lambda: torch.tensor([odd]), lambda: range(odd)):
        with pytest.raises(TypeError, match="non-int"):
            call()


def test_a_sequence_without_an_end_gives_as_many_items_as_it_counts():
    class Endless:
        def __len__(self):
            return 2

        def __getitem__(self, i):
            return 1

    assert torch.tensor(Endless()).tolist() == [1, 1]
    assert torch.arange(6.0).reshape(2, 3)[:, Endless()].tolist() == [[1, 1], [4, 4]]
