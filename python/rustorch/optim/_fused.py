"""The contract of the fused steps of the core: one call updates all parameters of a group.

Each function takes parallel lists or tuples of tensors, then scalars by keyword (a number may be an int), and returns
whether it took the work. It returns False, with nothing changed, unless every tensor is dense, strided, on the CPU, and
of one dtype, float32 or float64, and parameter, gradient and state agree in shape and strides. `steps` are 0-d float32
or float64 tensors, which the call increments first. A sequence that an option does not need is empty. Gradients are
only read; the call bumps the version of what it writes.

The arithmetic is that of the functional form in the file of the algorithm, operation by operation in the dtype of
the parameter; what it derives from scalars alone (bias corrections, step sizes) is computed in double.

    _fused_sgd_(params, grads, momentum_buffers, *, lr, momentum, dampening, weight_decay, nesterov, maximize)
    _fused_adam_(params, grads, exp_avgs, exp_avg_sqs, max_exp_avg_sqs, steps, *, lr, beta1, beta2, weight_decay, eps,
                 amsgrad, maximize, decoupled)
    _fused_rmsprop_(params, grads, square_avgs, grad_avgs, momentum_buffers, steps, *, lr, alpha, eps, weight_decay,
                    momentum, centered, maximize)
    _fused_adagrad_(params, grads, state_sums, steps, *, lr, lr_decay, weight_decay, eps, maximize)
"""

from rustorch._C import _fused_adagrad_, _fused_adam_, _fused_rmsprop_
from rustorch._C import _fused_sgd_ as sgd_

__all__ = ["adagrad_", "adam_", "rmsprop_", "sgd_"]


def _with_steps(step, at):
    """`step`, which explains steps that are no tensors; they are its argument `at`."""

    def explained(*args, **kwargs):
        try:
            return step(*args, **kwargs)
        except TypeError:
            from rustorch.optim.optimizer import _check_steps

            _check_steps(args[at])
            raise

    return explained


adam_ = _with_steps(_fused_adam_, 5)
rmsprop_ = _with_steps(_fused_rmsprop_, 5)
adagrad_ = _with_steps(_fused_adagrad_, 3)
