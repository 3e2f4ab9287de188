"""The optimisers with `foreach=True`, under the names they had before that option."""

from functools import partial

from rustorch import optim

for _name in ("SGD", "Adam", "AdamW", "NAdam", "RAdam", "RMSprop", "Rprop", "ASGD", "Adamax", "Adadelta", "Adagrad"):
    globals()[_name] = partial(getattr(optim, _name), foreach=True)
