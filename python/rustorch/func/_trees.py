"""Nested tuples, lists and dicts of tensors, taken apart into leaves and put together again."""

from collections import OrderedDict, defaultdict
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Spec:
    """The structure of a tree; a leaf has no kind. Anything but a tuple, list or dict is a leaf, None too."""

    kind: type | None = None
    context: Any = None
    children: tuple = field(default=())

    @property
    def count(self):
        return 1 if self.kind is None else sum(child.count for child in self.children)

    def __repr__(self, indent=0):
        if self.kind is None:
            return "*"
        indent += 2
        children = f",\n{' ' * indent}".join(child.__repr__(indent) for child in self.children)
        return f"TreeSpec({self.kind.__name__}, {self.context}, [{children}])"


LEAF = Spec()


def _parts(tree):
    """Kind, context and children of a node; None for a leaf."""
    kind = type(tree)
    if kind in (tuple, list) or (isinstance(tree, tuple) and hasattr(tree, "__len__")):
        return kind, None, list(tree)
    if kind in (dict, OrderedDict, defaultdict):
        context = list(tree) if kind is not defaultdict else [tree.default_factory, list(tree)]
        return kind, context, list(tree.values())
    return None


def flatten(tree):
    """The leaves from left to right, and the structure."""
    parts = _parts(tree)
    if parts is None:
        return [tree], LEAF
    kind, context, children = parts
    leaves, specs = [], []
    for child in children:
        below, spec = flatten(child)
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
    parts = _parts(prefix)
    if parts is None:
        return [prefix] * spec.count
    kind, context, children = parts
    if kind is not spec.kind or context != spec.context or len(children) != len(spec.children):
        return None
    found = [spread(child, below) for child, below in zip(children, spec.children, strict=True)]
    return None if None in found else [value for values in found for value in values]
