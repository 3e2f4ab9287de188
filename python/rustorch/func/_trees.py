"""Nested tuples, lists and dicts of tensors, taken apart into leaves and put together again."""

from collections import OrderedDict, defaultdict, deque
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Spec:
    """The structure of a tree; a leaf has no kind. Anything but a tuple, list, dict or deque is a leaf, None too, unless
    its type was registered."""

    kind: type | None = None
    context: Any = None
    children: tuple = field(default=())

    @property
    def num_leaves(self):
        return 1 if self.kind is None else sum(child.num_leaves for child in self.children)

    @property
    def num_children(self):
        return len(self.children)

    @property
    def type(self):
        return self.kind

    def is_leaf(self):
        return self.kind is None

    def __repr__(self, indent=0):
        if self.kind is None:
            return "*"
        indent += 2
        children = f",\n{' ' * indent}".join(child.__repr__(indent) for child in self.children)
        return f"TreeSpec({self.kind.__name__}, {self.context}, [{children}])"


LEAF = Spec()

CONTAINERS = (tuple, list, dict, OrderedDict, defaultdict, deque)
# How users' own containers are taken apart and put together: type -> (flatten, unflatten).
registered = {}


def parts(tree):
    """Kind, context and children of a node; None for a leaf."""
    kind = type(tree)
    if kind in registered:
        children, context = registered[kind][0](tree)
        return kind, context, list(children)
    if kind in (tuple, list) or (isinstance(tree, tuple) and hasattr(tree, "__len__")):
        return kind, None, list(tree)
    if kind in (dict, OrderedDict, defaultdict):
        context = list(tree) if kind is not defaultdict else [tree.default_factory, list(tree)]
        return kind, context, list(tree.values())
    if kind is deque:
        return kind, tree.maxlen, list(tree)
    return None


def flatten(tree, is_leaf=None):
    """The leaves from left to right, and the structure. What `is_leaf` holds for is not taken apart."""
    node = None if is_leaf is not None and is_leaf(tree) else parts(tree)
    if node is None:
        return [tree], LEAF
    kind, context, children = node
    leaves, specs = [], []
    for child in children:
        below, spec = flatten(child, is_leaf)
        leaves += below
        specs.append(spec)
    return leaves, Spec(kind, context, tuple(specs))


def unflatten(leaves, spec):
    """The tree of this structure with these leaves."""
    return _build(iter(leaves), spec)


def _build(leaves, spec):
    if spec.kind is None:
        return next(leaves)
    children = [_build(leaves, child) for child in spec.children]
    if spec.kind in registered:
        return registered[spec.kind][1](children, spec.context)
    if spec.kind is deque:
        return deque(children, spec.context)
    if spec.kind is defaultdict:
        return defaultdict(spec.context[0], zip(spec.context[1], children, strict=True))
    if spec.context is not None:
        return spec.kind(zip(spec.context, children, strict=True))
    # A named tuple takes its members one by one.
    return spec.kind(*children) if hasattr(spec.kind, "_fields") else spec.kind(children)


def tree_map(function, tree):
    """The tree with `function` called on every leaf."""
    leaves, spec = flatten(tree)
    return unflatten([function(leaf) for leaf in leaves], spec)


def spread(prefix, spec):
    """One value of `prefix` for each leaf of a structure, a leaf of it standing for all below; None if they differ."""
    node = parts(prefix)
    if node is None:
        return [prefix] * spec.num_leaves
    kind, context, children = node
    if kind is not spec.kind or context != spec.context or len(children) != len(spec.children):
        return None
    found = [spread(child, below) for child, below in zip(children, spec.children, strict=True)]
    return None if None in found else [value for values in found for value in values]
