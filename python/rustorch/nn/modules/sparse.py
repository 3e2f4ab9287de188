"""Embedding tables."""

import rustorch
from rustorch.nn import functional as F
from rustorch.nn import init
from rustorch.nn.modules.module import Module
from rustorch.nn.parameter import Parameter

__all__ = ["Embedding", "EmbeddingBag"]


class _Table(Module):
    """What both embeddings share: the weight and the row for padding."""

    def _take_padding_idx(self, padding_idx, name):
        """Check the index and count it from the front."""
        rows = self.num_embeddings
        if padding_idx is not None:
            if padding_idx >= max(rows, 1) or padding_idx < -rows:
                raise AssertionError(f"{name} must be within num_embeddings")
            if padding_idx < 0:
                padding_idx += rows
        self.padding_idx = padding_idx

    def _take_weight(self, weight, requires_grad, device, dtype):
        shape = (self.num_embeddings, self.embedding_dim)
        if weight is None:
            weight = rustorch.empty(shape, device=device, dtype=dtype)
            self.weight = Parameter(weight, requires_grad=requires_grad)
            self.reset_parameters()
            return
        if tuple(weight.shape) != shape:
            raise AssertionError("Shape of weight does not match num_embeddings and embedding_dim")
        self.weight = Parameter(weight, requires_grad=requires_grad)

    def reset_parameters(self):
        """Draw new rows from the standard normal distribution; the row for padding is zero."""
        init.normal_(self.weight)
        self._fill_padding_idx_with_zero()

    def _fill_padding_idx_with_zero(self):
        if self.padding_idx is not None:
            with rustorch.no_grad():
                self.weight[self.padding_idx].fill_(0)

    @staticmethod
    def _check_pretrained(embeddings):
        if embeddings.dim() != 2:
            raise AssertionError("Embeddings parameter is expected to be 2-dimensional")
        return embeddings.shape


class Embedding(_Table):
    """A table of vectors, looked up by integers.

    Args:
        num_embeddings (int), embedding_dim (int): number and size of the vectors.
        padding_idx (int, None): this vector starts as zeros and gets no gradient.
        max_norm (float, None): vectors with a larger norm are scaled down to it when they are looked up, in place.
        norm_type (float, 2): the p of that norm.
        scale_grad_by_freq (bool, False): divide gradients by how often a vector occurs in the batch.
        sparse (bool, False): give the weight a sparse gradient.
        device (device, None), dtype (dtype, None): of the parameter.
    Shape:  input (*) of integers, output (*, embedding_dim).
    Attributes:  weight (num_embeddings, embedding_dim): standard normal.
    Example:
        >>> nn.Embedding(10, 3)(torch.tensor([[1, 2, 4]])).shape
        torch.Size([1, 3, 3])
    """

    __constants__ = [
        "embedding_dim",
        "max_norm",
        "norm_type",
        "num_embeddings",
        "padding_idx",
        "scale_grad_by_freq",
        "sparse",
    ]

    def __init__(
        self,
        num_embeddings,
        embedding_dim,
        padding_idx=None,
        max_norm=None,
        norm_type=2.0,
        scale_grad_by_freq=False,
        sparse=False,
        _weight=None,
        _freeze=False,
        device=None,
        dtype=None,
    ):
        super().__init__()
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self._take_padding_idx(padding_idx, "Padding_idx")
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self._take_weight(_weight, not _freeze, device, dtype)
        self.sparse = sparse

    def forward(self, input):
        weight = self._parameters.get("weight")
        return F.embedding(
            input,
            self.weight if weight is None else weight,
            self.padding_idx,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.sparse,
        )

    def extra_repr(self):
        text = f"{self.num_embeddings}, {self.embedding_dim}"
        if self.padding_idx is not None:
            text += f", padding_idx={self.padding_idx}"
        if self.max_norm is not None:
            text += f", max_norm={self.max_norm}"
        if self.norm_type != 2:
            text += f", norm_type={self.norm_type}"
        if self.scale_grad_by_freq is not False:
            text += f", scale_grad_by_freq={self.scale_grad_by_freq}"
        if self.sparse is not False:
            text += ", sparse=True"
        return text

    @classmethod
    def from_pretrained(
        cls,
        embeddings,
        freeze=True,
        padding_idx=None,
        max_norm=None,
        norm_type=2.0,
        scale_grad_by_freq=False,
        sparse=False,
    ):
        """An Embedding with the rows of a matrix (num_embeddings, embedding_dim), not trained if `freeze`."""
        rows, cols = cls._check_pretrained(embeddings)
        return cls(
            num_embeddings=rows,
            embedding_dim=cols,
            _weight=embeddings,
            _freeze=freeze,
            padding_idx=padding_idx,
            max_norm=max_norm,
            norm_type=norm_type,
            scale_grad_by_freq=scale_grad_by_freq,
            sparse=sparse,
        )


class EmbeddingBag(_Table):
    """Sums, means or maxima of bags of vectors of a table, without the vectors themselves being stored.

    Args:
        num_embeddings, embedding_dim, max_norm, norm_type, scale_grad_by_freq, sparse: as for Embedding.
        mode (str, 'mean'): 'sum', 'mean' or 'max'.
        include_last_offset (bool, False): the last offset is the end of the last bag.
        padding_idx (int, None): this vector starts as zeros and is left out.
        device (device, None), dtype (dtype, None): of the parameter.
    Shape:  input (B, N), or (N) with offsets (B); output (B, embedding_dim).
    Attributes:  weight (num_embeddings, embedding_dim): standard normal.
    Example:
        >>> bag = nn.EmbeddingBag.from_pretrained(torch.arange(8.0).view(4, 2), mode="sum")
        >>> bag(torch.tensor([0, 1, 3]), torch.tensor([0, 2]))
        tensor([[2., 4.],
                [6., 7.]])
    """

    __constants__ = [
        "embedding_dim",
        "include_last_offset",
        "max_norm",
        "mode",
        "norm_type",
        "num_embeddings",
        "padding_idx",
        "scale_grad_by_freq",
        "sparse",
    ]

    def __init__(
        self,
        num_embeddings,
        embedding_dim,
        max_norm=None,
        norm_type=2.0,
        scale_grad_by_freq=False,
        mode="mean",
        sparse=False,
        _weight=None,
        include_last_offset=False,
        padding_idx=None,
        device=None,
        dtype=None,
    ):
        super().__init__()
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self._take_padding_idx(padding_idx, "padding_idx")
        self._take_weight(_weight, True, device, dtype)
        self.mode = mode
        self.sparse = sparse
        self.include_last_offset = include_last_offset

    def forward(self, input, offsets=None, per_sample_weights=None):
        """Args:
        offsets (Tensor, None): where each bag starts, for 1-d input.
        per_sample_weights (Tensor, None): factors like input, for mode 'sum'.
        """
        return F.embedding_bag(
            input,
            self.weight,
            offsets,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.mode,
            self.sparse,
            per_sample_weights,
            self.include_last_offset,
            self.padding_idx,
        )

    def extra_repr(self):
        text = f"{self.num_embeddings!r}, {self.embedding_dim!r}"
        if self.max_norm is not None:
            text += f", max_norm={self.max_norm!r}"
        if self.norm_type != 2:
            text += f", norm_type={self.norm_type!r}"
        if self.scale_grad_by_freq is not False:
            text += f", scale_grad_by_freq={self.scale_grad_by_freq!r}"
        text += f", mode={self.mode!r}"
        if self.padding_idx is not None:
            text += f", padding_idx={self.padding_idx!r}"
        return text

    @classmethod
    def from_pretrained(
        cls,
        embeddings,
        freeze=True,
        max_norm=None,
        norm_type=2.0,
        scale_grad_by_freq=False,
        mode="mean",
        sparse=False,
        include_last_offset=False,
        padding_idx=None,
    ):
        """An EmbeddingBag with the rows of a matrix (num_embeddings, embedding_dim), not trained if `freeze`."""
        rows, cols = cls._check_pretrained(embeddings)
        bag = cls(
            num_embeddings=rows,
            embedding_dim=cols,
            _weight=embeddings,
            max_norm=max_norm,
            norm_type=norm_type,
            scale_grad_by_freq=scale_grad_by_freq,
            mode=mode,
            sparse=sparse,
            include_last_offset=include_last_offset,
            padding_idx=padding_idx,
        )
        bag.weight.requires_grad = not freeze
        return bag
