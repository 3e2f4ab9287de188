"""What the transforms ask of autograd: inputs of their own, and derivatives along the graphs from those.

A transform differentiates the plain tensors behind batched ones. Its inputs get a dim for each running vmap, so that
samples share nothing: the gradient of the sum over samples then holds the gradient of every sample.
"""

import contextlib
import threading

import rustorch
from rustorch import _C, Tensor
from rustorch.autograd.graph import get_gradient_edge
from rustorch.func import _levels


class _Live(threading.local):
    def __init__(self):
        self.nodes = set()


# Nodes of the inputs of running transforms.
_live = _Live()


def _mark(grad):
    """A hook that does nothing: its presence tells a transform's leaves from those of the user."""


class Inputs:
    """Inputs of one transform, which the graphs of its outputs lead to.

    Attributes:
        levels (tuple of Level): the vmaps that were running.
        leaves (list of Tensor): plain tensors with a leading dim for each of them.
        tensors (list of Tensor): what the function is given.
        recording (bool): whether derivatives may be asked to be differentiable in turn.
    """

    def __init__(self, values):
        self.levels = _levels.levels()
        self.recording = rustorch.is_grad_enabled()
        self.leaves = [self._leaf(value) for value in values]
        self.tensors = [_levels.logical(leaf, self.levels) for leaf in self.leaves]
        with _C.DisableTorchFunction():
            self.nodes = {get_gradient_edge(leaf).node for leaf in self.leaves}

    def _leaf(self, value):
        if not isinstance(value, Tensor):
            raise ValueError(f"Thing passed to transform API must be Tensor, got {type(value)}")
        value = _levels.physical(value, self.levels)
        with _C.DisableTorchFunction(), rustorch.enable_grad():
            if self.recording and value.requires_grad:
                return value.view_as(value)
            leaf = value.detach().requires_grad_()
            leaf._add_hook(_mark)
            return leaf

    @contextlib.contextmanager
    def running(self):
        """The function of the transform runs in this block; its calls are recorded, whatever the mode around it."""
        before = _live.nodes
        _live.nodes = before | self.nodes
        try:
            with rustorch.enable_grad():
                yield
        finally:
            _live.nodes = before

    def physical(self, x):
        return _levels.physical(x, self.levels)

    def logical(self, x):
        return _levels.logical(x, self.levels)

    def reach_further(self, roots):
        """Do the graphs of these plain tensors lead to anything to be differentiated but these inputs?"""
        if not self.recording:
            return False
        seen, todo = set(), [x.grad_fn or get_gradient_edge(x).node for x in roots if x.requires_grad]
        while todo:
            node = todo.pop()
            if node in seen:
                continue
            seen.add(node)
            if node not in self.nodes:
                if node in _live.nodes:
                    return True
                if hasattr(node, "variable"):
                    if _mark not in node.variable._hook_functions():
                        return True
                    continue
            todo += [below for below, _ in node.next_functions if below is not None]
        return False


def grad(outputs, inputs, grads, retain_graph=False, create_graph=False):
    """`autograd.grad` of plain tensors, with zeros for inputs that the outputs do not depend on."""
    with _C.DisableTorchFunction():
        pairs = [(o, g) for o, g in zip(outputs, grads, strict=True) if o.requires_grad]
        found = [None] * len(inputs)
        if pairs:
            outputs, grads = zip(*pairs, strict=True)
            options = {"retain_graph": retain_graph or create_graph, "create_graph": create_graph, "allow_unused": True}
            found = rustorch.autograd.grad(outputs, inputs, grads, **options)
        return [rustorch.zeros_like(x) if g is None else g for g, x in zip(found, inputs, strict=True)]


def without_graph(x):
    """A plain tensor cut off from its graph."""
    with _C.DisableTorchFunction():
        return x.detach()


class Pullback:
    """Gradients by a transform's inputs from cotangents of its outputs.

    `outputs` are plain tensors. Cotangents that are batched by a vmap that started later take one pass a sample.
    """

    def __init__(self, inputs, outputs):
        self.inputs, self.outputs = inputs, outputs
        self.further = inputs.reach_further(outputs)

    def __call__(self, cotangents, retain_graph=True, create_graph=None):
        later = [level for level in _levels.levels() if level not in self.inputs.levels]
        return self._call(cotangents, later, retain_graph, create_graph)

    def _call(self, cotangents, later, retain_graph, create_graph):
        while later and not any(later[-1].has(c) for c in cotangents):
            later = later[:-1]
        if later:
            level, columns = later[-1], [later[-1].full(c).unbind(0) for c in cotangents]
            rows = [self._call(row, later[:-1], True, create_graph) for row in zip(*columns, strict=True)]
            return [level.wrap(rustorch.stack(column)) for column in zip(*rows, strict=True)]
        cotangents = [self.inputs.physical(c) for c in cotangents]
        if create_graph is None:
            create_graph = rustorch.is_grad_enabled()
        create_graph = create_graph and (self.further or self.inputs.reach_further(cotangents))
        grads = grad(self.outputs, self.inputs.leaves, cotangents, retain_graph, create_graph)
        return [self.inputs.logical(g) for g in grads]


class Pushforward:
    """Tangents of a transform's outputs from those of its inputs.

    The gradient is linear in the cotangents, and its derivative by those along a tangent is the tangent of the output,
    whatever the cotangents are.

    Source: https://j-towns.github.io/2017/06/12/A-new-trick.html
    """

    def __init__(self, inputs, outputs):
        self.inputs, self.outputs = inputs, outputs
        self.further = inputs.reach_further(outputs)
        with _C.DisableTorchFunction(), rustorch.enable_grad():
            self.cotangents = [rustorch.zeros_like(o).requires_grad_() for o in outputs if o.requires_grad]
            for c in self.cotangents:
                c._add_hook(_mark)
            recorded = [o for o in outputs if o.requires_grad]
            self.grads = grad(recorded, inputs.leaves, self.cotangents, create_graph=True)

    def __call__(self, tangents, retain_graph=True):
        tangents = [self.inputs.physical(t) for t in tangents]
        create_graph = rustorch.is_grad_enabled() and (self.further or self.inputs.reach_further(tangents))
        along = iter(grad(self.grads, self.cotangents, tangents, retain_graph, create_graph))
        with _C.DisableTorchFunction():
            results = [next(along) if o.requires_grad else rustorch.zeros_like(o) for o in self.outputs]
        return [self.inputs.logical(t) for t in results]
