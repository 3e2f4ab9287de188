"""Recurrent layers and cells."""

import math
import numbers
import warnings

import rustorch
from rustorch import Tensor
from rustorch.nn import init
from rustorch.nn._functional import recurrent
from rustorch.nn.modules.module import Module
from rustorch.nn.parameter import Parameter
from rustorch.nn.utils.rnn import PackedSequence

__all__ = ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNBase", "RNNCell", "RNNCellBase"]

_GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}
_SEQUENCE = {
    "LSTM": recurrent.lstm,
    "GRU": recurrent.gru,
    "RNN_TANH": recurrent.rnn_tanh,
    "RNN_RELU": recurrent.rnn_relu,
}


def _apply_permutation(tensor, permutation, dim=1):
    return tensor.index_select(dim, permutation)


def apply_permutation(tensor, permutation, dim=1):
    """Deprecated: use `tensor.index_select(dim, permutation)`."""
    warnings.warn(
        "`apply_permutation` is deprecated, please use `tensor.index_select(dim, permutation)` instead",
        FutureWarning,
        stacklevel=2,
    )
    return _apply_permutation(tensor, permutation, dim)


def _fill_uniform(module):
    """Draw all parameters evenly from +-1/sqrt(hidden_size)."""
    bound = 1.0 / math.sqrt(module.hidden_size) if module.hidden_size > 0 else 0
    for weight in module.parameters():
        init.uniform_(weight, -bound, bound)


def _check_type(name, value, kind):
    if not isinstance(value, kind):
        raise TypeError(f"{name} should be of type {kind.__name__}, got: {type(value).__name__}")


def _check_arguments(input_size, hidden_size, num_layers, bias, batch_first, dropout, proj_size):
    if not isinstance(dropout, numbers.Number) or not 0 <= dropout <= 1 or isinstance(dropout, bool):
        raise ValueError(
            "dropout should be a number in range [0, 1] representing the probability of an element being zeroed"
        )
    if dropout > 0 and num_layers == 1:
        warnings.warn(
            "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects num_layers "
            f"greater than 1, but got dropout={dropout} and num_layers={num_layers}",
            stacklevel=4,
        )
    _check_type("bias", bias, bool)
    _check_type("batch_first", batch_first, bool)
    _check_type("input_size", input_size, int)
    if input_size <= 0:
        raise ValueError("input_size must be greater than zero")
    _check_type("hidden_size", hidden_size, int)
    if hidden_size <= 0:
        raise ValueError("hidden_size must be greater than zero")
    if num_layers <= 0:
        raise ValueError("num_layers must be greater than zero")
    if proj_size < 0:
        raise ValueError("proj_size should be a positive integer or zero to disable projections")
    if proj_size >= hidden_size:
        raise ValueError("proj_size has to be smaller than hidden_size")


class RNNBase(Module):
    """What RNN, LSTM and GRU share: layers of weights, checks and the treatment of packed sequences.

    Args:
        mode (str): 'LSTM', 'GRU', 'RNN_TANH' or 'RNN_RELU'.
        input_size (int), hidden_size (int): numbers of features.
        num_layers (int, 1): layers on top of each other.
        bias (bool, True): whether there are biases.
        batch_first (bool, False): inputs and outputs are (N, L, *) instead of (L, N, *); states are not concerned.
        dropout (float, 0): chance to drop an output of all layers but the last, in training.
        bidirectional (bool, False): a second set of weights reads the sequence backwards.
        proj_size (int, 0): project the hidden state of an LSTM to this size.
        device (device, None), dtype (dtype, None): of the parameters.
    Example:
        >>> layer = nn.RNNBase("GRU", 4, 8)
        >>> [name for name, _ in layer.named_parameters()]
        ['weight_ih_l0', 'weight_hh_l0', 'bias_ih_l0', 'bias_hh_l0']
    """

    __constants__ = [
        "batch_first",
        "bias",
        "bidirectional",
        "dropout",
        "hidden_size",
        "input_size",
        "mode",
        "num_layers",
        "proj_size",
    ]

    def __init__(
        self,
        mode,
        input_size,
        hidden_size,
        num_layers=1,
        bias=True,
        batch_first=False,
        dropout=0.0,
        bidirectional=False,
        proj_size=0,
        device=None,
        dtype=None,
    ):
        super().__init__()
        _check_arguments(input_size, hidden_size, num_layers, bias, batch_first, dropout, proj_size)
        if mode not in _GATES:
            raise ValueError("Unrecognized RNN mode: " + mode)
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        self._name_weights()
        gates = _GATES[mode] * hidden_size
        out = proj_size or hidden_size
        below = out * (2 if bidirectional else 1)
        for i, names in enumerate(self._all_weights):
            first_layer = i < (2 if bidirectional else 1)
            shapes = {
                "weight_ih": (gates, input_size if first_layer else below),
                "weight_hh": (gates, out),
                "bias_ih": (gates,),
                "bias_hh": (gates,),
                "weight_hr": (proj_size, hidden_size),
            }
            for name in names:
                shape = shapes[name.rpartition("_l")[0]]
                setattr(self, name, Parameter(rustorch.empty(shape, device=device, dtype=dtype)))
        self.reset_parameters()

    def _name_weights(self):
        """List the names of the parameters, by layer and direction."""
        kinds = ["weight_ih", "weight_hh"]
        if self.bias:
            kinds += ["bias_ih", "bias_hh"]
        if self.proj_size > 0:
            kinds.append("weight_hr")
        suffixes = ("", "_reverse") if self.bidirectional else ("",)
        self._all_weights = [
            [f"{kind}_l{layer}{suffix}" for kind in kinds] for layer in range(self.num_layers) for suffix in suffixes
        ]
        self._flat_weights_names = [name for names in self._all_weights for name in names]

    @property
    def _flat_weights(self):
        return [getattr(self, name) for name in self._flat_weights_names]

    @property
    def all_weights(self):
        """The parameters, one list for each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    def flatten_parameters(self):
        """Kept for its name: the weights need not lie side by side in memory."""

    _init_flat_weights = _update_flat_weights = flatten_parameters

    def reset_parameters(self):
        """Draw all parameters evenly from +-1/sqrt(hidden_size)."""
        _fill_uniform(self)

    def check_input(self, input, batch_sizes):
        """Raise unless the input has the dtype of the weights and the right dimensions."""
        dtype = getattr(self, self._flat_weights_names[0]).dtype
        if input.dtype != dtype:
            raise ValueError(
                f"RNN input dtype ({input.dtype}) does not match weight dtype ({dtype}). Convert input: "
                f"input.to({dtype}), or convert model: model.to({input.dtype})"
            )
        expected = 3 if batch_sizes is None else 2
        if input.dim() != expected:
            raise RuntimeError(f"input must have {expected} dimensions, got {input.dim()}")
        if self.input_size != input.size(-1):
            raise RuntimeError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {input.size(-1)}"
            )

    def _state_size(self, input, batch_sizes, features):
        if batch_sizes is not None:
            batch = int(batch_sizes[0])
        else:
            batch = input.size(0 if self.batch_first else 1)
        return (self.num_layers * (2 if self.bidirectional else 1), batch, features)

    def get_expected_hidden_size(self, input, batch_sizes):
        """(layers * directions, batch, hidden_size or proj_size)"""
        return self._state_size(input, batch_sizes, self.proj_size or self.hidden_size)

    def check_hidden_size(self, hx, expected_hidden_size, msg="Expected hidden size {}, got {}"):
        """Raise unless `hx` has the expected size."""
        if hx.size() != expected_hidden_size:
            raise RuntimeError(msg.format(expected_hidden_size, list(hx.size())))

    def check_forward_args(self, input, hidden, batch_sizes):
        """Raise unless input and state fit each other and the weights."""
        self.check_input(input, batch_sizes)
        self.check_hidden_size(hidden, self.get_expected_hidden_size(input, batch_sizes))

    def permute_hidden(self, hx, permutation):
        """The state with its batch in the order of `permutation`; None keeps it."""
        return hx if permutation is None else _apply_permutation(hx, permutation)

    def _zero_state(self, input, batch_sizes):
        size = self.get_expected_hidden_size(input, batch_sizes)
        return rustorch.zeros(size, dtype=input.dtype, device=input.device)

    def _batch_state(self, hx, is_batched):
        """The state with a batch dimension, or RuntimeError if it does not go with the input."""
        if hx.dim() != (3 if is_batched else 2):
            case = "batched 3-D" if is_batched else "unbatched 2-D"
            raise RuntimeError(
                f"For {case} input, hx should also be {3 if is_batched else 2}-D but got {hx.dim()}-D tensor"
            )
        return hx if is_batched else hx.unsqueeze(1)

    def _unbatch_state(self, hx):
        return hx.squeeze(1)

    def forward(self, input, hx=None):
        """Run over a sequence.

        Args:
            input (Tensor or PackedSequence): (L, N, input_size) or, without a batch, (L, input_size).
            hx (Tensor, or for LSTM a pair, zeros): the first state, (layers * directions, N, hidden_size).
        Returns:  (output, state): outputs of the last layer at all times, and states of all layers at the last one.
        """
        packed = isinstance(input, PackedSequence)
        is_batched, batch_dim = True, 0 if self.batch_first else 1
        batch_sizes = sorted_indices = unsorted_indices = None
        if packed:
            input, batch_sizes, sorted_indices, unsorted_indices = input
        else:
            if input.dim() not in (2, 3):
                # Only the text of RNN has the word "tensor".
                name, tail = ("RNN", "D tensor") if self.mode.startswith("RNN") else (self.mode, "D")
                raise ValueError(f"{name}: Expected input to be 2D or 3D, got {input.dim()}{tail} instead")
            is_batched = input.dim() == 3
            if not is_batched:
                input = input.unsqueeze(batch_dim)
            if hx is not None:
                hx = self._batch_state(hx, is_batched)
        if hx is None:
            hx = self._zero_state(input, batch_sizes)
        else:
            hx = self.permute_hidden(hx, sorted_indices)
        self.check_forward_args(input, hx, batch_sizes)
        run = _SEQUENCE[self.mode]
        settings = (
            self._flat_weights,
            self.bias,
            self.num_layers,
            self.dropout,
            self.training,
            self.bidirectional,
        )
        if packed:
            output, *last = run(input, batch_sizes, hx, *settings)
        else:
            output, *last = run(input, hx, *settings, self.batch_first)
        last = last[0] if isinstance(hx, Tensor) else tuple(last)
        if packed:
            output = PackedSequence(output, batch_sizes, sorted_indices, unsorted_indices)
            return output, self.permute_hidden(last, unsorted_indices)
        if not is_batched:
            output, last = output.squeeze(batch_dim), self._unbatch_state(last)
        return output, last

    def extra_repr(self):
        text = f"{self.input_size}, {self.hidden_size}"
        defaults = {
            "proj_size": 0,
            "num_layers": 1,
            "bias": True,
            "batch_first": False,
            "dropout": 0,
            "bidirectional": False,
        }
        return text + "".join(
            f", {name}={getattr(self, name)}" for name, value in defaults.items() if getattr(self, name) != value
        )

    def __getstate__(self):
        state = super().__getstate__()
        # torch keeps the list of weights in its pickles.
        state["_flat_weights"] = self._flat_weights
        return state

    def __setstate__(self, state):
        state = dict(state)
        for stale in ("_flat_weights", "_flat_weight_refs", "all_weights"):
            state.pop(stale, None)
        super().__setstate__(state)
        self.__dict__.setdefault("proj_size", 0)
        self._name_weights()


class RNN(RNNBase):
    """Elman network: `h_t = tanh(W_ih x_t + b_ih + W_hh h_(t-1) + b_hh)`, in layers.

    Args:
        input_size (int), hidden_size (int), num_layers (int, 1)
        nonlinearity (str, 'tanh'): 'tanh' or 'relu'.
        bias, batch_first, dropout, bidirectional, device, dtype: as for RNNBase.
    Shape:  input (L, N, input_size), output (L, N, directions * hidden), state (layers * directions, N, hidden).
    Attributes:  weight_ih_l0 (hidden_size, input_size), weight_hh_l0, bias_ih_l0, bias_hh_l0, ..., '_reverse' backwards
    Example:
        >>> output, hidden = nn.RNN(4, 8, batch_first=True)(torch.randn(2, 5, 4))
        >>> output.shape, hidden.shape
        (torch.Size([2, 5, 8]), torch.Size([1, 2, 8]))
    """

    def __init__(self, *args, **kwargs):
        if "proj_size" in kwargs:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        if len(args) > 3:
            nonlinearity, args = args[3], args[:3] + args[4:]
        else:
            nonlinearity = kwargs.pop("nonlinearity", "tanh")
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
        super().__init__(f"RNN_{nonlinearity.upper()}", *args, **kwargs)
        self.nonlinearity = nonlinearity


class LSTM(RNNBase):
    """Long short-term memory, in layers.

    i, f, o = sigmoid and g = tanh of `W_ih x_t + b_ih + W_hh h_(t-1) + b_hh`; c_t = f c_(t-1) + i g; h_t = o tanh(c_t).

    Args:
        input_size (int), hidden_size (int), num_layers (int, 1)
        bias, batch_first, dropout, bidirectional, proj_size, device, dtype: as for RNNBase.
    Shape:  input (L, N, input_size), output (L, N, directions * hidden_size), states h and c like those of RNN.
    Attributes:  weight_ih_l0 (4 hidden_size, input_size) with the rows of i, f, g, o; weight_hh_l0, bias_ih_l0, ...
    Example:
        >>> rnn = nn.LSTM(10, 20, num_layers=2)
        >>> output, (h, c) = rnn(torch.randn(5, 3, 10))
        >>> output.shape, h.shape
        (torch.Size([5, 3, 20]), torch.Size([2, 3, 20]))
    """

    def __init__(self, *args, **kwargs):
        super().__init__("LSTM", *args, **kwargs)

    def get_expected_cell_size(self, input, batch_sizes):
        """(layers * directions, batch, hidden_size)"""
        return self._state_size(input, batch_sizes, self.hidden_size)

    def check_forward_args(self, input, hidden, batch_sizes):
        self.check_input(input, batch_sizes)
        sizes = (
            self.get_expected_hidden_size(input, batch_sizes),
            self.get_expected_cell_size(input, batch_sizes),
        )
        for i, size in enumerate(sizes):
            self.check_hidden_size(hidden[i], size, f"Expected hidden[{i}] size {{}}, got {{}}")

    def permute_hidden(self, hx, permutation):
        if permutation is None:
            return hx
        return _apply_permutation(hx[0], permutation), _apply_permutation(hx[1], permutation)

    def _zero_state(self, input, batch_sizes):
        size = self.get_expected_cell_size(input, batch_sizes)
        cell = rustorch.zeros(size, dtype=input.dtype, device=input.device)
        return super()._zero_state(input, batch_sizes), cell

    def _batch_state(self, hx, is_batched):
        h, c = hx[0].dim(), hx[1].dim()
        expected = 3 if is_batched else 2
        if h != expected or c != expected:
            case = "batched 3-D" if is_batched else "unbatched 2-D"
            raise RuntimeError(
                f"For {case} input, hx and cx should also be {expected}-D but got ({h}-D, {c}-D) tensors"
            )
        return hx if is_batched else (hx[0].unsqueeze(1), hx[1].unsqueeze(1))

    def _unbatch_state(self, hx):
        return hx[0].squeeze(1), hx[1].squeeze(1)


class GRU(RNNBase):
    """Gated recurrent unit, in layers.

    r, z = sigmoid(W_ih x_t + b_ih + W_hh h_(t-1) + b_hh); n = tanh(W_in x_t + b_in + r (W_hn h_(t-1) + b_hn));
    h_t = (1 - z) n + z h_(t-1).

    Args:
        input_size (int), hidden_size (int), num_layers (int, 1)
        bias, batch_first, dropout, bidirectional, device, dtype: as for RNNBase.
    Shape:  input (L, N, input_size), output (L, N, directions * hidden), state (layers * directions, N, hidden).
    Attributes:  weight_ih_l0 (3 hidden_size, input_size) with the rows of r, z, n; weight_hh_l0, bias_ih_l0, ...
    Example:
        >>> output, hidden = nn.GRU(4, 8, num_layers=2, bidirectional=True)(torch.randn(5, 2, 4))
        >>> output.shape, hidden.shape
        (torch.Size([5, 2, 16]), torch.Size([4, 2, 8]))
    """

    def __init__(self, *args, **kwargs):
        if "proj_size" in kwargs:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        super().__init__("GRU", *args, **kwargs)


class RNNCellBase(Module):
    """What the cells share: weights for one step, with `num_chunks` gates.

    Example:
        >>> isinstance(nn.GRUCell(4, 8), nn.RNNCellBase)
        True
    """

    __constants__ = ["bias", "hidden_size", "input_size"]

    def __init__(self, input_size, hidden_size, bias, num_chunks, device=None, dtype=None):
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        gates = num_chunks * hidden_size

        def new(*shape):
            return Parameter(rustorch.empty(shape, device=device, dtype=dtype))

        self.weight_ih = new(gates, input_size)
        self.weight_hh = new(gates, hidden_size)
        self.register_parameter("bias_ih", new(gates) if bias else None)
        self.register_parameter("bias_hh", new(gates) if bias else None)
        self.reset_parameters()

    def reset_parameters(self):
        """Draw all parameters evenly from +-1/sqrt(hidden_size)."""
        _fill_uniform(self)

    def _check_dim(self, tensor, what):
        if tensor.dim() not in (1, 2):
            raise ValueError(f"{self._get_name()}: Expected {what} to be 1D or 2D, got {tensor.dim()}D instead")

    def _weights(self):
        return self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh

    def _step(self, cell, input, hx):
        """One step with a single state tensor, with or without a batch dimension."""
        self._check_dim(input, "input")
        if hx is not None:
            self._check_dim(hx, "hidden")
        is_batched = input.dim() == 2
        if not is_batched:
            input = input.unsqueeze(0)
        if hx is None:
            hx = rustorch.zeros(input.size(0), self.hidden_size, dtype=input.dtype, device=input.device)
        elif not is_batched:
            hx = hx.unsqueeze(0)
        h = cell(input, hx, *self._weights())
        return h if is_batched else h.squeeze(0)

    def extra_repr(self):
        text = f"{self.input_size}, {self.hidden_size}"
        if self.bias is not True:
            text += f", bias={self.bias}"
        if getattr(self, "nonlinearity", "tanh") != "tanh":
            text += f", nonlinearity={self.nonlinearity}"
        return text


class RNNCell(RNNCellBase):
    """One step of an Elman network: `h' = tanh(W_ih x + b_ih + W_hh h + b_hh)`.

    Args:
        input_size (int), hidden_size (int), bias (bool, True)
        nonlinearity (str, 'tanh'): 'tanh' or 'relu'.
        device (device, None), dtype (dtype, None): of the parameters.
    Shape:  input (N, input_size) or (input_size), state (N, hidden_size) or (hidden_size), zeros by default.
    Example:
        >>> nn.RNNCell(4, 8)(torch.randn(2, 4)).shape
        torch.Size([2, 8])
    """

    __constants__ = [*RNNCellBase.__constants__, "nonlinearity"]

    def __init__(self, input_size, hidden_size, bias=True, nonlinearity="tanh", device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, num_chunks=1, device=device, dtype=dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input, hx=None):
        cells = {"tanh": recurrent.rnn_tanh_cell, "relu": recurrent.rnn_relu_cell}
        if self.nonlinearity not in cells:
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        return self._step(cells[self.nonlinearity], input, hx)


class LSTMCell(RNNCellBase):
    """One step of an LSTM.

    Args:
        input_size (int), hidden_size (int), bias (bool, True)
        device (device, None), dtype (dtype, None): of the parameters.
    Shape:  input (N, input_size) or (input_size), states h and c (N, hidden_size) or (hidden_size), zeros by default.
    Returns:  (h', c')
    Example:
        >>> hidden, cell = nn.LSTMCell(4, 8)(torch.randn(2, 4))
        >>> hidden.shape, cell.shape
        (torch.Size([2, 8]), torch.Size([2, 8]))
    """

    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, num_chunks=4, device=device, dtype=dtype)

    def forward(self, input, hx=None):
        self._check_dim(input, "input")
        if hx is not None:
            for i, state in enumerate(hx):
                self._check_dim(state, f"hx[{i}]")
        is_batched = input.dim() == 2
        if not is_batched:
            input = input.unsqueeze(0)
        if hx is None:
            zeros = rustorch.zeros(input.size(0), self.hidden_size, dtype=input.dtype, device=input.device)
            hx = (zeros, zeros)
        elif not is_batched:
            hx = tuple(state.unsqueeze(0) for state in hx)
        h, c = recurrent.lstm_cell(input, hx, *self._weights())
        return (h, c) if is_batched else (h.squeeze(0), c.squeeze(0))


class GRUCell(RNNCellBase):
    """One step of a GRU.

    Args:
        input_size (int), hidden_size (int), bias (bool, True)
        device (device, None), dtype (dtype, None): of the parameters.
    Shape:  input (N, input_size) or (input_size), state (N, hidden_size) or (hidden_size), zeros by default.
    Example:
        >>> cell, hidden = nn.GRUCell(4, 8), torch.zeros(2, 8)
        >>> for x in torch.randn(5, 2, 4):
        ...     hidden = cell(x, hidden)
        >>> hidden.shape
        torch.Size([2, 8])
    """

    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, num_chunks=3, device=device, dtype=dtype)

    def forward(self, input, hx=None):
        return self._step(recurrent.gru_cell, input, hx)
