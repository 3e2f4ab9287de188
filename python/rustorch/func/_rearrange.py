"""`rearrange`: the dims of a tensor taken apart, ordered and joined as a pattern says.

Source: the notation of einops, https://einops.rocks/api/rearrange/.
"""

import math
import re

import rustorch
from rustorch import Tensor

_TOKEN = re.compile(r"\s*(\.\.\.|\w+|[()]|\S)")
_REST = "..."


def _groups(side):
    """The dims of one side of a pattern, each a list of names: `a (b c) 1` is [[a], [b, c], []]."""
    groups, inside = [], None
    for token in _TOKEN.findall(side):
        if token == "(":
            if inside is not None:
                raise ValueError("Axis composition is one-level (brackets inside brackets not allowed)")
            inside = []
        elif token == ")":
            if inside is None:
                raise ValueError("Brackets are not balanced")
            groups.append(inside)
            inside = None
        else:
            names = [] if token == "1" else [_name(token)]
            if inside is None:
                groups.append(names)
            else:
                inside += names
    if inside is not None:
        raise ValueError(f"Imbalanced parentheses in expression: '{side}'")
    names = [name for group in groups for name in group]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"Indexing expression contains duplicate dimension '{name}'")
    return groups


def _name(token):
    if token == _REST:
        return token
    if token.isdecimal():
        raise ValueError("rearrange only supports unnamed axes of size 1")
    if "." in token:
        raise ValueError("Expression may contain dots only inside ellipsis (...)")
    if not token.isidentifier() or token[0] == "_" or token[-1] == "_":
        raise ValueError(f"Invalid axis identifier: {token}")
    return token


def _sides(pattern, lengths):
    sides = pattern.split("->")
    if len(sides) != 2:
        raise ValueError("Pattern must contain a single '->' separator")
    left, right = map(_groups, sides)
    if [_REST] not in left and any(_REST in group for group in left):
        raise ValueError(f"Ellipsis is parenthesis in the left side is not allowed: {pattern}")
    before, after = ({name for group in groups for name in group} for groups in (left, right))
    if _REST in after - before:
        raise ValueError(f"Ellipsis found in right side, but not left side of a pattern {pattern}")
    if before != after:
        raise ValueError(f"Identifiers only on one side of rearrange expression (should be on both): {before ^ after}")
    for length in lengths.values():
        if type(length) is not int:
            raise TypeError(f"rearrange axis lengths must be integers, got: {type(length)}")
    if lengths.keys() - before:
        raise ValueError(f"Identifiers not found in rearrange expression: {lengths.keys() - before}")
    return left, right


def _sizes(left, shape, lengths):
    """The size of every name; the rest's is a list."""
    extra = len(shape) - len(left)
    if [_REST] in left:
        if extra < -1:
            raise ValueError(
                f"Number of dimensions in pattern ({len(left) - 1}) must be less than or equal to the number of "
                f"dimensions in the tensor ({len(shape)})"
            )
        at = left.index([_REST])
        sizes = {_REST: list(shape[at : at + extra + 1])}
        pairs = [*zip(left[:at], shape[:at], strict=True), *zip(left[at + 1 :], shape[at + extra + 1 :], strict=True)]
    elif extra:
        raise ValueError(
            f"Number of dimensions in pattern ({len(left)}) must be equal to the number of dimensions in the tensor "
            f"({len(shape)})"
        )
    else:
        sizes, pairs = {}, zip(left, shape, strict=True)
    for group, size in pairs:
        known = math.prod(lengths.get(name, 1) for name in group)
        open_names = [name for name in group if name not in lengths]
        fits = size % known == 0 if open_names else size == known
        if len(open_names) > 1 or not fits:
            raise ValueError(f"rearrange: a dim of size {size} cannot be taken apart into {group} with {lengths}.")
        sizes |= {name: lengths.get(name, size // known) for name in group}
    return sizes


def rearrange(tensor, pattern, **axes_lengths):
    """The tensor with its dims taken apart, ordered and joined as a pattern in the notation of einops says.

    Args:
        tensor (Tensor or sequence of Tensor): a sequence is stacked along a first dim.
        pattern (str): names for the dims before and after `->`; parentheses join several, `...` stands for all others,
            1 for a dim of that size.
        axes_lengths (int): sizes of names, where a dim is taken apart.
    Raises:  ValueError: if the pattern is malformed or does not fit.
    Example:
        >>> images = torch.zeros(2, 3, 8, 8)
        >>> torch.func.rearrange(images, "n c (h a) (w b) -> n h w (a b c)", a=4, b=4).shape
        torch.Size([2, 2, 2, 48])
        >>> torch.func.rearrange(images, "... c h w -> ... (h w) c 1").shape
        torch.Size([2, 64, 3, 1])
    """
    if not isinstance(tensor, Tensor):
        tensor = rustorch.stack(tensor)
    left, right = _sides(pattern, axes_lengths)
    sizes = _sizes(left, tensor.shape, axes_lengths)
    # The rest counts as one name for each of its dims.
    parts = {name: [(name, i) for i in range(len(sizes[_REST]))] if name == _REST else [name] for name in sizes}
    size_of = {part: sizes[_REST][part[1]] if name == _REST else sizes[name] for name in parts for part in parts[name]}
    apart = [part for group in left for name in group for part in parts[name]]
    order = [part for group in right for name in group for part in parts[name]]
    joined = []
    for group in right:
        inside = [size_of[part] for name in group for part in parts[name]]
        joined += inside if group == [_REST] else [math.prod(inside)]
    return (
        tensor.reshape([size_of[part] for part in apart]).permute([apart.index(part) for part in order]).reshape(joined)
    )
