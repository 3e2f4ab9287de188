"""Views, copies of views, conversions, joining, splitting, repeating and shifting."""

from optable.case import OpCase, S, attr, fix, given, t


def row(name, *samples, **options):
    return OpCase(name, samples, **options)


def same(names, *samples, **options):
    return [row(name, *samples, **options) for name in names.split()]


VIEWS = [
    row("as_strided", S(t(12), (2, 3), (3, 1)), S(t(12), (2, 3), (1, 2), 1), S(t(3, 4), (3, 3), (1, 1)), S(t(5), (), ())),
    row("view", S(t(3, 4), (2, 6)), S(t(3, 4), -1), S(t(6), 2, 3), S(t(0, 3), 3, 0), S(t(), 1), S(t(3, 4), attr("int32")), S(t(3, 4), attr("int16"))),
    row("reshape", S(t(3, 4), (2, 6)), S(t(3, 4), (-1,)), S(t(6), (2, -1)), S(t(0, 3), (3, 0)), S(t(), (1, 1))),
    *same("expand expand_copy", S(t(3, 1), (3, 4)), S(t(3), (2, 3)), S(t(), (2,)), S(t(3, 1), (2, -1, 4))),
    row("broadcast_to", S(t(3, 1), (3, 4)), S(t(3), (2, 3)), S(t(), (2,))),
    *same("permute permute_copy", S(t(2, 3, 4), (2, 0, 1)), S(t(2, 3), (-1, -2)), S(t(), ())),
    *same("transpose swapaxes swapdims transpose_copy", S(t(2, 3, 4), 0, 2), S(t(2, 3), -1, -2), S(t(3), 0, 0)),
    *same("t t_copy", S(t(2, 3)), S(t(3)), S(t())),
    *same("select select_copy", S(t(2, 3), 0, 1), S(t(2, 3), -1, -2), S(t(4), 0, 2)),
    row("narrow", S(t(5, 3), 0, 1, 2), S(t(5, 3), -1, -2, 2), S(t(5), 0, 5, 0), S(t(5), 0, fix(dtype="int64", values=1, grad=False), 2),
        skip={"meta": "a start that is a tensor is data"}),
    row("narrow_copy", S(t(5, 3), 0, 1, 2), S(t(5, 3), -1, 1, 2), S(t(5), 0, 5, 0)),
    *same("unsqueeze unsqueeze_copy", S(t(2, 3), 0), S(t(2, 3), -1), S(t(), 0)),
    *same("squeeze squeeze_copy", S(t(1, 3, 1)), S(t(1, 3, 1), 0), S(t(1, 3), 1), S(t(1, 3, 1), (0, -1)), S(t())),
    *same("diagonal diagonal_copy", S(t(3, 4)), S(t(3, 4), 1), S(t(2, 3, 4), -1, 1, 2), S(t(3, 4), 5)),
    *same("unfold unfold_copy", S(t(7), 0, 3, 2), S(t(2, 5), -1, 2, 1), S(t(3), 0, 4, 1), S(t(), 0, 1, 1)),
    row("flatten", S(t(2, 3, 4)), S(t(2, 3, 4), 1), S(t(2, 3, 4), 0, 1), S(t()), S(t(0, 3))),
    *same("movedim moveaxis", S(t(2, 3, 4), 0, 2), S(t(2, 3, 4), (0, 1), (2, 0)), S(t(2, 3), -1, 0)),
    row("view_as", S(t(3, 4), t(2, 6))),
    row("reshape_as", S(t(3, 4), t(2, 6))),
    row("expand_as", S(t(3, 1), t(3, 4))),
    row("view_as_real", S(fix(2, 3, dtype="complex64")), S(t(2, 3))),
    row("view_as_complex", S(t(3, 2)), S(t(2))),
    row("real", S(t(2, 3)), S(t())),
    row("imag", S(t(2, 3)), S(t())),
    row("unflatten", S(t(2, 6), 1, (2, 3)), S(t(6), 0, (-1, 2))),
    row("ravel", S(t(2, 3)), S(t()), S(t(5))),
    row("adjoint", S(t(2, 3)), S(t(2, 3, 4))),
    row("alias_copy", S(t(2, 3)), S(t())),
    row("as_strided_copy", S(t(12), (2, 3), (3, 1)), S(t(12), (2, 3), (1, 2), 1)),
    row("slice_copy", S(t(5, 3)), S(t(5, 3), 0, 1, 4, 2), S(t(5, 3), -1, None, 2), S(t(5), 0, 7, 9)),
    row("view_copy", S(t(3, 4), (2, 6)), S(t(3, 4), (-1,))),
    row("split_copy", S(t(5, 3), 2), S(t(5, 3), 2, -1), skip={"out": "torch does not resize there"}),
    row("split_with_sizes_copy", S(t(5, 3), (2, 3)), S(t(5, 3), (1, 2), 1), skip={"out": "torch does not resize there"}),
    row("unbind_copy", S(t(3, 2)), S(t(3, 2), -1)),
]  # fmt: skip

SPLITS = [
    row("split", S(t(5, 3), 2), S(t(5, 3), 2, -1), S(t(5, 3), (2, 3)), S(t(0, 3), 2)),
    row("split_with_sizes", S(t(5, 3), (2, 3)), S(t(5, 3), (1, 0, 2), 1)),
    row("chunk", S(t(5, 3), 2), S(t(5, 3), 4, -1), S(t(5), 7)),
    row("unbind", S(t(3, 2)), S(t(3, 2), -1)),
    row("tensor_split", S(t(7, 2), 3), S(t(7, 2), (2, 5)), S(t(7), (1, 9)), S(t(2, 7), 3, 1)),
    row("hsplit", S(t(4, 6), 2), S(t(6), (1, 3))),
    row("vsplit", S(t(4, 6), 2), S(t(4, 6), (1, 3))),
    row("dsplit", S(t(2, 2, 4), 2), S(t(2, 2, 4), (1, 3))),
    row("unsafe_chunk", S(t(5, 3), 2), S(t(5, 3), 4, -1)),
    row("unsafe_split", S(t(5, 3), 2), S(t(5, 3), 2, -1)),
    row("unsafe_split_with_sizes", S(t(5, 3), (2, 3)), S(t(5, 3), (1, 2), 1)),
]

JOINS = [
    row("cat", S([t(2, 3), t(1, 3)]), S([t(2, 3), t(2, 1)], -1), S([t(0), t(2, 3)]), S([t(3)]), S([t(2, 3), fix(1, 3, dtype="float64")])),
    row("stack", S([t(2, 3), t(2, 3)]), S([t(2, 3), t(2, 3)], -1), S([t(), t()])),
    *same("hstack vstack dstack column_stack", S([t(2, 3), t(2, 3)]), S([t(3), t(3)]), S([t(), t()])),
    row("block_diag", S([t(2, 3), t(), t(2)]), S([t(1, 1)])),
    row("broadcast_tensors", S([t(2, 1), t(3)]), S([t(), t(2)])),
    row("repeat", S(t(2, 3), (2, 1)), S(t(3), (2, 2)), S(t(), (3,)), S(t(2), (0,))),
    row("tile", S(t(2, 3), (2,)), S(t(3), (2, 2)), S(t(2, 3), (1, 0))),
    row("repeat_interleave", S(t(2, 3), 2), S(t(2, 3), 2, 1), S(t(3), given([1, 0, 2], "int64", grad=False)),
        S(t(2, 3), given([2, 1], "int64", grad=False), 0), S(given([1, 0, 2], "int64", grad=False)),
        skip={"meta": "the result's shape depends on the data", "method": "with repeats alone it is a function"}),
    row("flip", S(t(2, 3), (0,)), S(t(2, 3), (0, -1)), S(t(), ())),
    row("fliplr", S(t(2, 3))),
    row("flipud", S(t(2, 3)), S(t(3))),
    row("roll", S(t(2, 3), 1), S(t(2, 3), (1, -1), (0, 1)), S(t(5), 7, 0), S(t(0), 1, 0)),
    row("rot90", S(t(2, 3)), S(t(2, 3), 2), S(t(2, 3, 2), -1, (1, 2))),
    *same("tril triu", S(t(3, 4)), S(t(3, 4), 1), S(t(2, 3, 3), -1), S(t(4, 3), -5), S(t(0, 3))),
    row("diag", S(t(3)), S(t(3, 4)), S(t(2), -1), S(t(3, 4), 2)),
    row("diag_embed", S(t(3)), S(t(2, 3), 1), S(t(2, 3), -1, 0, 2)),
    row("diagflat", S(t(3)), S(t(2, 2), 1), S(t())),
    row("diagonal_scatter", S(t(3, 4), t(3)), S(t(3, 4), t(3), 1), S(t(2, 3, 3), t(2, 3), 0, 1, 2)),
    row("select_scatter", S(t(2, 3), t(3), 0, 1), S(t(2, 3), t(2), -1, -1)),
    row("slice_scatter", S(t(5, 3), t(2, 3), 0, 1, 3), S(t(5, 3), t(5, 2), 1, 0, 3, 2), S(t(3), t(3))),
    row("as_strided_scatter", S(t(12), t(2, 3), (2, 3), (3, 1)), S(t(12), t(2, 2), (2, 2), (1, 3), 1), skip={"layout": "the call is about the strides themselves", "torch's grad": "torch gives the input the window's gradient, and 0 elsewhere: the wrong way round"}),
]  # fmt: skip

CASTS = [
    row("to", S(t(2, 3), attr("float64")), S(t(2, 3), attr("float32"), copy=True), S(t(2, 3), dtype=attr("complex64")), S(t(2, 3), fix(1, dtype="float64")),
        S(t(2, 3), attr("int32")), S(t(1, 2, 3, 2), attr("float64"), memory_format=attr("channels_last"))),
    row("type_as", S(t(2, 3), fix(1, dtype="float64"))),
    row("cpu", S(t(2, 3)), skip={"meta": "nothing can be brought back from there"}),
    *same("double cdouble", S(t(2, 3)), S(t()), S(t(67, low=0, high=100)), S(t(0))),
    *same("float half bfloat16 cfloat", S(t(2, 3)), S(t()), S(t(67, low=0, high=100)), S(t(0)),
          skip=dict.fromkeys(("grad", "gradgrad"), "differences are taken in double precision")),
    *same("long int short char byte bool", S(t(2, 3)), S(t()), S(t(67, low=0, high=100)), S(t(0)), grad=0),
    row("clone", S(t(2, 3)), S(t()), S(t(1, 2, 3, 2), memory_format=attr("channels_last")), S(t(2, 3), memory_format=attr("contiguous_format"))),
    row("contiguous", S(t(2, 3)), S(t()), S(t(1, 2, 3, 2), memory_format=attr("channels_last"))),
    row("copy_", S(t(2, 3), t(2, 3)), S(t(2, 3), t(3)), S(t(2, 3), fix(2, 3, dtype="float64")), S(t(3), fix(3, dtype="complex64"))),
]  # fmt: skip

CASES = [*VIEWS, *SPLITS, *JOINS, *CASTS]
