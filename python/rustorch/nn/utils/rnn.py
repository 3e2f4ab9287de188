"""Batches of sequences of different lengths, padded or packed."""

import itertools
from collections import namedtuple
from collections.abc import Iterable

import rustorch
from rustorch import Tensor
from rustorch._C import _nn

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]

PackedSequence_ = namedtuple("PackedSequence_", ["data", "batch_sizes", "sorted_indices", "unsorted_indices"])


def _map(fn, value):
    return None if value is None else fn(value)


class PackedSequence(PackedSequence_):
    """The elements of a batch of sequences, time step after time step and without padding.

    Made by `pack_sequence` and `pack_padded_sequence`, taken by RNN, LSTM and GRU, unpacked by `pad_packed_sequence`.

    Attributes:
        data (Tensor): (sum of lengths, *).
        batch_sizes (Tensor): how many sequences each time step has, on the CPU.
        sorted_indices (Tensor, None): the order from the user's batch to the one sorted by length.
        unsorted_indices (Tensor, None): the order back.
    Example:
        >>> packed = torch.nn.utils.rnn.pack_sequence([torch.tensor([1, 2, 3]), torch.tensor([4])])
        >>> packed.data, packed.batch_sizes
        (tensor([1, 4, 2, 3]), tensor([2, 1, 1]))
    """

    def __new__(cls, data, batch_sizes=None, sorted_indices=None, unsorted_indices=None):
        return super().__new__(cls, *_packed_sequence_init_args(data, batch_sizes, sorted_indices, unsorted_indices))

    def to(self, *args, **kwargs):
        """Convert the data as `Tensor.to` does; the indices follow to its device."""
        data = self.data.to(*args, **kwargs)
        if data is self.data:
            return self
        _, _, non_blocking, memory_format = _nn._parse_to(*args, **kwargs)

        def move(indices):
            return indices.to(data.device, non_blocking=non_blocking, memory_format=memory_format)

        return type(self)(data, self.batch_sizes, _map(move, self.sorted_indices), _map(move, self.unsorted_indices))

    def pin_memory(self):
        """Copy everything into page-locked memory."""
        return type(self)(
            self.data.pin_memory(),
            self.batch_sizes,
            _map(lambda t: t.pin_memory(), self.sorted_indices),
            _map(lambda t: t.pin_memory(), self.unsorted_indices),
        )

    def _to_device(self, kind, args, kwargs):
        probe = rustorch.tensor((), dtype=self.data.dtype, device=self.data.device).to(*args, **kwargs)
        if probe.device.type != kind:
            kwargs["device"] = kind
        return self.to(*args, **kwargs)

    def cuda(self, *args, **kwargs):
        """Move to a CUDA device."""
        return self._to_device("cuda", args, kwargs)

    def cpu(self, *args, **kwargs):
        """Move to the CPU."""
        return self._to_device("cpu", args, kwargs)

    def double(self):
        return self.to(dtype=rustorch.double)

    def float(self):
        return self.to(dtype=rustorch.float)

    def half(self):
        return self.to(dtype=rustorch.half)

    def long(self):
        return self.to(dtype=rustorch.long)

    def int(self):
        return self.to(dtype=rustorch.int)

    def short(self):
        return self.to(dtype=rustorch.short)

    def char(self):
        return self.to(dtype=rustorch.int8)

    def byte(self):
        return self.to(dtype=rustorch.uint8)

    @property
    def is_cuda(self):
        """Whether the data is on a CUDA device."""
        return self.data.is_cuda

    def is_pinned(self):
        """Whether the data is in page-locked memory."""
        return self.data.is_pinned()


def _packed_sequence_init_args(data, batch_sizes=None, sorted_indices=None, unsorted_indices=None):
    """The four fields; without batch_sizes, `data` is the pair (data, batch_sizes)."""
    if unsorted_indices is None:
        unsorted_indices = invert_permutation(sorted_indices)
    if batch_sizes is None:
        if not (isinstance(data, (list, tuple)) and len(data) == 2):
            raise AssertionError("Expected data to be a list or tuple of length 2")
        data, batch_sizes = data
    elif batch_sizes.device.type != "cpu":
        raise ValueError(
            "batch_sizes should always be on CPU. Instances of PackedSequence should never be created manually. They "
            "should be instantiated by functions like pack_sequence and pack_padded_sequences in nn.utils.rnn. "
            "https://pytorch.org/docs/stable/nn.html#torch.nn.utils.rnn.pack_sequence"
        )
    return data, batch_sizes, sorted_indices, unsorted_indices


def invert_permutation(permutation):
    """The permutation that undoes another one; None stays None.

    Example:
        >>> torch.nn.utils.rnn.invert_permutation(torch.tensor([2, 0, 1]))
        tensor([1, 2, 0])
    """
    if permutation is None:
        return None
    output = rustorch.empty_like(permutation, memory_format=rustorch.contiguous_format)
    output.scatter_(0, permutation, rustorch.arange(0, permutation.numel(), device=permutation.device))
    return output


def _runs(lengths):
    """(start, end, batch) of the spans of time in which a batch, sorted by decreasing length, keeps its size."""
    start = 0
    for i in range(len(lengths) - 1, -1, -1):
        if lengths[i] > start:
            yield start, lengths[i], i + 1
            start = lengths[i]


def pack_padded_sequence(input, lengths, batch_first=False, enforce_sorted=True):
    """Leave the padding of a batch out.

    Args:
        input (Tensor): (T, B, *), or (B, T, *) with batch_first.
        lengths (Tensor on the CPU or list of int): the length of each sequence.
        enforce_sorted (bool, True): expect the longest sequence first, instead of sorting.
    Returns:  a PackedSequence.
    Example:
        >>> padded = torch.tensor([[1, 2, 3], [4, 0, 0]])
        >>> packed = torch.nn.utils.rnn.pack_padded_sequence(padded, [3, 1], batch_first=True)
        >>> packed.data, packed.batch_sizes
        (tensor([1, 4, 2, 3]), tensor([2, 1, 1]))
    """
    if isinstance(lengths, Tensor):
        lengths = lengths.to(dtype=rustorch.int64)
    else:
        lengths = rustorch.as_tensor(lengths, dtype=rustorch.int64, device="cpu")
    sorted_indices = None
    if not enforce_sorted:
        lengths, sorted_indices = rustorch.sort(lengths, descending=True)
        sorted_indices = sorted_indices.to(input.device)
        input = input.index_select(0 if batch_first else 1, sorted_indices)
    if batch_first:
        input = input.transpose(0, 1)
    sizes = lengths.tolist()
    if len(sizes) != input.size(1):
        raise RuntimeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {len(sizes)} (batch_size={input.size(1)})"
        )
    if not sizes or min(sizes) <= 0:
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0"
        )
    if any(a < b for a, b in itertools.pairwise(sizes)):
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass "
            "`enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to sidestep this requirement if you "
            "do not need ONNX exportability."
        )
    if sizes[0] > input.size(0):
        raise RuntimeError(f"Expected lengths of at most {input.size(0)}, the padded length, but got {sizes[0]}")
    steps, batch_sizes = [], []
    for start, end, batch in _runs(sizes):
        steps.append(input[start:end, :batch].reshape((end - start) * batch, *input.shape[2:]))
        batch_sizes += [batch] * (end - start)
    data = rustorch.cat(steps)
    return PackedSequence(data, rustorch.tensor(batch_sizes, dtype=rustorch.int64), sorted_indices, None)


def pad_packed_sequence(sequence, batch_first=False, padding_value=0.0, total_length=None):
    """Fill a PackedSequence up with `padding_value`.

    Args:  total_length (int, None): the length to fill up to, by default that of the longest sequence.
    Returns:  (padded, lengths): a Tensor (T, B, *), or (B, T, *) with batch_first, and the lengths on the CPU.
    Example:
        >>> packed = torch.nn.utils.rnn.pack_sequence([torch.tensor([1, 2, 3]), torch.tensor([4])])
        >>> torch.nn.utils.rnn.pad_packed_sequence(packed, batch_first=True)
        (tensor([[1, 2, 3],
                [4, 0, 0]]), tensor([3, 1]))
    """
    data, batch_sizes = sequence.data, sequence.batch_sizes.tolist()
    longest = len(batch_sizes)
    if total_length is not None and total_length < longest:
        raise ValueError(
            "Expected total_length to be at least the length of the longest sequence in input, but got "
            f"total_length={total_length} and max sequence length being {longest}"
        )
    batch = batch_sizes[0]
    lengths = [sum(size > i for size in batch_sizes) for i in range(batch)]
    steps, offset = [], 0
    trailing = (0, 0) * (data.dim() - 1)
    for start, end, size in _runs(lengths):
        part = data[offset : offset + (end - start) * size]
        offset += (end - start) * size
        part = part.reshape(end - start, size, *data.shape[1:])
        steps.append(_nn.pad(part, (*trailing, 0, batch - size), "constant", padding_value))
    padded = rustorch.cat(steps)  # (T, B, *)
    if total_length is not None and total_length > longest:
        padded = _nn.pad(padded, (*trailing, 0, 0, 0, total_length - longest), "constant", padding_value)
    if batch_first:
        padded = padded.transpose(0, 1)
    lengths = rustorch.tensor(lengths, dtype=rustorch.int64)
    order = sequence.unsorted_indices
    if order is None:
        return padded, lengths
    return padded.index_select(0 if batch_first else 1, order), lengths[order.cpu()]


def pad_sequence(sequences, batch_first=False, padding_value=0.0, padding_side="right"):
    """Stack tensors of different lengths, the shorter ones filled up with `padding_value`.

    Args:
        sequences (iterable of Tensor): (L_i, *) each.
        batch_first (bool, False): return (B, T, *) instead of (T, B, *).
        padding_side (str, 'right'): 'right' or 'left'.
    Example:
        >>> pad_sequence([torch.ones(2), torch.ones(3)], batch_first=True)
        tensor([[1., 1., 0.],
                [1., 1., 1.]])
    """
    if not isinstance(sequences, Iterable):
        raise RuntimeError(
            f"pad_sequence: Expected iterable for input sequences, but got arg of type: {type(sequences)}"
        )
    return _nn.pad_sequence(tuple(sequences), batch_first, padding_value, padding_side)


def unpad_sequence(padded_sequences, lengths, batch_first=False):
    """The list of sequences of a padded batch, without their padding.

    Example:
        >>> padded = torch.tensor([[1, 2, 3], [4, 0, 0]])
        >>> torch.nn.utils.rnn.unpad_sequence(padded, torch.tensor([3, 1]), batch_first=True)
        [tensor([1, 2, 3]), tensor([4])]
    """
    if not batch_first:
        padded_sequences = padded_sequences.transpose(0, 1)
    steps = rustorch.arange(padded_sequences.shape[1], device=lengths.device)
    return [sequence[steps < length] for sequence, length in zip(padded_sequences, lengths)]


def pack_sequence(sequences, enforce_sorted=True):
    """Pack a list of tensors of different lengths.

    Example:
        >>> torch.nn.utils.rnn.pack_sequence([torch.tensor([1, 2]), torch.tensor([3])]).batch_sizes
        tensor([2, 1])
    """
    lengths = rustorch.as_tensor([sequence.size(0) for sequence in sequences])
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences):
    """The list of tensors that `pack_sequence` was given.

    Example:
        >>> packed = torch.nn.utils.rnn.pack_sequence([torch.tensor([1, 2]), torch.tensor([3])])
        >>> torch.nn.utils.rnn.unpack_sequence(packed)
        [tensor([1, 2]), tensor([3])]
    """
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
