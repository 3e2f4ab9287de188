"""Nested containers as trees, beside torch's `utils._pytree`."""

from collections import OrderedDict, defaultdict, deque, namedtuple

import pytest

from rustorch.utils import _pytree as pytree

Point = namedtuple("Point", "x y")
TREES = [
    7,
    None,
    (),
    [1, (2, [3, None]), {"b": 4, "a": (5,)}],
    OrderedDict(z=1, a=[2]),
    Point(1, {"k": 2}),
    deque([1, [2]], maxlen=3),
    defaultdict(list, q=1),
    {},
]


@pytest.mark.parametrize("tree", TREES, ids=str)
def test_leaves_and_structure_are_torchs(oracle, tree):
    theirs = oracle.utils._pytree
    leaves, spec = pytree.tree_flatten(tree)
    expected, ref = theirs.tree_flatten(tree)
    assert leaves == expected == pytree.tree_leaves(tree) == list(pytree.tree_iter(tree))
    assert (spec.num_leaves, spec.num_children, spec.is_leaf()) == (ref.num_leaves, ref.num_children, ref.is_leaf())
    again = pytree.tree_unflatten(leaves, spec)
    assert again == tree and type(again) is type(tree) and pytree.tree_structure(again) == spec
    assert pytree.tree_map(str, tree) == theirs.tree_map(str, tree)
    assert getattr(again, "maxlen", None) == getattr(tree, "maxlen", None)


def test_leaves_may_be_chosen():
    pairs = {"a": (1, 2), "b": [(3, 4)]}
    is_pair = lambda x: isinstance(x, tuple)
    assert pytree.tree_leaves(pairs, is_leaf=is_pair) == [(1, 2), (3, 4)]
    assert pytree.tree_map(sum, pairs, is_leaf=is_pair) == {"a": 3, "b": [7]}
    assert pytree.tree_map_only(int, str, [1, 2.0, "x"]) == ["1", 2.0, "x"]
    assert pytree.tree_map_only(lambda x: x == 2.0, str, [1, 2.0]) == [1, "2.0"]
    assert pytree.tree_all(bool, [1, [2]]) and not pytree.tree_any(bool, [0, [None]])
    assert pytree.tree_all_only(int, bool, [1, 0.0]) and pytree.tree_any_only(float, bool, [0, 1.0])
    seen = []
    tree = [1, (2,)]
    assert pytree.tree_map_(seen.append, tree) is tree and seen == [1, 2]
    pytree.tree_map_only_(int, seen.append, [3, "x"])
    assert seen == [1, 2, 3]


def test_several_trees_are_walked_together(oracle):
    first, second = [1, {"a": 2}], [10, {"a": [20, 30]}]
    join = lambda a, b: (a, b)
    assert pytree.tree_map(join, first, second) == oracle.utils._pytree.tree_map(join, first, second)
    for other in ([1], [1, {"b": 2}], (1, {"a": 2}), 5):
        with pytest.raises(ValueError):
            oracle.utils._pytree.tree_map(join, first, other)
        with pytest.raises(ValueError, match="one structure"):
            pytree.tree_map(join, first, other)


def test_leaves_that_do_not_fit_are_refused():
    leaves, spec = pytree.tree_flatten([1, 2])
    with pytest.raises(ValueError, match="expected 2 leaves"):
        pytree.tree_unflatten(leaves[:1], spec)
    with pytest.raises(TypeError, match="TreeSpec"):
        pytree.tree_unflatten(leaves, leaves)


def test_registered_classes_are_nodes_everywhere():
    import rustorch as torch

    class Pair:
        def __init__(self, a, b):
            self.a, self.b = a, b

    pytree.register_pytree_node(Pair, lambda p: ([p.a, p.b], "context"), lambda children, _: Pair(*children))
    mapped = pytree.tree_map(lambda x: x + 1, Pair(1, [2]))
    assert type(mapped) is Pair and (mapped.a, mapped.b) == (2, [3])
    grads = torch.func.grad(lambda p: (p.a * p.b).sum())(Pair(torch.ones(2), torch.full((2,), 3.0)))
    assert grads.a.tolist() == [3.0, 3.0] and grads.b.tolist() == [1.0, 1.0]
    for cls in (Pair, list):
        with pytest.raises(ValueError, match="already registered"):
            pytree.register_pytree_node(cls, None, None)
