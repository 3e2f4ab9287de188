"""Ready-made parametrizations: orthogonal matrices, weight normalisation and spectral normalisation."""

from enum import Enum

import rustorch
from rustorch import Tensor
from rustorch.nn import functional as F
from rustorch.nn.modules.conv import _ConvTransposeNd
from rustorch.nn.modules.module import Module
from rustorch.nn.utils import parametrize

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]


def _is_orthogonal(q):
    n, k = q.shape[-2:]
    eye = rustorch.eye(k, dtype=q.dtype, device=q.device)
    # The rounding of a sum of n products, with room to spare.
    return rustorch.allclose(q.mH @ q, eye, atol=10.0 * n * rustorch.finfo(q.dtype).eps)


def _make_orthogonal(a):
    """The Q of a = QR with a positive diagonal of R."""
    x, tau = rustorch.geqrf(a)
    q = rustorch.linalg.householder_product(x, tau)
    q *= x.diagonal(dim1=-2, dim2=-1).sgn().unsqueeze(-2)
    return q


class _OrthMaps(Enum):
    matrix_exp = 1
    cayley = 2
    householder = 3


class _Orthogonal(Module):
    """Maps any matrix to one with orthonormal columns, or rows if it is wide."""

    def __init__(self, weight, orthogonal_map, *, use_trivialization=True):
        super().__init__()
        if weight.is_complex() and orthogonal_map == _OrthMaps.householder:
            raise ValueError("The householder parametrization does not support complex tensors.")
        self.shape = weight.shape
        self.orthogonal_map = orthogonal_map
        if use_trivialization:
            self.register_buffer("base", None)

    def _map(self, x):
        """For a matrix that is not wide."""
        n, k = x.shape[-2:]
        if self.orthogonal_map == _OrthMaps.householder:
            a = x.tril(diagonal=-1)
            tau = 2.0 / (1.0 + (a * a).sum(dim=-2))
            q = rustorch.linalg.householder_product(a, tau)
            # The diagonal of x holds the signs.
            return q * x.diagonal(dim1=-2, dim2=-1).int().unsqueeze(-2)
        x = x.tril()
        if n != k:
            x = rustorch.cat([x, x.new_zeros(n, n - k).expand(*x.shape[:-2], -1, -1)], dim=-1)
        skew = x - x.mH  # (n, n)
        if self.orthogonal_map == _OrthMaps.matrix_exp:
            q = rustorch.matrix_exp(skew)
        else:
            eye = rustorch.eye(n, dtype=skew.dtype, device=skew.device)
            q = rustorch.linalg.solve(rustorch.add(eye, skew, alpha=-0.5), rustorch.add(eye, skew, alpha=0.5))
        return q[..., :k] if n != k else q

    def forward(self, X):
        wide = X.size(-2) < X.size(-1)
        q = self._map(X.mT if wide else X)
        if hasattr(self, "base"):
            q = self.base @ q
        return q.mT if wide else q

    def right_inverse(self, Q):
        with rustorch.no_grad():
            return self._right_inverse(Q)

    def _right_inverse(self, q):
        if q.shape != self.shape:
            raise ValueError(
                f"Expected a matrix or batch of matrices of shape {self.shape}. Got a tensor of shape {q.shape}."
            )
        wide = q.size(-2) < q.size(-1)
        tall = q.mT if wide else q
        n, k = tall.shape[-2:]
        if not hasattr(self, "base"):
            if self.orthogonal_map != _OrthMaps.householder:
                raise NotImplementedError(
                    "It is not possible to assign to the matrix exponential or the Cayley parametrizations when "
                    "use_trivialization=False."
                )
            a, tau = rustorch.geqrf(tall)
            diagonal = a.diagonal(dim1=-2, dim2=-1)
            diagonal.sign_()
            # tau = 0 is a reflection that does nothing; the sign of R's diagonal is left over.
            diagonal[tau == 0.0] *= -1
            return a.mT if wide else a
        if n != k:
            extra = rustorch.randn(*tall.shape[:-2], n, n - k, dtype=q.dtype, device=q.device)
            base = _make_orthogonal(rustorch.cat([tall, extra], dim=-1))
        else:
            base = tall.clone() if _is_orthogonal(tall) else _make_orthogonal(tall)
        self.base = base
        # Mapped to the identity (up to the sign of householder's), so that the result is the base.
        start = rustorch.zeros_like(q)
        start.diagonal(dim1=-2, dim2=-1).fill_(-1.0)
        return start


def _check_weight(module, name):
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    return weight


def orthogonal(module, name="weight", orthogonal_map=None, *, use_trivialization=True):
    """Keep a matrix, or batch of matrices, of `module` orthogonal.

    Args:
        name (str, 'weight'): the parameter.
        orthogonal_map (str, None): 'matrix_exp', 'cayley' or 'householder'; by default the first for square and complex
            matrices, else the last.
        use_trivialization (bool, True): move the map to the current value whenever the weight is assigned.
    Returns:  the module.
    Example:
        >>> layer = torch.nn.utils.parametrizations.orthogonal(nn.Linear(3, 3))
        >>> torch.allclose(layer.weight @ layer.weight.T, torch.eye(3), atol=1e-5)
        True

    Source: Lezcano-Casado 2019, arXiv:1909.09501.
    """
    weight = _check_weight(module, name)
    if weight.ndim < 2:
        raise ValueError(f"Expected a matrix or batch of matrices. Got a tensor of {weight.ndim} dimensions.")
    if orthogonal_map is None:
        square = weight.size(-2) == weight.size(-1)
        orthogonal_map = "matrix_exp" if square or weight.is_complex() else "householder"
    chosen = getattr(_OrthMaps, orthogonal_map, None)
    if chosen is None:
        raise ValueError(
            f'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". Got: {orthogonal_map}'
        )
    orth = _Orthogonal(weight, chosen, use_trivialization=use_trivialization)
    parametrize.register_parametrization(module, name, orth, unsafe=True)
    return module


class _WeightNorm(Module):
    """`g * v / |v|` with the norm over all dimensions but `dim`."""

    def __init__(self, dim=0):
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g, weight_v):
        return weight_v * (weight_g / rustorch.norm_except_dim(weight_v, 2, self.dim))

    def right_inverse(self, weight):
        return rustorch.norm_except_dim(weight, 2, self.dim), weight


def weight_norm(module, name="weight", dim=0):
    """Split a weight into its length, `parametrizations.weight.original0`, and its direction, `original1`.

    Args:
        name (str, 'weight'): the parameter.
        dim (int or None, 0): one length for each index of this dimension; None is one length for all.
    Returns:  the module.
    Example:
        >>> layer = torch.nn.utils.parametrizations.weight_norm(nn.Linear(3, 2))
        >>> sorted(name for name, _ in layer.named_parameters())
        ['bias', 'parametrizations.weight.original0', 'parametrizations.weight.original1']

    Source: Salimans and Kingma 2016, arXiv:1602.07868.
    """
    parametrize.register_parametrization(module, name, _WeightNorm(dim), unsafe=True)

    def rename_old_keys(state_dict, prefix, *_):
        """Take a state_dict of `nn.utils.weight_norm`."""
        old = (f"{prefix}{name}_g", f"{prefix}{name}_v")
        if all(key in state_dict for key in old):
            for i, key in enumerate(old):
                state_dict[f"{prefix}parametrizations.{name}.original{i}"] = state_dict.pop(key)

    module._register_load_state_dict_pre_hook(rename_old_keys)
    return module


class _SpectralNorm(Module):
    """A weight divided by its largest singular value, which a step of power iteration follows in training."""

    def __init__(self, weight, n_power_iterations=1, dim=0, eps=1e-12):
        super().__init__()
        ndim = weight.ndim
        if dim >= ndim or dim < -ndim:
            raise IndexError(f"Dimension out of range (expected to be in range of [-{ndim}, {ndim - 1}] but got {dim})")
        if n_power_iterations <= 0:
            raise ValueError(
                f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}"
            )
        self.dim = dim if dim >= 0 else dim + ndim
        self.eps = eps
        if ndim > 1:
            self.n_power_iterations = n_power_iterations
            matrix = self._reshape_weight_to_matrix(weight)
            h, w = matrix.size()
            u = matrix.new_empty(h).normal_(0, 1)
            v = matrix.new_empty(w).normal_(0, 1)
            self.register_buffer("_u", F.normalize(u, dim=0, eps=eps))
            self.register_buffer("_v", F.normalize(v, dim=0, eps=eps))
            # A good start, since the weight changes little between two steps.
            self._power_method(matrix, 15)

    def _reshape_weight_to_matrix(self, weight):
        if self.dim != 0:
            weight = weight.permute(self.dim, *(d for d in range(weight.dim()) if d != self.dim))
        return weight.flatten(1)

    def _power_method(self, matrix, n_power_iterations):
        # In place: DataParallel and functional_call share these buffers.
        with rustorch.no_grad():
            for _ in range(n_power_iterations):
                F.normalize(rustorch.mv(matrix, self._v), dim=0, eps=self.eps, out=self._u)
                F.normalize(rustorch.mv(matrix.H, self._u), dim=0, eps=self.eps, out=self._v)

    def forward(self, weight):
        if weight.ndim == 1:
            return F.normalize(weight, dim=0, eps=self.eps)
        matrix = self._reshape_weight_to_matrix(weight)
        if self.training:
            self._power_method(matrix, self.n_power_iterations)
        # Copies: the next forward pass changes the buffers before this one's backward pass.
        u = self._u.clone(memory_format=rustorch.contiguous_format)
        v = self._v.clone(memory_format=rustorch.contiguous_format)
        return weight / rustorch.vdot(u, rustorch.mv(matrix, v))

    def right_inverse(self, value):
        return value


def _spectral_dim(module, dim):
    """The output dimension of the weight, unless one is given."""
    if dim is not None:
        return dim
    return 1 if isinstance(module, _ConvTransposeNd) else 0


def spectral_norm(module, name="weight", n_power_iterations=1, eps=1e-12, dim=None):
    """Divide a weight by its largest singular value.

    Args:
        name (str, 'weight'): the parameter.
        n_power_iterations (int, 1): steps of the estimate in every forward pass in training.
        eps (float, 1e-12): lower limit of norms.
        dim (int, None): the output dimension; by default 0, and 1 for transposed convolutions.
    Returns:  the module.
    Example:
        >>> layer = torch.nn.utils.parametrizations.spectral_norm(nn.Linear(3, 3), n_power_iterations=50)
        >>> round(torch.linalg.matrix_norm(layer.weight, 2).item(), 3)
        1.0

    Source: Miyato et al. 2018, arXiv:1802.05957.
    """
    weight = _check_weight(module, name)
    norm = _SpectralNorm(weight, n_power_iterations, _spectral_dim(module, dim), eps)
    parametrize.register_parametrization(module, name, norm)
    return module
