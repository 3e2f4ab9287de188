"""Products of matrices and vectors."""

from optable.case import OpCase, S, fix, t


def row(name, *samples, **options):
    return OpCase(name, samples, **options)


CASES = [
    row("mm", S(t(2, 3), t(3, 4)), S(t(20, 33), t(33, 17)), S(t(0, 3), t(3, 2)), S(t(2, 0), t(0, 3))),
    row("bmm", S(t(2, 2, 3), t(2, 3, 2)), S(t(3, 9, 20), t(3, 20, 5)), S(t(0, 2, 3), t(0, 3, 2)), S(t(2, 2, 0), t(2, 0, 2))),
    row("matmul", S(t(2, 3), t(3, 2)), S(t(3), t(3)), S(t(2, 3), t(3)), S(t(3), t(3, 2)), S(t(2, 2, 3), t(3, 2)), S(t(2, 1, 2, 3), t(3, 3, 2)),
        S(t(3), t(2, 3, 2)), S(t(2, 0), t(0, 3))),
    row("linear", S(t(2, 3), t(4, 3), t(4)), S(t(2, 3), t(4, 3)), S(t(3), t(4, 3), t(4)), S(t(2, 2, 3), t(4, 3), t(4)), S(t(0, 3), t(4, 3), t(4))),
    row("addmm", S(t(2, 4), t(2, 3), t(3, 4)), S(t(4), t(2, 3), t(3, 4), beta=2, alpha=3), S(t(2, 4), t(2, 0), t(0, 4)), S(t(2, 4), t(2, 3), t(3, 4), beta=0)),
    row("addmv", S(t(2), t(2, 3), t(3)), S(t(2), t(2, 3), t(3), beta=2, alpha=3), S(t(1), t(2, 3), t(3))),
    row("addbmm", S(t(2, 2), t(2, 2, 3), t(2, 3, 2)), S(t(2, 2), t(2, 2, 3), t(2, 3, 2), beta=2, alpha=3)),
    row("baddbmm", S(t(2, 2, 2), t(2, 2, 3), t(2, 3, 2)), S(t(2, 2), t(2, 2, 3), t(2, 3, 2), beta=2, alpha=3)),
    row("addr", S(t(2, 3), t(2), t(3)), S(t(3), t(2), t(3), beta=2, alpha=3)),
    row("mv", S(t(2, 3), t(3)), S(t(20, 33), t(33)), S(t(2, 0), t(0))),
    *(row(n, S(t(3), t(3)), S(t(67), t(67)), S(t(0), t(0))) for n in ("dot", "vdot")),
    row("inner", S(t(3), t(3)), S(t(2, 3), t(4, 3)), S(t(), t(2, 3))),
    *(row(n, S(t(3), t(4)), S(t(0), t(4))) for n in ("outer", "ger")),
    row("kron", S(t(2, 2), t(3)), S(t(2, 2), t(1, 3)), S(t(), t(2))),
    row("tensordot", S(t(2, 3), t(3, 2), (1,), (0,)), S(t(2, 3, 2), t(3, 2, 2), (1, 2), (0, 1)), S(t(2), t(3), (), ())),
    row("chain_matmul", S([t(2, 3), t(3, 4), t(4, 2)]), S([t(2, 3), t(3, 2)]), S([t(2, 2)])),
    row("bilinear", S(t(2, 3), t(2, 2), t(4, 3, 2), t(4)), S(t(2, 3), t(2, 2), t(1, 3, 2))),
    row("einsum", S("ij,jk->ik", [t(2, 3), t(3, 2)]), S("ii", [fix(3, 3)]), S("bij,bj->bi", [t(2, 2, 3), t(2, 3)]), S("i,j,k->ijk", [fix(2), fix(2), fix(2)]),
        S("...ij->...ji", [t(2, 2, 3)]), skip={"lazy": "a resolved copy has other strides"}),
]  # fmt: skip
