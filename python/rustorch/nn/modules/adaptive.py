"""A softmax for very many classes."""

from collections import namedtuple

import rustorch
from rustorch.nn import functional as F
from rustorch.nn.modules.container import ModuleList, Sequential
from rustorch.nn.modules.linear import Linear
from rustorch.nn.modules.module import Module

__all__ = ["AdaptiveLogSoftmaxWithLoss"]

_ASMoutput = namedtuple("_ASMoutput", ["output", "loss"])


class AdaptiveLogSoftmaxWithLoss(Module):
    """Log-probabilities of classes sorted from frequent to rare: the rare ones are split into clusters of small layers.

    Args:
        in_features (int), n_classes (int)
        cutoffs (sequence of int): where the clusters start; classes below the first have outputs of their own.
        div_value (float, 4): each cluster's layer is narrower by this factor than the one before.
        head_bias (bool, False): whether the layer of the frequent classes and the clusters has a bias.
        device (device, None), dtype (dtype, None): of the parameters.
    Shape:  input (N, in_features) or (in_features), target (N) or ().
    Returns:  a named tuple of output, the log-probabilities of the targets (N) or (), and loss, their negative mean.
    Example:
        >>> head = nn.AdaptiveLogSoftmaxWithLoss(16, 100, cutoffs=[10, 50])
        >>> output, loss = head(torch.randn(4, 16), torch.tensor([1, 20, 60, 99]))
        >>> output.shape, loss.shape, head.log_prob(torch.randn(4, 16)).shape
        (torch.Size([4]), torch.Size([]), torch.Size([4, 100]))

    Source: Grave et al. 2017, arXiv:1609.04309.
    """

    def __init__(self, in_features, n_classes, cutoffs, div_value=4.0, head_bias=False, device=None, dtype=None):
        super().__init__()
        cutoffs = list(cutoffs)
        if not cutoffs:
            raise ValueError("cutoffs should be a sequence of length larger than 0")
        if (
            cutoffs != sorted(set(cutoffs))
            or cutoffs[0] <= 0
            or cutoffs[-1] > n_classes - 1
            or any(int(c) != c for c in cutoffs)
        ):
            raise ValueError(
                "cutoffs should be a sequence of unique, positive integers sorted in an increasing order, where each "
                "value is between 1 and n_classes-1"
            )
        self.in_features = in_features
        self.n_classes = n_classes
        self.cutoffs = [*cutoffs, n_classes]
        self.div_value = div_value
        self.head_bias = head_bias
        self.shortlist_size = cutoffs[0]
        self.n_clusters = len(cutoffs)
        self.head_size = self.shortlist_size + self.n_clusters
        factory = {"device": device, "dtype": dtype}
        self.head = Linear(in_features, self.head_size, bias=head_bias, **factory)
        self.tail = ModuleList()
        for i in range(self.n_clusters):
            width = int(in_features // (div_value ** (i + 1)))
            classes = self.cutoffs[i + 1] - self.cutoffs[i]
            first = Linear(in_features, width, bias=False, **factory)
            self.tail.append(Sequential(first, Linear(width, classes, bias=False, **factory)))

    def reset_parameters(self):
        """Draw new values for all parameters."""
        self.head.reset_parameters()
        for first, second in self.tail:
            first.reset_parameters()
            second.reset_parameters()

    def forward(self, input_, target_):
        ndim = target_.dim()
        if ndim == 1:
            if input_.size(0) != target_.size(0):
                raise RuntimeError("Input and target should have the same size in the batch dimension.")
            if input_.dim() != 2:
                raise RuntimeError(
                    f"1D target tensor expects 2D input tensors, but found inputs with size {input_.size()}"
                )
        elif ndim == 0:
            if input_.dim() != 1:
                raise RuntimeError(
                    f"0D target tensor expects 1D input tensors, but found inputs with size {input_.size()}"
                )
        else:
            raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
        input = input_ if ndim else input_.unsqueeze(0)
        target = target_ if ndim else target_.unsqueeze(0)

        batch = target.size(0)
        output = input.new_zeros(batch)
        head_index = target.new_empty(batch)
        used = 0
        for i, (low, high) in enumerate(zip([0, *self.cutoffs], self.cutoffs)):
            mask = (target >= low) & (target < high)
            rows = mask.nonzero().squeeze()
            if rows.numel() == 0:
                continue
            used += rows.numel()
            if i == 0:
                head_index.index_copy_(0, rows, target[mask])
                continue
            within = target[mask] - low
            head_index.index_fill_(0, rows, self.shortlist_size + i - 1)
            log_prob = F.log_softmax(self.tail[i - 1](input.index_select(0, rows)), dim=1)
            output.index_copy_(0, rows, log_prob.gather(1, within.unsqueeze(1)).squeeze(1))
        if used != batch:
            raise RuntimeError(
                f"Target values should be in [0, {self.n_classes - 1}], but values in range "
                f"[{target.min().item()}, {target.max().item()}] were found. "
            )
        head = F.log_softmax(self.head(input), dim=1)
        output += head.gather(1, head_index.unsqueeze(1)).squeeze()
        loss = (-output).mean()
        return _ASMoutput(output if ndim else output.squeeze(0), loss)

    def _get_full_log_prob(self, input, head_output):
        head = F.log_softmax(head_output, dim=1)
        parts = [head[:, : self.shortlist_size]]
        for i, cluster in enumerate(self.tail):
            parts.append(F.log_softmax(cluster(input), dim=1) + head[:, self.shortlist_size + i].unsqueeze(1))
        return rustorch.cat(parts, dim=1)

    def log_prob(self, input):
        """Log-probabilities (N, n_classes) of all classes."""
        return self._get_full_log_prob(input, self.head(input))

    def predict(self, input):
        """The most probable class (N) of each row; clusters are only computed where one of them wins."""
        head_output = self.head(input)
        output = head_output.argmax(dim=1)
        rare = output >= self.shortlist_size
        if not rare.any():
            return output
        if rare.all():
            return self._get_full_log_prob(input, head_output).argmax(dim=1)
        output[rare] = self._get_full_log_prob(input[rare], head_output[rare]).argmax(dim=1)
        return output
