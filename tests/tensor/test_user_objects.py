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
