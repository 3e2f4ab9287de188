"""Nested containers as trees of leaves, under the names that programs use: `tree_flatten`, `tree_map` and their kin.

Tuples, named tuples, lists, dicts, deques and registered classes are nodes; anything else is a leaf, None too.
"""

from rustorch.func import _trees
from rustorch.func._trees import LEAF, Spec

__all__ = [
    "LeafSpec",
    "TreeSpec",
    "register_pytree_node",
    "tree_all",
    "tree_all_only",
    "tree_any",
    "tree_any_only",
    "tree_flatten",
    "tree_iter",
    "tree_leaves",
    "tree_map",
    "tree_map_",
    "tree_map_only",
    "tree_map_only_",
    "tree_structure",
    "tree_unflatten",
]

PyTree = object
TreeSpec = Spec


def LeafSpec():
    """The structure of a leaf."""
    return LEAF


def register_pytree_node(cls, flatten_fn, unflatten_fn, **kwargs):
    """Makes instances of `cls` nodes.

    Args:
        cls: the class itself; those derived from it stay leaves.
        flatten_fn: gives the children of an instance, and a context that tells instances apart.
        unflatten_fn: makes an instance of a list of children and a context.
        kwargs: names for serialisation, which are not used.

    Raises:  ValueError: if the class is a node already.

    Example:
        >>> class Pair:
        ...     def __init__(self, a, b):
        ...         self.a, self.b = a, b
        >>> register_pytree_node(Pair, lambda p: ([p.a, p.b], None), lambda children, _: Pair(*children))
        >>> tree_leaves([Pair(1, 2), 3])
        [1, 2, 3]
    """
    if cls in _trees.registered or cls in _trees.CONTAINERS:
        raise ValueError(
            f"register_pytree_node: {cls} is already registered as pytree node. Register a class of your own, once."
        )
    _trees.registered[cls] = (flatten_fn, unflatten_fn)


_register_pytree_node = register_pytree_node


def tree_flatten(tree, is_leaf=None):
    """The leaves from left to right, and the structure.

    Example:
        >>> leaves, spec = tree_flatten({"a": 1, "b": (2, [3])})
        >>> leaves
        [1, 2, 3]
        >>> tree_unflatten([x * 10 for x in leaves], spec)
        {'a': 10, 'b': (20, [30])}
    """
    return _trees.flatten(tree, is_leaf)


def tree_unflatten(leaves, treespec):
    """The tree with this structure and these leaves.

    Raises:  ValueError: if there are more or fewer leaves than places; TypeError: if `treespec` is no structure.
    """
    if not isinstance(treespec, TreeSpec):
        raise TypeError(
            f"tree_unflatten: expected a TreeSpec as the second argument, given {type(treespec).__name__}. "
            "Pass what tree_flatten returned."
        )
    leaves = list(leaves)
    if len(leaves) != treespec.num_leaves:
        raise ValueError(
            f"tree_unflatten: expected {treespec.num_leaves} leaves for this structure, given {len(leaves)}. "
            "Pass one value for each leaf."
        )
    return _trees.unflatten(leaves, treespec)


def tree_iter(tree, is_leaf=None):
    """Goes over the leaves."""
    yield from tree_flatten(tree, is_leaf)[0]


def tree_leaves(tree, is_leaf=None):
    """The leaves from left to right."""
    return tree_flatten(tree, is_leaf)[0]


def tree_structure(tree, is_leaf=None):
    """The structure."""
    return tree_flatten(tree, is_leaf)[1]


def tree_map(func, tree, *rests, is_leaf=None):
    """The tree with `func` called on every leaf, and on what stands in its place in the other trees.

    Raises:  ValueError: if another tree has another structure.

    Example:
        >>> tree_map(lambda a, b: a + b, {"x": 1, "y": [2]}, {"x": 10, "y": [20]})
        {'x': 11, 'y': [22]}
    """
    leaves, spec = tree_flatten(tree, is_leaf)
    return tree_unflatten(map(func, leaves, *(_below(rest, spec) for rest in rests)), spec)


def _below(tree, spec):
    """What stands in the places of the leaves of a structure."""
    if spec.is_leaf():
        return [tree]
    parts = _trees.parts(tree)
    if parts is None or parts[0] is not spec.kind or parts[1] != spec.context or len(parts[2]) != len(spec.children):
        raise ValueError(
            f"tree_map: expected trees of one structure, given {type(tree).__name__} where the first has "
            f"{spec.kind.__name__} of {len(spec.children)}. Pass trees that differ in their leaves alone."
        )
    return [x for child, below in zip(parts[2], spec.children, strict=True) for x in _below(child, below)]


def tree_map_(func, tree, *rests, is_leaf=None):
    """Calls `func` as [`tree_map`] does, for what it does; returns the tree itself."""
    tree_map(func, tree, *rests, is_leaf=is_leaf)
    return tree


def _chosen(type_or_types_or_pred):
    if isinstance(type_or_types_or_pred, type | tuple):
        return lambda x: isinstance(x, type_or_types_or_pred)
    return type_or_types_or_pred


def _only(type_or_types_or_pred, func):
    chosen = _chosen(type_or_types_or_pred)
    return lambda x: func(x) if chosen(x) else x


def tree_map_only(type_or_types_or_pred, func, tree, is_leaf=None):
    """[`tree_map`] over leaves of these types, or that a predicate holds for; the others stay.

    Example:
        >>> tree_map_only(int, str, [1, 2.0, (3,)])
        ['1', 2.0, ('3',)]
    """
    return tree_map(_only(type_or_types_or_pred, func), tree, is_leaf=is_leaf)


def tree_map_only_(type_or_types_or_pred, func, tree, is_leaf=None):
    """[`tree_map_`] over leaves of these types."""
    return tree_map_(_only(type_or_types_or_pred, func), tree, is_leaf=is_leaf)


def tree_all(pred, tree, is_leaf=None):
    """Does `pred` hold for every leaf?"""
    return all(map(pred, tree_iter(tree, is_leaf)))


def tree_any(pred, tree, is_leaf=None):
    """Does `pred` hold for some leaf?"""
    return any(map(pred, tree_iter(tree, is_leaf)))


def tree_all_only(type_or_types_or_pred, pred, tree, is_leaf=None):
    """Does `pred` hold for every leaf of these types?"""
    chosen = _chosen(type_or_types_or_pred)
    return all(pred(x) for x in tree_iter(tree, is_leaf) if chosen(x))


def tree_any_only(type_or_types_or_pred, pred, tree, is_leaf=None):
    """Does `pred` hold for some leaf of these types?"""
    chosen = _chosen(type_or_types_or_pred)
    return any(pred(x) for x in tree_iter(tree, is_leaf) if chosen(x))
