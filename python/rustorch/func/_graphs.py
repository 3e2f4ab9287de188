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


@contextlib.contextmanager
def _recording():
    """Calls are recorded in this block, whatever the mode around it."""
    with contextlib.ExitStack() as stack:
        if rustorch.is_inference_mode_enabled():
            stack.enter_context(rustorch.inference_mode(False))
        stack.enter_context(rustorch.enable_grad())
        yield


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
        with _C.DisableTorchFunction(), _recording():
            self.nodes = {get_gradient_edge(leaf).node for leaf in self.leaves}

    def _leaf(self, value):
        if not isinstance(value, Tensor):
            raise ValueError(f"Thing passed to transform API must be Tensor, got {type(value)}")
        value = _levels.physical(value, self.levels)
        with _C.DisableTorchFunction(), _recording():
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
            with _recording():
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


def grad(outputs, inputs, grads, batched=False, retain_graph=False, create_graph=False):
    """`autograd.grad` of plain tensors, with zeros for inputs that the outputs do not depend on.

    With `batched`, the first dim of the gradients counts independent passes.
    """
    mode = rustorch.inference_mode(False) if rustorch.is_inference_mode_enabled() else contextlib.nullcontext()
    pairs = [(o, g) for o, g in zip(outputs, grads, strict=True) if o.requires_grad]
    count = (len(grads[0]),) if batched else ()
    found = [None] * len(inputs)
    if pairs and 0 not in count:
        outputs, grads = zip(*pairs, strict=True)
        options = {"retain_graph": retain_graph or create_graph, "create_graph": create_graph, "allow_unused": True}
        # Overrides stay on: a backward of the user's own may use vmap.
        with mode:
            found = rustorch.autograd.grad(outputs, inputs, grads, is_grads_batched=batched, **options)
    with _C.DisableTorchFunction():
        return [x.new_zeros([*count, *x.shape]) if g is None else g for g, x in zip(found, inputs, strict=True)]


def _along(outputs, inputs, weights, over, dims, retain_graph, create_graph):
    """`grad` with weights that have so many dims in front, each entry of which is a pass, and so have the results.

    Weights and results are seen from inside the vmaps `over`.
    """
    weights = [_levels.physical(w, over) for w in weights]
    if not dims:
        found = grad(outputs, inputs, weights, False, retain_graph, create_graph)
        return [_levels.logical(g, over) for g in found]
    ahead, behind = tuple(range(dims)), tuple(range(len(over), len(over) + dims))
    sizes = weights[0].shape[len(over) : len(over) + dims]
    with _C.DisableTorchFunction():
        rows = [w.movedim(behind, ahead).flatten(0, dims - 1) for w in weights]
    found = grad(outputs, inputs, rows, True, retain_graph, create_graph)
    with _C.DisableTorchFunction():
        found = [g.unflatten(0, sizes).movedim(ahead, behind) for g in found]
    return [_levels.logical(g, over) for g in found]


class _Products:
    """Products of a transform's Jacobian with vectors; `later` vmaps, which started after it, take a pass a sample."""

    def __call__(self, vectors, **options):
        base = self.inputs.levels
        later = [lv for lv in _levels.levels() if lv not in base and any(lv.has(v) for v in _through(vectors, lv))]
        for level in reversed(later):
            vectors = [level.full(v) for v in vectors]
        results = self.rows(vectors, len(later), **options)
        for level in later:
            results = [level.wrap(r) for r in results]
        return results

    def _recorded(self, vectors, create_graph):
        if create_graph is None:
            create_graph = rustorch.is_grad_enabled()
        plain = [_levels.physical(v, self.inputs.levels) for v in vectors]
        return create_graph and (self.further or self.inputs.reach_further(plain))


def _through(vectors, level):
    """The vectors with what batches them further in taken off."""
    for v in vectors:
        while isinstance(v, _levels.Batched) and v._level.depth > level.depth:
            v = v._value
        yield v


def without_graph(x):
    """A plain tensor cut off from its graph."""
    with _C.DisableTorchFunction():
        return x.detach()


class Pullback(_Products):
    """Gradients by a transform's inputs from cotangents of its outputs, which are plain tensors here."""

    def __init__(self, inputs, outputs):
        self.inputs, self.outputs = inputs, outputs
        self.further = inputs.reach_further(outputs)

    def rows(self, cotangents, dims, retain_graph=True, create_graph=None):
        """The gradients for each entry of so many leading dims of the cotangents."""
        record = self._recorded(cotangents, create_graph)
        inputs = self.inputs
        return _along(self.outputs, inputs.leaves, cotangents, inputs.levels, dims, retain_graph, record)


class Pushforward(_Products):
    """Tangents of a transform's outputs from those of its inputs.

    The gradient is linear in the cotangents, and its derivative by those along a tangent is the tangent of the output,
    whatever the cotangents are.

    Source: https://j-towns.github.io/2017/06/12/A-new-trick.html
    """

    def __init__(self, inputs, outputs):
        self.inputs, self.outputs = inputs, outputs
        self.further = inputs.reach_further(outputs)
        recorded = [o for o in outputs if o.requires_grad]
        with _C.DisableTorchFunction(), _recording():
            self.cotangents = [rustorch.zeros_like(o).requires_grad_() for o in recorded]
            for c in self.cotangents:
                c._add_hook(_mark)
            self.grads = grad(recorded, inputs.leaves, self.cotangents, create_graph=True)

    def rows(self, tangents, dims, retain_graph=True):
        """The tangents for each entry of so many leading dims of the tangents of the inputs."""
        over, record = self.inputs.levels, self._recorded(tangents, None)
        found = iter(_along(self.grads, self.cotangents, tangents, over, dims, retain_graph, record))
        sizes = tangents[0].shape[:dims]
        return [next(found) if o.requires_grad else self._zeros(o, sizes) for o in self.outputs]

    def _zeros(self, output, sizes):
        with _C.DisableTorchFunction():
            count = len(self.inputs.levels)
            zeros = output.new_zeros([*output.shape[:count], *sizes, *output.shape[count:]])
        return self.inputs.logical(zeros)
