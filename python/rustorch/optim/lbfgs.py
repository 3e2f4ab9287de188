"""L-BFGS with an optional line search for the strong Wolfe conditions."""

import rustorch
from rustorch.optim.optimizer import Optimizer, _check_lr, _number

__all__ = ["LBFGS"]

_STATE = ("d", "t", "old_dirs", "old_stps", "ro", "H_diag", "prev_flat_grad", "prev_loss")


class LBFGS(Optimizer):
    """Limited-memory BFGS on one parameter group.

    Args:
        params (iterable): parameters, all in one group.
        lr (float or Tensor, 1): step along the direction where there is no line search.
        max_iter (int, 20): iterations per call of `step`.
        max_eval (int, None): evaluations of the closure per call; 1.25 * max_iter if None.
        tolerance_grad (float, 1e-7): stop when no element of the gradient is larger.
        tolerance_change (float, 1e-9): stop when neither the parameters nor the loss change by more.
        history_size (int, 100): pairs of steps and gradient differences that are kept.
        line_search_fn (str, None): None or 'strong_wolfe'.
    Example:
        >>> w = torch.tensor([2.0, -1.0], requires_grad=True)
        >>> optimizer = torch.optim.LBFGS([w], line_search_fn="strong_wolfe")
        >>> def closure():
        ...     optimizer.zero_grad()
        ...     loss = ((w - 3) ** 2).sum()
        ...     loss.backward()
        ...     return loss
        >>> optimizer.step(closure).item()
        17.0
        >>> w
        tensor([3.0000, 3.0000], requires_grad=True)

    Source: Nocedal & Wright, Numerical optimization, algorithms 7.4, 3.5 and 3.6.
    """

    def __init__(
        self,
        params,
        lr=1,
        max_iter=20,
        max_eval=None,
        tolerance_grad=1e-7,
        tolerance_change=1e-9,
        history_size=100,
        line_search_fn=None,
    ):
        _check_lr(lr)
        defaults = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, defaults)
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")
        self._params = self.param_groups[0]["params"]
        self._numel_cache = None

    def __setstate__(self, state):
        super().__setstate__(state)
        self._params = self.param_groups[0]["params"]
        self._numel_cache = None

    def _flat_grad(self):
        """All gradients as one vector; complex ones as pairs of reals."""
        parts = []
        for p in self._params:
            grad = p.grad
            if grad is None:
                part = p.new_zeros(p.numel())
            else:
                part = (grad.to_dense() if grad.is_sparse else grad).reshape(-1)
            parts.append(rustorch.view_as_real(part).reshape(-1) if part.is_complex() else part)
        return rustorch.cat(parts, 0)

    def _move(self, t, direction):
        """Step by `t * direction`."""
        offset = 0
        for p in self._params:
            target = rustorch.view_as_real(p) if p.is_complex() else p
            numel = target.numel()
            target.add_(direction[offset : offset + numel].view_as(target), alpha=_number(t))
            offset += numel

    def _evaluate_at(self, closure, start, t, direction):
        """Loss and gradient at `start + t * direction`; the parameters are back at `start` afterwards."""
        self._move(t, direction)
        loss = float(closure())
        grad = self._flat_grad()
        for p, value in zip(self._params, start):
            p.copy_(value)
        return loss, grad

    def step(self, closure):
        """Up to `max_iter` iterations; `closure` clears the gradients, computes the loss and calls backward on it."""
        with rustorch.no_grad():
            return self._step(rustorch.enable_grad()(closure))

    def _step(self, closure):
        group = self.param_groups[0]
        lr = _number(group["lr"])
        max_iter, max_eval = group["max_iter"], group["max_eval"]
        tolerance_grad, tolerance_change = group["tolerance_grad"], group["tolerance_change"]
        search = group["line_search_fn"]
        state = self.state[self._params[0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)

        first_loss = closure()
        loss = float(first_loss)
        evals = 1
        state["func_evals"] += 1
        grad = self._flat_grad()
        if grad.abs().max() <= tolerance_grad:
            return first_loss
        d, t, diffs, steps, ro, h_diag, last_grad, last_loss = (state.get(key) for key in _STATE)

        for n in range(1, max_iter + 1):
            state["n_iter"] += 1
            if state["n_iter"] == 1:
                d, diffs, steps, ro, h_diag = grad.neg(), [], [], [], 1
            else:
                h_diag = _remember(diffs, steps, ro, h_diag, grad.sub(last_grad), d.mul(t), group["history_size"])
                state.setdefault("al", [None] * group["history_size"])
                d = _direction(grad, diffs, steps, ro, h_diag, state["al"])
            if last_grad is None:
                last_grad = grad.clone(memory_format=rustorch.contiguous_format)
            else:
                last_grad.copy_(grad)
            last_loss = loss

            t = min(1.0, 1.0 / grad.abs().sum()) * lr if state["n_iter"] == 1 else lr
            slope = grad.dot(d)
            if slope > -tolerance_change:
                break
            used = 0
            if search is not None:
                if search != "strong_wolfe":
                    raise RuntimeError("only 'strong_wolfe' is supported")
                start = [p.clone(memory_format=rustorch.contiguous_format) for p in self._params]
                loss, grad, t, used = _strong_wolfe(
                    lambda t, start=start, d=d: self._evaluate_at(closure, start, t, d),
                    t,
                    d,
                    loss,
                    grad,
                    slope,
                    max_ls=max_eval - evals,
                )
                self._move(t, d)
            else:
                self._move(t, d)
                if n != max_iter:
                    # After the last iteration nobody would look at a new loss.
                    loss = float(closure())
                    grad = self._flat_grad()
                    used = 1
            evals += used
            state["func_evals"] += used
            if (
                n == max_iter
                or evals >= max_eval
                or grad.abs().max() <= tolerance_grad
                or d.mul(t).abs().max() <= tolerance_change
                or abs(loss - last_loss) < tolerance_change
            ):
                break
        state.update(zip(_STATE, (d, t, diffs, steps, ro, h_diag, last_grad, last_loss)))
        return first_loss


def _remember(diffs, steps, ro, h_diag, y, s, size):
    """Keep the pair (y, s) if its curvature is positive; returns the scale of the first Hessian."""
    curvature = y.dot(s)
    if curvature <= 1e-10:
        return h_diag
    if len(diffs) == size:
        for history in (diffs, steps, ro):
            history.pop(0)
    diffs.append(y)
    steps.append(s)
    ro.append(1.0 / curvature)
    return curvature / y.dot(y)


def _direction(grad, diffs, steps, ro, h_diag, al):
    """Minus the approximate inverse Hessian times the gradient: the two-loop recursion."""
    q = grad.neg()
    for i in reversed(range(len(diffs))):
        al[i] = steps[i].dot(q) * ro[i]
        q.add_(diffs[i], alpha=-_number(al[i]))
    r = rustorch.mul(q, h_diag)
    for i in range(len(diffs)):
        r.add_(steps[i], alpha=_number(al[i] - diffs[i].dot(r) * ro[i]))
    return r


def _cubic_minimum(x1, f1, g1, x2, f2, g2, bounds=None):
    """Minimiser of the cubic through two values and slopes, kept within bounds."""
    low, high = bounds or ((x1, x2) if x1 <= x2 else (x2, x1))
    d1 = g1 + g2 - 3 * (f1 - f2) / (x1 - x2)
    square = d1**2 - g1 * g2
    if square < 0:
        return (low + high) / 2.0
    d2 = square.sqrt()
    if x1 <= x2:
        at = x2 - (x2 - x1) * ((g2 + d2 - d1) / (g2 - g1 + 2 * d2))
    else:
        at = x1 - (x1 - x2) * ((g1 + d2 - d1) / (g1 - g2 + 2 * d2))
    return min(max(at, low), high)


def _strong_wolfe(evaluate, t, d, f, g, slope, c1=1e-4, c2=0.9, tolerance_change=1e-9, max_ls=25):
    """A step length along `d` with enough decrease and a flat enough slope.

    A point is (t, loss, gradient, slope). First the interval is widened until it must hold such a point, then it
    is narrowed by cubic interpolation.

    Returns: loss, gradient, step length, number of evaluations.
    """

    def at(t):
        loss, grad = evaluate(t)
        return t, loss, grad, grad.dot(d)

    d_norm = d.abs().max()
    start = (0, f, g.clone(memory_format=rustorch.contiguous_format), slope)
    previous, point = start, at(t)
    evals, tries = 1, 0
    done = False
    while tries < max_ls:
        if point[1] > f + c1 * point[0] * slope or (tries > 1 and point[1] >= previous[1]):
            bracket = [previous, point]
            break
        if abs(point[3]) <= -c2 * slope:
            bracket = [point]
            done = True
            break
        if point[3] >= 0:
            bracket = [previous, point]
            break
        smallest = point[0] + 0.01 * (point[0] - previous[0])
        t = _cubic_minimum(
            previous[0], previous[1], previous[3], point[0], point[1], point[3], bounds=(smallest, point[0] * 10)
        )
        previous, point = point, at(t)
        evals += 1
        tries += 1
    else:
        bracket = [start, point]

    stuck = False
    low, high = (0, 1) if bracket[0][1] <= bracket[-1][1] else (1, 0)
    while not done and tries < max_ls:
        ends = [bracket[0][0], bracket[1][0]]
        if abs(ends[1] - ends[0]) * d_norm < tolerance_change:
            break
        (t1, f1, _, g1), (t2, f2, _, g2) = bracket
        t = _cubic_minimum(t1, f1, g1, t2, f2, g2)
        # A point near an end of the interval tells little: the second in a row is moved inwards.
        margin = 0.1 * (max(ends) - min(ends))
        if min(max(ends) - t, t - min(ends)) < margin:
            if stuck or t >= max(ends) or t <= min(ends):
                t = max(ends) - margin if abs(t - max(ends)) < abs(t - min(ends)) else min(ends) + margin
                stuck = False
            else:
                stuck = True
        else:
            stuck = False
        point = at(t)
        evals += 1
        tries += 1
        if point[1] > f + c1 * point[0] * slope or point[1] >= bracket[low][1]:
            bracket[high] = point
            low, high = (0, 1) if bracket[0][1] <= bracket[1][1] else (1, 0)
            continue
        if abs(point[3]) <= -c2 * slope:
            done = True
        elif point[3] * (bracket[high][0] - bracket[low][0]) >= 0:
            bracket[high] = bracket[low]
        bracket[low] = point
    t, f, g, _ = bracket[low if len(bracket) > 1 else 0]
    return f, g, t, evals
