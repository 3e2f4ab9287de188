"""Recurrent layers over whole sequences, and their single steps, with the signatures of torch's native functions.

A layer multiplies its whole input with the input weights at once; only the product with the hidden state is left in the
loop over time. One kernel runs that loop for padded sequences of floats; packed ones, projections and gradients of
gradients go step by step. States are tuples, (h,) or (h, c), and shrink or grow with the batch of a packed sequence.
"""

import rustorch
from rustorch import _C, Tensor
from rustorch._C import _nn

__all__ = [
    "gru",
    "gru_cell",
    "lstm",
    "lstm_cell",
    "rnn_relu",
    "rnn_relu_cell",
    "rnn_tanh",
    "rnn_tanh_cell",
]


def _lstm_step(x, state, w_hh, b_hh, w_hr=None):
    h, c = state
    i, f, g, o = (x + _nn.linear(h, w_hh, b_hh)).chunk(4, -1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    h = o.sigmoid() * c.tanh()
    return (h if w_hr is None else _nn.linear(h, w_hr)), c


def _gru_step(x, state, w_hh, b_hh, w_hr=None):
    (h,) = state
    x_r, x_z, x_n = x.chunk(3, -1)
    h_r, h_z, h_n = _nn.linear(h, w_hh, b_hh).chunk(3, -1)
    n = (x_n + (x_r + h_r).sigmoid() * h_n).tanh()
    return (n + (x_z + h_z).sigmoid() * (h - n),)


def _tanh_step(x, state, w_hh, b_hh, w_hr=None):
    return ((x + _nn.linear(state[0], w_hh, b_hh)).tanh(),)


def _relu_step(x, state, w_hh, b_hh, w_hr=None):
    return ((x + _nn.linear(state[0], w_hh, b_hh)).relu(),)


_CELLS = {_lstm_step: "lstm", _gru_step: "gru", _tanh_step: "tanh", _relu_step: "relu"}


class RnnLayer(rustorch.autograd.Function):
    """One direction of a layer in one kernel: (step, reverse, x, w_hh, b_hh, h, c) to outputs, last h, last c."""

    @staticmethod
    def forward(ctx, step, reverse, x, w_hh, b_hh, h, c):
        out, cells, saved = _C._rnn_layer(x, w_hh, b_hh, h, c, _CELLS[step], reverse, True)
        ctx.step, ctx.reverse = step, reverse
        ctx.save_for_backward(x, w_hh, b_hh, h, c, out, cells, saved)
        last = 0 if reverse else -1
        # What is saved stays as it is, whatever is done to the result.
        return out.clone(), out[last].clone(), None if c is None else cells[last].clone()

    @staticmethod
    def backward(ctx, g_out, g_h, g_c):
        x, w_hh, b_hh, h, c, out, cells, saved = ctx.saved_tensors
        if rustorch.is_grad_enabled():
            return None, None, *_gradients(ctx, (x, w_hh, b_hh, h, c), (g_out, g_h, g_c))
        d_x, d_gates, d_h, d_c = _C._rnn_layer_backward(
            g_out, g_h, g_c, x, w_hh, b_hh, h, c, out, cells, saved, _CELLS[ctx.step], ctx.reverse
        )
        flat = d_gates.flatten(0, 1)
        before = (out[1:], h[None]) if ctx.reverse else (h[None], out[:-1])
        _, _, _, w_needed, b_needed, *_ = ctx.needs_input_grad
        d_w = flat.t() @ rustorch.cat(before).flatten(0, 1) if w_needed else None
        d_b = flat.sum(0) if b_needed else None
        return None, None, d_x, d_w, d_b, d_h, None if c is None else d_c


def _layer(step, reverse, x, w_hh, b_hh, h, c=None):
    """`RnnLayer`, or its forward pass alone: outputs (T, B, H) and last state."""
    operands = (x, w_hh, b_hh, h, c)
    if any(getattr(type(t), "_in_vmap", False) for t in operands):
        # The kernel takes plain tensors.
        return _scan(step, x, tuple(s for s in (h, c) if s is not None), (w_hh, b_hh, None), reverse)
    if rustorch.is_grad_enabled() and any(t is not None and t.requires_grad for t in operands):
        out, *last = RnnLayer.apply(step, reverse, *operands)
    else:
        out, cells, _ = _C._rnn_layer(*operands, _CELLS[step], reverse, False)
        end = 0 if reverse else -1
        last = out[end], None if c is None else cells[end]
    return out, tuple(s for s in last if s is not None)


def _gradients(ctx, inputs, grads):
    """The gradients of RnnLayer in operations, for gradients of gradients."""
    # Aliases: the inner pass ends at them, also where one input was made from another, and meets no hook of the caller.
    inputs = [None if t is None else t.view_as(t) for t in inputs]
    x, w_hh, b_hh, *states = inputs
    state = tuple(s for s in states if s is not None)
    outputs, last = _scan(ctx.step, x, state, (w_hh, b_hh, None), ctx.reverse)
    pairs = [(y, g) for y, g in zip((outputs, *last), grads) if g is not None]
    wanted = [t for t, needed in zip(inputs, ctx.needs_input_grad[2:]) if needed]
    outputs, grads = zip(*pairs)
    found = iter(rustorch.autograd.grad(outputs, wanted, grads, create_graph=True, allow_unused=True))
    return tuple(next(found) if needed else None for needed in ctx.needs_input_grad[2:])


def _scan(step, x, state, weights, reverse):
    """Run one direction over x (T, B, G), the input's share of the gates; return outputs (T, B, H) and last state."""
    outputs = []
    for part in reversed(x.unbind(0)) if reverse else x.unbind(0):
        state = step(part, state, *weights)
        outputs.append(state[0])
    if reverse:
        outputs.reverse()
    return rustorch.stack(outputs), state


def _fits_kernel(x, w_hh, b_hh, *states):
    """Does the kernel take these operands? What it refuses, the steps compute or explain."""
    if w_hh.dim() != 2:
        return False
    dtype, (gates, hidden) = x.dtype, w_hh.shape
    return (
        (dtype == rustorch.float32 or dtype == rustorch.float64)
        and x.numel() > 0
        and x.size(2) == gates
        and (b_hh is None or b_hh.shape == (gates,))
        and all(s.shape == (x.size(1), hidden) for s in states)
        and all(t is None or (t.dtype == dtype and t.device == x.device) for t in (w_hh, b_hh, *states))
    )


def _scan_packed(step, x, batch_sizes, state, weights, reverse):
    """The same over x (sum of batch_sizes, G), whose batches shrink with time."""
    parts = x.split(batch_sizes)
    outputs = []
    if reverse:
        initial, state = state, tuple(s[: batch_sizes[-1]] for s in state)
        for part in reversed(parts):
            have, need = state[0].size(0), part.size(0)
            if need > have:  # sequences that end here join in
                state = tuple(rustorch.cat([s, first[have:need]]) for s, first in zip(state, initial))
            state = step(part, state, *weights)
            outputs.append(state[0])
        outputs.reverse()
        return rustorch.cat(outputs), state
    ended = []
    for part in parts:
        need = part.size(0)
        if need < state[0].size(0):
            ended.append(tuple(s[need:] for s in state))
            state = tuple(s[:need] for s in state)
        state = step(part, state, *weights)
        outputs.append(state[0])
    # The shortest sequences ended first and stand last in the batch.
    last = tuple(rustorch.cat(pieces) for pieces in zip(state, *reversed(ended)))
    return rustorch.cat(outputs), last


def _run(step, input, batch_sizes, states, params, has_biases, num_layers, dropout, train, bidirectional):
    """All layers and directions; `states` holds the first states of each kind as (layers * directions, B, *)."""
    directions = 2 if bidirectional else 1
    count = len(params) // (num_layers * directions)
    has_projection = count == (5 if has_biases else 3)
    if len(params) != count * num_layers * directions or not (has_projection or count == (4 if has_biases else 2)):
        raise RuntimeError("got an incorrect number of RNN parameters")
    if batch_sizes is not None:
        batch_sizes = batch_sizes.tolist()
    finals = []
    for layer in range(num_layers):
        outputs = []
        for direction in range(directions):
            index = layer * directions + direction
            own = params[index * count : (index + 1) * count]
            w_ih, w_hh = own[:2]
            b_ih, b_hh = own[2:4] if has_biases else (None, None)
            weights = (w_hh, b_hh, own[-1] if has_projection else None)
            x = _nn.linear(input, w_ih, b_ih)
            state = tuple(s[index] for s in states)
            if batch_sizes is None and not has_projection and _fits_kernel(x, w_hh, b_hh, *state):
                output, state = _layer(step, direction == 1, x, w_hh, b_hh, *state)
            elif batch_sizes is None:
                output, state = _scan(step, x, state, weights, reverse=direction == 1)
            else:
                output, state = _scan_packed(step, x, batch_sizes, state, weights, reverse=direction == 1)
            outputs.append(output)
            finals.append(state)
        input = outputs[0] if directions == 1 else rustorch.cat(outputs, -1)
        if dropout and train and layer < num_layers - 1:
            input = rustorch.dropout(input, dropout, True)
    return input, tuple(rustorch.stack(kind) for kind in zip(*finals))


def _sequence(name, step, args, num_states):
    """Sort out the two overloads, padded and packed, and run them."""
    if isinstance(args[3], (list, tuple)):  # the weights come one place later
        data, batch_sizes, hx, params, has_biases, num_layers, dropout, train, bidirectional = args
        batch_first = False
    else:
        data, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first = args
        batch_sizes = None
    states = (hx,) if isinstance(hx, Tensor) else tuple(hx)
    if len(states) != num_states:
        raise RuntimeError(f"{name} expects {'one hidden state' if num_states == 1 else 'two hidden states'}")
    if batch_first:
        data = data.transpose(0, 1)
    output, last = _run(step, data, batch_sizes, states, params, has_biases, num_layers, dropout, train, bidirectional)
    return (output.transpose(0, 1) if batch_first else output), *last


def lstm(*args):
    """Long short-term memory: (input, (h, c), weights, has_biases, num_layers, dropout, train, bidirectional,
    batch_first), or (data, batch_sizes, (h, c), weights, ..., bidirectional) packed; returns (output, h, c)."""
    return _sequence("lstm", _lstm_step, args, 2)


def gru(*args):
    """Gated recurrent unit; arguments as for lstm with one hidden state; returns (output, h)."""
    return _sequence("gru", _gru_step, args, 1)


def rnn_tanh(*args):
    """Elman network with tanh; arguments as for gru; returns (output, h)."""
    return _sequence("rnn_tanh", _tanh_step, args, 1)


def rnn_relu(*args):
    """Elman network with relu; arguments as for gru; returns (output, h)."""
    return _sequence("rnn_relu", _relu_step, args, 1)


def _cell(step, input, states, w_ih, w_hh, b_ih, b_hh):
    if input.size(1) != w_ih.size(1):
        raise RuntimeError(f"input has inconsistent input_size: got {input.size(1)} expected {w_ih.size(1)}")
    for i, state in enumerate(states):
        if input.size(0) != state.size(0):
            raise RuntimeError(f"Input batch size {input.size(0)} doesn't match hidden{i} batch size {state.size(0)}")
        if state.size(1) != w_hh.size(1):
            raise RuntimeError(f"hidden{i} has inconsistent hidden_size: got {state.size(1)}, expected {w_hh.size(1)}")
    return step(_nn.linear(input, w_ih, b_ih), states, w_hh, b_hh)


def lstm_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    """One step of lstm: input (B, I), hx two states (B, H); returns (h, c)."""
    if len(hx) != 2:
        raise RuntimeError("lstm_cell expects two hidden states")
    return _cell(_lstm_step, input, tuple(hx), w_ih, w_hh, b_ih, b_hh)


def gru_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    """One step of gru: input (B, I), hx (B, H); returns h."""
    return _cell(_gru_step, input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]


def rnn_tanh_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    """One step of rnn_tanh: input (B, I), hx (B, H); returns h."""
    return _cell(_tanh_step, input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]


def rnn_relu_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    """One step of rnn_relu: input (B, I), hx (B, H); returns h."""
    return _cell(_relu_step, input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]
