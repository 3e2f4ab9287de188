"""Kullback-Leibler divergences, by the classes of two distributions."""

import warnings

__all__ = ["kl_divergence", "register_kl"]

# What is registered, and what lookups found: the second is forgotten when the first grows.
_KL_REGISTRY = {}
_KL_MEMOIZE = {}


def register_kl(type_p, type_q):
    """A decorator that makes a function the divergence of two classes, and of their subclasses.

    Args:  type_p, type_q (type): subclasses of `Distribution`.
    Raises:  TypeError: if they are not.
    Example:
        >>> from rustorch.distributions import Normal, kl_divergence, register_kl
        >>> class Narrow(Normal):
        ...     pass
        >>> @register_kl(Narrow, Narrow)
        ... def kl_narrow_narrow(p, q):
        ...     return "ours"
        >>> kl_divergence(Narrow(0.0, 1.0), Narrow(0.0, 1.0)), kl_divergence(Narrow(0.0, 1.0), Normal(0.0, 1.0))
        ('ours', tensor(0.))

    Note: the most specific pair is taken. Where two are equally specific, a `RuntimeWarning` names the pair to register.
    """
    for name, kind in (("type_p", type_p), ("type_q", type_q)):
        # As in torch, a class beside Distribution is taken: libraries have roots of their own.
        if not isinstance(kind, type):
            raise TypeError(
                f"Expected {name} to be a Distribution subclass but got {kind}\n"
                "  register_kl: pass classes, not distributions."
            )

    def decorator(fun):
        _KL_REGISTRY[type_p, type_q] = fun
        _KL_MEMOIZE.clear()
        return fun

    return decorator


def _dispatch_kl(type_p, type_q):
    """The function of the most specific pair, for single inheritance; NotImplemented without one."""
    matches = [(p, q) for p, q in _KL_REGISTRY if issubclass(type_p, p) and issubclass(type_q, q)]
    if not matches:
        return NotImplemented

    def nearness(pair):
        return type_p.__mro__.index(pair[0]), type_q.__mro__.index(pair[1])

    # p decides first, then q; then the other way round.
    by_p = min(matches, key=nearness)
    by_q = min(matches, key=lambda pair: nearness(pair)[::-1])
    if _KL_REGISTRY[by_p] is not _KL_REGISTRY[by_q]:
        warnings.warn(
            f"Ambiguous kl_divergence({type_p.__name__}, {type_q.__name__}). "
            f"Please register_kl({by_p[0].__name__}, {by_q[1].__name__})",
            RuntimeWarning,
            stacklevel=3,
        )
    return _KL_REGISTRY[by_p]


def kl_divergence(p, q):
    """`KL(p || q)`, the mean under p of `log p(x) - log q(x)`, in nats.

    Args:  p, q (Distribution): two distributions over the same kind of events.
    Returns:  Tensor of the batch shape; infinite where q lacks a part of p's support.
    Raises:  NotImplementedError: for a pair that nothing is registered for.
    Example:
        >>> from rustorch.distributions import Normal, kl_divergence
        >>> kl_divergence(Normal(0.0, 1.0), Normal(1.0, 1.0))
        tensor(0.5000)
    """
    pair = type(p), type(q)
    if pair not in _KL_MEMOIZE:
        _KL_MEMOIZE[pair] = _dispatch_kl(*pair)
    fun = _KL_MEMOIZE[pair]
    if fun is NotImplemented:
        raise NotImplementedError(
            f"No KL(p || q) is implemented for p type {pair[0].__name__} and q type {pair[1].__name__}\n"
            "  kl_divergence: register one by @register_kl, or average p.log_prob(x) - q.log_prob(x) over samples of p."
        )
    return fun(p, q)


def _register_all():
    from rustorch.distributions import _kl_families, _kl_matrices, _kl_pairs  # noqa: F401


_register_all()


def _add_kl_info():
    """Appends the pairs to the docstring of `kl_divergence`."""
    if kl_divergence.__doc__ is None:  # python -OO
        return
    names = sorted((p.__name__, q.__name__) for p, q in _KL_REGISTRY)
    kl_divergence.__doc__ += "\n    Pairs:\n" + "".join(f"        {p}, {q}\n" for p, q in names)


_add_kl_info()
