"""Functions of functions: derivatives (`grad`, `vjp`, `jvp`, Jacobians) and batches (`vmap`), nested as you like.

Example:
    >>> from rustorch.func import grad, vmap
    >>> vmap(grad(lambda x: (x**2).sum()))(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([[2., 4.],
            [6., 8.]])
"""

from rustorch.func._jacobians import hessian as hessian, jacfwd as jacfwd, jacrev as jacrev
from rustorch.func._modules import (
    debug_unwrap as debug_unwrap,
    functional_call as functional_call,
    functionalize as functionalize,
    replace_all_batch_norm_modules_ as replace_all_batch_norm_modules_,
    stack_module_state as stack_module_state,
)
from rustorch.func._rearrange import rearrange as rearrange
from rustorch.func._transforms import (
    grad as grad,
    grad_and_value as grad_and_value,
    jvp as jvp,
    linearize as linearize,
    vjp as vjp,
)
from rustorch.func._vmap import vmap as vmap

__all__ = [
    "debug_unwrap",
    "functional_call",
    "functionalize",
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "linearize",
    "rearrange",
    "replace_all_batch_norm_modules_",
    "stack_module_state",
    "vjp",
    "vmap",
]

for _name in __all__:
    globals()[_name].__module__ = __name__
del _name
