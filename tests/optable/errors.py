"""Calls that fail: the error's class and our whole text, of which torch has the class and the first line."""

from optable.case import attr, bad, fix, given, index, mask, t

# fmt: off
ERRORS = {
    "add": [
        bad(RuntimeError, 'The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension 1\n'
            '  broadcast: expected sizes that are equal or 1 in every dim, counted from the last, but got shapes [2, 3] and [2, 4]. Reshape one of them, or add a dim of size 1 with unsqueeze.', t(2, 3), t(2, 4)),
        bad(RuntimeError, 'For non-complex input tensors, argument alpha must not be a complex number.\n'
            '  add: expected a real alpha, but got (0+2j). Convert a tensor to complex first.', t(2), t(2), alpha=2j),
        bad(TypeError, "add(): argument 'other' (position 2) must be Tensor, not str\n"
            '  expected add(Tensor input, Tensor other, *, Number alpha = 1, Tensor out = None)', t(2), "x"),
    ],
    "sub": [
        bad(RuntimeError, 'Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logical_xor()` operator instead.\n'
            '  sub: expected numbers, but got bool. Use logical_not, logical_xor or an integer dtype.', mask(2), mask(2)),
        bad(RuntimeError, 'Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a mask, use the `~` or `logical_not()` operator instead.\n'
            '  sub: expected numbers, but got float32 and bool. Use ~ or logical_not().', t(2), True),
    ],
    "neg": [
        bad(RuntimeError, 'Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, use the `~` or `logical_not()` operator instead.\n'
            '  neg: expected numbers, but got bool. Use logical_not, logical_xor or an integer dtype.', mask(2)),
    ],
    "positive": [
        bad(RuntimeError, 'The `+` operator, on a bool tensor is not supported.\n'
            '  positive: expected numbers, but got bool. Convert with .int().', mask(2)),
    ],
    "div": [
        bad(RuntimeError, "div expected rounding_mode to be one of None, 'trunc', or 'floor' but found 'up'\n"
            "  div: expected rounding_mode None, 'trunc' or 'floor', but got 'up'. Use one of those.", t(2), t(2), rounding_mode="up"),
    ],
    "floor_divide": [
        bad(RuntimeError, 'ZeroDivisionError\n'
            '  integer division: expected divisors other than 0, but got 0. Mask the zeros first, or divide as floats.', index(2, below=3), 0),
    ],
    "remainder": [
        bad(RuntimeError, 'ZeroDivisionError\n'
            '  integer division: expected divisors other than 0, but got 0. Mask the zeros first, or divide as floats.', index(2, below=3), 0),
    ],
    "pow": [
        bad(RuntimeError, 'Integers to negative integer powers are not allowed.\n'
            '  pow: expected an exponent of at least 0 for integers, but got -1. Convert to float first.', index(2, below=3), -1),
    ],
    "bitwise_and": [
        bad(NotImplementedError, '"bitwise_and_cpu" not implemented for \'Float\'\n'
            '  bitwise_and: expected a dtype that it is defined for, but got float32. Convert with .to() first.', t(2), t(2)),
    ],
    "bitwise_not": [
        bad(NotImplementedError, '"bitwise_not_cpu" not implemented for \'Float\'\n'
            '  bitwise_not: expected a dtype that it is defined for, but got float32. Convert with .to() first.', t(2)),
    ],
    "maximum": [
        bad(RuntimeError, 'maximum not implemented for complex tensors.\n'
            '  maximum: expected real numbers, but got complex64. Take the real part or the absolute value.', t(2), fix(2, dtype="complex64")),
    ],
    "heaviside": [
        bad(RuntimeError, 'heaviside is not yet implemented for tensors with different dtypes.\n'
            '  heaviside: expected one dtype, but got float32 and float64. Convert one.', t(2), fix(2, dtype="float64")),
    ],
    "lerp": [
        bad(RuntimeError, 'expected dtype float for `end` but got dtype double\n'
            '  lerp: expected float32, but got float64. Convert one.', t(2), fix(2, dtype="float64"), 0.5),
    ],
    "addcdiv": [
        bad(RuntimeError, 'Integer division with addcdiv is no longer supported, and in a future  release addcdiv will perform a true division of tensor1 and tensor2. The historic addcdiv behavior can be implemented as (input + value * torch.trunc(tensor1 / tensor2)).to(input.dtype) for integer inputs and as (input + value * tensor1 / tensor2) for float inputs. The future addcdiv behavior is just the latter implementation: (input + value * tensor1 / tensor2), for all dtypes.\n'
            '  addcdiv: expected floats, but got integers. Convert to float first.', index(2, below=3), index(2, below=3), index(2, below=3)),
    ],
    "clamp": [
        bad(RuntimeError, "torch.clamp: At least one of 'min' or 'max' must not be None\n"
            '  clamp: expected min or max, but got neither. Give one of them.', t(2)),
    ],
    "where": [
        bad(RuntimeError, 'where expected condition to be a boolean tensor, but got a tensor with dtype Float\n'
            '  where: expected a bool condition, but got float32. Use .bool() or a comparison.', t(2), t(2), t(2)),
    ],
    "masked_fill": [
        bad(RuntimeError, 'masked_fill_ only supports boolean masks, but got mask with dtype float\n'
            '  masked_fill: expected a bool mask, but got float32. Use .bool() or a comparison.', t(2), t(2), 1),
        bad(RuntimeError, 'masked_fill_ only supports a 0-dimensional value tensor, but got tensor with 1 dimension(s).\n'
            '  masked_fill: expected a number or a 0-d tensor, but got shape [2]. Use where() or masked_scatter().', t(2), mask(2), t(2)),
        bad(RuntimeError, 'value cannot be converted to type float without overflow\n'
            '  masked_fill: expected a value of dtype float32, but got complex128. Convert x first.', t(2), mask(2), 2j),
    ],
    "polygamma": [
        bad(RuntimeError, 'polygamma(n, x) does not support negative n.\n'
            '  polygamma: expected n of at least 0, but got -1. Use n >= 0.', -1, t(2)),
    ],
    "mvlgamma": [
        bad(RuntimeError, 'p has to be greater than or equal to 1\n'
            '  mvlgamma: expected p of at least 1, but got 0. Use p >= 1.', t(2), 0),
    ],
    "complex": [
        bad(RuntimeError, 'Expected object of scalar type Float but got scalar type Double for second argument\n'
            '  complex: expected one dtype, but got float32 and float64. Convert one.', t(2), fix(2, dtype="float64")),
        bad(RuntimeError, 'Expected both inputs to be Half, Float or Double tensors but got Long and Long\n'
            '  complex: expected floats, but got int64 and int64. Convert with .float().', index(2, below=3), index(2, below=3)),
    ],
    "relu": [
        bad(RuntimeError, 'Boolean inputs not supported for relu\n'
            '  relu: expected numbers, but got bool. Use logical_not, logical_xor or an integer dtype.', mask(2)),
    ],
    "hardtanh": [
        bad(RuntimeError, 'Bool inputs not supported for hardtanh\n'
            '  hardtanh: expected numbers, but got bool. Convert with .float().', mask(2)),
    ],
    "glu": [
        bad(RuntimeError, 'Halving dimension must be even, but dimension 0 is size 3\n'
            '  glu: expected an even size, but got 3. Choose another dim.', t(3)),
        bad(RuntimeError, 'glu does not support 0-dimensional tensors\n'
            '  glu: expected at least 1 dim, but got a 0-d tensor. Add a dim.', t()),
    ],
    "prelu": [
        bad(RuntimeError, 'Mismatch of parameter numbers and input channel size. Found parameter numbers = 2 and channel size = 3.\n'
            '  prelu: expected 1 or 3 weights, but got 2. Give one weight per channel.', t(2, 3), t(2)),
    ],
    "softplus": [
        bad(NotImplementedError, '"softplus_cpu" not implemented for \'Long\'\n'
            '  softplus: expected a dtype that it is defined for, but got int64. Convert with .to() first.', index(2, below=3)),
    ],
    "gelu": [
        bad(RuntimeError, 'approximate argument must be either none or tanh.\n'
            "  gelu: expected 'none' or 'tanh', but got 'exact'. Use one of those.", t(2), approximate="exact"),
    ],
    "sum": [
        bad(IndexError, 'Dimension out of range (expected to be in range of [-2, 1], but got 2)\n'
            '  dim: expected -2 to 1 for a tensor of 2 dims, but got 2. Negative dims count from the last.', t(2, 3), 2),
        bad(RuntimeError, 'dim 0 appears multiple times in the list of dims\n'
            '  dims: expected each dim once, but got [0, 0]. Remove the repetition.', t(2, 3), (0, 0)),
        bad(IndexError, 'Dimension out of range (expected to be in range of [-2, 1], but got -3)\n'
            '  dim: expected -2 to 1 for a tensor of 2 dims, but got -3. Negative dims count from the last.', t(2, 3), -3),
    ],
    "mean": [
        bad(RuntimeError, 'mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. Got: Long\n'
            '  mean: expected a floating or complex dtype, but got int64. Pass dtype=torch.float32 or convert with .float().', index(2, below=3)),
        bad(RuntimeError, 'mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. Got: Bool\n'
            '  mean: expected a floating or complex dtype, but got bool. Pass dtype=torch.float32 or convert with .float().', mask(2, 3), 1),
    ],
    "prod": [
        bad(IndexError, 'Dimension out of range (expected to be in range of [-2, 1], but got 2)\n'
            '  dim: expected -2 to 1 for a tensor of 2 dims, but got 2. Negative dims count from the last.', t(2, 3), 2),
    ],
    "any": [
        bad(IndexError, 'Dimension out of range (expected to be in range of [-2, 1], but got 5)\n'
            '  dim: expected -2 to 1 for a tensor of 2 dims, but got 5. Negative dims count from the last.', t(2, 3), 5),
    ],
    "logsumexp": [
        bad(IndexError, 'Dimension out of range (expected to be in range of [-2, 1], but got 2)\n'
            '  dim: expected -2 to 1 for a tensor of 2 dims, but got 2. Negative dims count from the last.', t(2, 3), 2),
    ],
    "max": [
        bad(RuntimeError, "max(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the 'dim' argument.\n"
            '  max: expected elements, but got an empty tensor. Give the dim, or check numel() first.', t(0)),
        bad(IndexError, 'max(): Expected reduction dim 1 to have non-zero size.\n'
            '  max(): expected elements along dim 1, but got shape [2, 0]. Check the shape first.', t(2, 0), 1),
        bad(IndexError, 'Dimension out of range (expected to be in range of [-2, 1], but got 2)\n'
            '  dim: expected -2 to 1 for a tensor of 2 dims, but got 2. Negative dims count from the last.', t(2, 3), 2),
    ],
    "amax": [
        bad(IndexError, 'amax(): Expected reduction dim 1 to have non-zero size.\n'
            '  amax(): expected elements along dim 1, but got shape [2, 0]. Check the shape first.', t(2, 0), 1),
    ],
    "argmax": [
        bad(IndexError, 'argmax(): Expected reduction dim to be specified for input.numel() == 0.\n'
            '  argmax: expected elements, but got an empty tensor. Give the dim, or check numel() first.', t(0)),
        bad(IndexError, 'argmax(): Expected reduction dim 1 to have non-zero size.\n'
            '  argmax(): expected elements along dim 1, but got shape [2, 0]. Check the shape first.', t(2, 0), 1),
    ],
    "var": [
        bad(RuntimeError, 'std and var only support floating point and complex dtypes\n'
            '  std and var: expected a floating or complex dtype, but got int64. Convert with .float().', index(2, below=3)),
    ],
    "std": [
        bad(IndexError, 'Dimension out of range (expected to be in range of [-2, 1], but got 2)\n'
            '  dim: expected -2 to 1 for a tensor of 2 dims, but got 2. Negative dims count from the last.', t(2, 3), 2),
    ],
    "cov": [
        bad(RuntimeError, 'cov(): expected input to have two or fewer dimensions but got an input with 3 dimensions\n'
            '  cov: expected at most 2 dims, but got shape [2, 2, 2]. Flatten the observations.', t(2, 2, 2)),
    ],
    "linalg_vector_norm": [
        bad(RuntimeError, 'linalg.vector_norm: Expected a floating point or complex tensor as input. Got Long\n'
            '  vector_norm: expected a floating or complex dtype, but got int64. Convert with .float().', index(2, below=3)),
    ],
    "renorm": [
        bad(RuntimeError, 'renorm: input needs at least 2 dimensions, got 1 dimensions\n'
            '  renorm: expected at least 2 dims, but got 1. Unsqueeze it.', t(3), 2, 0, 1),
        bad(RuntimeError, 'renorm: non-positive-norm not supported\n'
            '  renorm: expected p above 0, but got -1. Use p=2.', t(2, 3), -1, 0, 1),
    ],
    "cdist": [
        bad(RuntimeError, 'X1 and X2 must have the same number of columns. X1: 3 X2: 4\n'
            '  cdist: expected rows of equal length, but got 3 and 4. Check the shapes.', t(2, 3), t(2, 4)),
        bad(RuntimeError, 'cdist only supports at least 2D tensors, X1 got: 1D\n'
            '  cdist: expected at least 2 dims, but got 1. Unsqueeze it.', t(3), t(2, 3)),
    ],
    "pdist": [
        bad(RuntimeError, 'pdist only supports 2D tensors, got: 1D\n'
            '  pdist: expected a matrix, but got 1 dims. Reshape it.', t(3)),
    ],
    "cumsum": [
        bad(IndexError, 'Dimension out of range (expected to be in range of [-2, 1], but got 2)\n'
            '  dim: expected -2 to 1 for a tensor of 2 dims, but got 2. Negative dims count from the last.', t(2, 3), 2),
    ],
    "cumprod": [
        bad(IndexError, 'Dimension out of range (expected to be in range of [-2, 1], but got -3)\n'
            '  dim: expected -2 to 1 for a tensor of 2 dims, but got -3. Negative dims count from the last.', t(2, 3), -3),
    ],
    "diff": [
        bad(RuntimeError, 'diff expects input to be at least one-dimensional\n'
            '  diff: expected at least 1 dim, but got a 0-d tensor. Unsqueeze it first.', t()),
    ],
    "trapezoid": [
        bad(RuntimeError, 'trapezoid: There must be one `x` value for each sample point\n'
            '  trapezoid: expected 3 points, but got 4. Check the dim.', t(3), t(4)),
    ],
    "sort": [
        bad(IndexError, 'Dimension out of range (expected to be in range of [-2, 1], but got 2)\n'
            '  dim: expected -2 to 1 for a tensor of 2 dims, but got 2. Negative dims count from the last.', t(2, 3), 2),
    ],
    "topk": [
        bad(RuntimeError, 'selected index k out of range\n'
            "  topk: expected k from 0 to 3, but got 4. Check the dim's size.", t(2, 3), 4),
        bad(RuntimeError, 'selected index k out of range\n'
            "  topk: expected k from 0 to 3, but got -1. Check the dim's size.", t(2, 3), -1),
    ],
    "kthvalue": [
        bad(RuntimeError, 'kthvalue(): selected number k out of range for dimension 1\n'
            '  kthvalue: expected k from 1 to 3, but got 0. Ranks count from 1.', t(2, 3), 0),
        bad(RuntimeError, 'kthvalue(): selected number k out of range for dimension 1\n'
            '  kthvalue: expected k from 1 to 3, but got 4. Ranks count from 1.', t(2, 3), 4),
    ],
    "median": [
        bad(NotImplementedError, '"median_cpu" not implemented for \'Bool\'\n'
            '  median: expected a dtype that it is defined for, but got bool. Convert with .to() first.', mask(2)),
    ],
    "mode": [
        bad(IndexError, 'mode(): Expected reduction dim 0 to have non-zero size.\n'
            '  mode(): expected elements along dim 0, but got shape [0, 3]. Check the shape first.', t(0, 3), 0),
    ],
    "quantile": [
        bad(RuntimeError, 'quantile() q must be in the range [0, 1] but got 1.5\n'
            '  quantile: expected q from 0 to 1, but got 1.5. Percents are divided by 100 first.', t(2, 3), 1.5),
        bad(RuntimeError, 'quantile() interpolation must be one of linear, lower, higher, midpoint or nearest, but got cubic\n'
            "  quantile: expected one of those, but got 'cubic'. Check the spelling.", t(2, 3), 0.5, interpolation="cubic"),
    ],
    "searchsorted": [
        bad(RuntimeError, 'torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries tensor and input value tensor must match, but we got boundaries tensor [2, 3] and input value tensor [3]\n'
            '  searchsorted: expected values with the leading dims of the sequences, but got [3]. Expand the values.', t(2, 3), t(3)),
        bad(RuntimeError, "torch.searchsorted(): side and right can't be set to opposites, got side of left while right was True\n"
            '  searchsorted: expected side and right to agree, but got left and True. Give side alone.', t(3), t(3), right=True, side="left"),
    ],
    "bucketize": [
        bad(RuntimeError, 'boundaries tensor must be 1 dimension, but got dim(2)\n'
            '  bucketize: expected 1-d boundaries, but got shape [2, 3]. Use searchsorted() for one sequence per row.', t(3), t(2, 3)),
    ],
    "bincount": [
        bad(NotImplementedError, '"bincount_cpu" not implemented for \'Float\'\n'
            '  bincount: expected a dtype that it is defined for, but got float32. Convert with .to() first.', t(3)),
        bad(RuntimeError, 'minlength should be >= 0\n'
            '  bincount: expected minlength of at least 0, but got -1. Leave it out.', index(3, below=3), minlength=-1),
        bad(NotImplementedError, '"bincount_cpu" not implemented for \'Float\'\n'
            '  bincount: expected a dtype that it is defined for, but got float32. Convert with .to() first.', given([1, -1])),
    ],
    "histc": [
        bad(RuntimeError, 'torch.histogram(): bins must be > 0, but got 0 for dimension 0\n'
            '  histc: expected at least 1 bin, but got 0. Use more bins.', t(3), 0),
        bad(RuntimeError, 'torch.histc: max must be larger than min\n'
            '  histc: expected min below max, but got 2 and 1. Swap them.', t(3), 3, 2, 1),
    ],
    "isin": [
        bad(RuntimeError, 'Unsupported input type encountered for isin(): Bool\n'
            '  isin: expected real numbers, but got bool. Convert first.', mask(2), mask(2)),
    ],
    "as_strided": [
        bad(RuntimeError, 'setStorage: sizes [2, 3], strides [3, 1], storage offset 0, and itemsize 4 requiring a storage size of 24 are out of bounds for storage of size 12\n'
            '  as_strided: expected a geometry inside the storage of 12 bytes, but got one that needs more. Check sizes, strides and storage_offset.', t(3), (2, 3), (3, 1)),
        bad(RuntimeError, 'mismatch in length of strides and shape\n'
            '  as_strided: expected 1 strides, but got 2. Give one stride per dim.', t(3), (2,), (1, 1)),
        bad(RuntimeError, 'as_strided: Negative strides are not supported at the moment, got strides: [-1]\n'
            '  as_strided: expected strides of at least 0, but got -1. Use flip() to reverse a dim.', t(3), (2,), (-1,)),
    ],
    "view": [
        bad(RuntimeError, "shape '[4]' is invalid for input of size 6\n"
            '  view: expected a shape of 6 elements, but got [4]. The product of the sizes must be the number of elements.', t(2, 3), (4,)),
        bad(RuntimeError, 'only one dimension can be inferred\n'
            '  view: expected at most one -1, but got [-1, -1]. Write all sizes but one.', t(2, 3), (-1, -1)),
        bad(RuntimeError, "shape '[-1, 4]' is invalid for input of size 6\n"
            '  view: expected a shape of 6 elements, but got [-1, 4]. The product of the sizes must be the number of elements.', t(2, 3), (-1, 4)),
        bad(RuntimeError, 'self.size(-1) must be divisible by 2 to view Float as Double (different element sizes), but got 3\n'
            '  view: expected a last dim divisible by 2, but got 3. Pad it.', t(2, 3), attr("float64")),
    ],
    "reshape": [
        bad(RuntimeError, "shape '[4]' is invalid for input of size 6\n"
            '  reshape: expected a shape of 6 elements, but got [4]. The product of the sizes must be the number of elements.', t(2, 3), (4,)),
        bad(RuntimeError, 'cannot reshape tensor of 0 elements into shape [-1, 0] because the unspecified dimension size -1 can be any value and is ambiguous\n'
            '  reshape: expected a shape without 0 beside -1, but got [-1, 0]. Write the size instead of -1.', t(0), (-1, 0)),
    ],
    "expand": [
        bad(RuntimeError, 'The expanded size of the tensor (4) must match the existing size (3) at non-singleton dimension 1.  Target sizes: [2, 4].  Tensor sizes: [2, 3]\n'
            "  expand: expected sizes equal to the tensor's where those are not 1, but got [2, 4] for [2, 3]. Only dims of size 1 expand.", t(2, 3), (2, 4)),
        bad(RuntimeError, 'expand(torch.FloatTensor{[2, 3]}, size=[3]): the number of sizes provided (1) must be greater or equal to the number of dimensions in the tensor (2)\n'
            '  expand: expected at least 2 sizes, but got 1. Add sizes in front; -1 keeps a size.', t(2, 3), (3,)),
        bad(RuntimeError, "The expanded size of the tensor (-1) isn't allowed in a leading, non-existing dimension 0\n"
            '  expand: expected a size for the new dim 0, but got -1. Write the size.', t(3), (-1, 3)),
    ],
    "permute": [
        bad(RuntimeError, 'permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired ordering of dimensions i.e. input.dim() = 2 is not equal to len(dims) = 1\n'
            '  permute: expected 2 dims, but got 1. Name every dim once.', t(2, 3), (0,)),
        bad(RuntimeError, 'permute(): duplicate dims are not allowed.\n'
            '  permute: expected each dim once, but got [0, 0]. Name every dim once.', t(2, 3), (0, 0)),
    ],
    "transpose": [
        bad(IndexError, 'Dimension out of range (expected to be in range of [-2, 1], but got 2)\n'
            '  dim: expected -2 to 1 for a tensor of 2 dims, but got 2. Negative dims count from the last.', t(2, 3), 0, 2),
    ],
    "t": [
        bad(RuntimeError, 't() expects a tensor with <= 2 dimensions, but self is 3D\n'
            '  t: expected at most 2 dims, but got 3. Use mT or transpose(dim0, dim1).', t(2, 3, 4)),
    ],
    "select": [
        bad(IndexError, 'select(): index 2 out of range for tensor of size [2, 3] at dimension 0\n'
            '  select: expected an index from -2 to 1, but got 2. Negative indices count from the end.', t(2, 3), 0, 2),
        bad(IndexError, 'select() cannot be applied to a 0-dim tensor.\n'
            '  select: expected at least 1 dim, but got a 0-d tensor. Use item() for its value.', t(), 0, 0),
    ],
    "narrow": [
        bad(RuntimeError, 'start (3) + length (3) exceeds dimension size (5).\n'
            '  narrow: expected start + length up to 5, but got 6. Shorten it.', t(5), 0, 3, 3),
        bad(RuntimeError, 'narrow(): length must be non-negative.\n'
            '  narrow: expected a length of at least 0, but got -1. Swap start and end.', t(5), 0, 0, -1),
    ],
    "unsqueeze": [
        bad(IndexError, 'Dimension out of range (expected to be in range of [-2, 1], but got 3)\n'
            '  dim: expected -2 to 1 for a tensor of 2 dims, but got 3. Negative dims count from the last.', t(2), 3),
    ],
    "squeeze": [
        bad(IndexError, 'Dimension out of range (expected to be in range of [-1, 0], but got 1)\n'
            '  dim: expected -1 to 0 for a tensor of 1 dims, but got 1. Negative dims count from the last.', t(2), 1),
    ],
    "diagonal": [
        bad(RuntimeError, 'diagonal dimensions cannot be identical 1, 1\n'
            '  diagonal: expected two different dims, but got 1 and 1 of 2 dims. Use diag() to make a matrix of a vector.', t(2, 3), 0, 1, 1),
    ],
    "unfold": [
        bad(RuntimeError, 'maximum size for tensor at dimension 0 is 3 but size is 4\n'
            '  unfold: expected a size up to 3, but got 4. Use a shorter window.', t(3), 0, 4, 1),
        bad(RuntimeError, 'step is 0 but must be > 0\n'
            '  unfold: expected a step of at least 1, but got 0. Give the distance between windows.', t(3), 0, 2, 0),
    ],
    "movedim": [
        bad(RuntimeError, 'movedim: Invalid source or destination dims: source ([0, 1] dims) should contain the same number of dims as destination ([0] dims)\n'
            '  movedim: expected as many destinations as sources, but got 2 and 1. Name one destination per source.', t(2, 3), (0, 1), (0,)),
    ],
    "unflatten": [
        bad(RuntimeError, "unflatten: Provided sizes [4, -1] don't multiply up to the size of dim 0 (6) in the input tensor\n"
            '  unflatten: expected sizes with product 6, but got [4, -1]. One size may be -1.', t(6), 0, (4, -1)),
    ],
    "flatten": [
        bad(RuntimeError, 'flatten() has invalid args: start_dim cannot come after end_dim\n'
            '  flatten: expected start_dim up to end_dim, but got 1 and 0. Swap them.', t(2, 3), 1, 0),
    ],
    "view_as_real": [
        bad(RuntimeError, 'view_as_real is only supported for complex tensors\n'
            '  view_as_real: expected a complex dtype, but got float32. Use torch.complex() to make one.', t(2)),
    ],
    "view_as_complex": [
        bad(RuntimeError, 'Tensor must have a last dimension of size 2\n'
            '  view_as_complex: expected a last dim of size 2, but got 3. Stack real and imaginary parts.', t(3)),
    ],
    "imag": [
        bad(RuntimeError, 'imag is not implemented for tensors with non-complex dtypes.\n'
            "  imag: expected a complex dtype, but got float32. A real tensor's imaginary part is zeros_like().", t(2)),
    ],
    "split": [
        bad(RuntimeError, "split_with_sizes expects split_sizes to sum exactly to 5 (input tensor's size at dimension 0), but got split_sizes=[2, 2]\n"
            '  split: expected non-negative sizes that sum to 5, but got [2, 2]. Adjust the sizes.', t(5), (2, 2)),
        bad(RuntimeError, 'split expects split_size be non-negative, but got split_size=-1\n'
            '  split: expected a size of at least 1, but got -1. Use a positive size.', t(5), -1),
    ],
    "chunk": [
        bad(RuntimeError, 'chunk expects `chunks` to be greater than 0, got: 0\n'
            '  chunk: expected at least 1 chunk, but got 0. Use a positive number.', t(5), 0),
    ],
    "tensor_split": [
        bad(RuntimeError, 'number of sections must be larger than 0, got 0\n'
            '  tensor_split: expected at least 1 section, but got 0. Use a positive number.', t(5), 0),
    ],
    "hsplit": [
        bad(RuntimeError, 'torch.hsplit attempted to split along dimension 0, but the size of the dimension 5 is not divisible by the split_size 2!\n'
            '  hsplit: expected a divisor of 5, but got 2. Use tensor_split() for uneven pieces.', t(5), 2),
    ],
    "unbind": [
        bad(IndexError, 'Dimension specified as 0 but tensor has no dimensions\n'
            '  unbind: expected at least 1 dim, but got a 0-d tensor. Use item() for its value.', t(), 0),
    ],
    "cat": [
        bad(ValueError, 'torch.cat(): expected a non-empty list of Tensors\n'
            '  cat: expected at least 1 tensor, but got none. Check the list.', []),
        bad(RuntimeError, 'Sizes of tensors must match except in dimension 0. Expected size 3 but got size 2 for tensor number 1 in the list.\n'
            '  cat: expected equal sizes but for dim 0, but got [2, 3] and [2, 2]. Slice, pad or reshape one of them.', [t(2, 3), t(2, 2)], 0),
        bad(RuntimeError, 'zero-dimensional tensor (at position 0) cannot be concatenated\n'
            '  cat: expected at least 1 dim each, but got a 0-d tensor. Use stack().', [t(), t()]),
        bad(RuntimeError, 'Tensors must have same number of dimensions: got 2 and 1\n'
            '  cat: expected 2 dims, but got 1. Unsqueeze, or use stack().', [t(2, 3), t(3)]),
    ],
    "stack": [
        bad(RuntimeError, 'stack expects each tensor to be equal size, but got [2] at entry 0 and [3] at entry 1\n'
            '  stack: expected one shape, but got [2] and [3]. Use cat(), or pad the smaller ones.', [t(2), t(3)]),
        bad(RuntimeError, 'stack expects a non-empty TensorList\n'
            '  stack: expected at least 1 tensor, but got none. Check the list.', []),
    ],
    "repeat": [
        bad(RuntimeError, 'Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor\n'
            '  repeat: expected at least 2 counts, but got 1. Give one count per dim.', t(2, 3), (2,)),
    ],
    "repeat_interleave": [
        bad(NotImplementedError, '"repeat_interleave_cpu" not implemented for \'Float\'\n'
            '  repeat_interleave: expected a dtype that it is defined for, but got float32. Convert with .to() first.', t(3), given([1, -1, 2])),
    ],
    "flip": [
        bad(RuntimeError, 'dim 0 appears multiple times in the list of dims\n'
            '  dims: expected each dim once, but got [0, 0]. Remove the repetition.', t(2, 3), (0, 0)),
    ],
    "roll": [
        bad(RuntimeError, 'shifts and dimensions must align. shifts: 2, dims:1\n'
            '  roll: expected one dim per shift, but got 2 and 1. Give as many of each.', t(2, 3), (1, 2), (0,)),
    ],
    "rot90": [
        bad(RuntimeError, 'expected total dims >= 2, but got total dims = 1\n'
            '  rot90: expected at least 2 dims, but got 1. Unsqueeze it first.', t(2)),
        bad(RuntimeError, 'expected rotation dims to be different, but got dim0 = 0 and dim1 = 0\n'
            '  rot90: expected two different dims, but got [0, 0]. Name the plane by two dims.', t(2, 3), 1, (0, 0)),
    ],
    "tril": [
        bad(RuntimeError, 'tril: input tensor must have at least 2 dimensions\n'
            '  tril: expected at least 2 dims, but got 1. Unsqueeze it first.', t(3)),
    ],
    "diag": [
        bad(RuntimeError, 'diag(): Supports 1D or 2D tensors. Got 3D\n'
            '  diag: expected 1 or 2 dims, but got 3. Use diagonal() or diag_embed().', t(2, 2, 2)),
    ],
    "gather": [
        bad(RuntimeError, 'gather(): Expected dtype int32/int64 for index\n'
            '  gather: expected an int64 index, but got float32. Convert it with .long().', t(2, 3), 0, t(2, 3)),
        bad(RuntimeError, 'gather(): Expected dtype int32/int64 for index\n'
            '  gather: expected an int64 index, but got float32. Convert it with .long().', t(2, 3), 0, given([[5]])),
        bad(RuntimeError, 'Size does not match at dimension 0 expected index [3, 1] to be no larger than self [2, 3] apart from dimension 1\n'
            '  gather: expected an index inside the tensor, but got [3, 1] for [2, 3]. Narrow the index.', t(2, 3), 1, index(3, 1, below=2)),
    ],
    "index_select": [
        bad(RuntimeError, 'index_select(): Expected dtype int32 or int64 for index\n'
            '  index_select: expected an int64 index, but got float32. Convert it with .long().', t(2, 3), 0, given([2])),
        bad(IndexError, 'index_select(): Index is supposed to be a vector\n'
            '  index_select: expected a 1-d index, but got 2 dims. Flatten it, or index with x[...].', t(2, 3), 0, index(2, 2, below=2)),
        bad(RuntimeError, 'index_select(): Expected dtype int32 or int64 for index\n'
            '  index_select: expected an int64 index, but got float32. Convert it with .long().', t(2, 3), 0, t(2)),
    ],
    "take": [
        bad(RuntimeError, 'take(): Expected a long tensor for index, but got Float\n'
            '  take: expected an int64 index, but got float32. Convert it with .long().', t(3), given([3])),
    ],
    "masked_select": [
        bad(RuntimeError, 'masked_select: expected BoolTensor for mask\n'
            '  masked_select: expected a bool mask, but got float32. Convert it with .bool().', t(3), t(3)),
    ],
    "embedding": [
        bad(RuntimeError, "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got torch.FloatTensor instead (while checking arguments for embedding)\n"
            '  embedding: expected int64 indices, but got float32. Convert them with .long().', t(2, 3), given([2])),
    ],
    "scatter": [
        bad(RuntimeError, 'scatter(): Expected dtype int32/int64 for index\n'
            '  scatter: expected an int64 index, but got float32. Convert it with .long().', t(2, 3), 0, given([[2]]), t(1, 1)),
        bad(RuntimeError, 'Expected index [3, 1] to be no larger than self [2, 3] apart from dimension 0 and to be no larger size than src [2, 1]\n'
            '  scatter: expected an index inside the tensor, but got [3, 1] for [2, 3]. Narrow the index.', t(2, 3), 0, index(3, 1, below=2), t(2, 1)),
    ],
    "scatter_add": [
        bad(RuntimeError, 'scatter(): Expected self.dtype to be equal to src.dtype\n'
            '  scatter: expected a source of dtype float32, but got float64. Convert the source.', t(2, 3), 0, index(1, 1, below=2), fix(1, 1, dtype="float64")),
    ],
    "scatter_reduce": [
        bad(RuntimeError, 'reduce argument must be either sum, prod, mean, amax or amin, got median\n'
            "  scatter_reduce: expected one of these, but got 'median'. Check the spelling.", t(3), 0, index(2, below=3), t(2), "median"),
    ],
    "index_add": [
        bad(RuntimeError, 'index_add_(): Number of indices (2) should be equal to source.size(dim): (3), for dim: 0\n'
            '  index_add: expected 3 indices, but got 2. Give one index per slice of the source.', t(2, 3), 0, index(2, below=2), t(3, 3)),
        bad(RuntimeError, 'index_add_(): self (Float) and source (Double) must have the same scalar type\n'
            '  index_add: expected a source of dtype float32, but got float64. Convert the source.', t(2, 3), 0, index(2, below=2), fix(2, 3, dtype="float64")),
    ],
    "index_copy": [
        bad(RuntimeError, 'index_copy_(): Expected a long tensor for index, but got Float\n'
            '  index_copy: expected an int64 index, but got float32. Convert it with .long().', t(2, 3), 0, given([5]), t(1, 3)),
    ],
    "index_fill": [
        bad(IndexError, 'index_fill_(): Expected dtype int64 for index.\n'
            '  index_fill: expected an int64 index, but got float32. Convert it with .long().', t(2, 3), 0, given([5]), 1),
    ],
    "put": [
        bad(RuntimeError, 'put_(): Expected a long tensor for index, but got Float\n'
            '  put: expected an int64 index, but got float32. Convert it with .long().', t(3), given([5]), t(1)),
    ],
    "masked_scatter": [
        bad(RuntimeError, 'Number of elements of source < number of ones in mask\n'
            '  masked_scatter: expected a source element per true element of the mask, but got 0 elements. Use a longer source.', t(3), mask(3), t(0)),
    ],
    "index_put": [
        bad(IndexError, 'tensors used as indices must be long, int, byte or bool tensors\n'
            '  index: expected integers or a mask, but got float32. Convert with .long() or .bool().', t(3), (given([3]),), t()),
    ],
    "zeros": [
        bad(RuntimeError, 'zeros: Dimension size must be non-negative.\n'
            '  zeros: expected sizes of at least 0, but got [-1]. Give the extents themselves; -1 works in view, reshape and expand only.', (-1,)),
    ],
    "full": [
        bad(TypeError, "full(): argument 'fill_value' (position 2) must be Number, not str\n"
            '  expected full(tuple of ints size, Number fill_value, *, torch.dtype dtype = None, torch.layout layout = None, torch.device device = None, bool pin_memory = False, bool requires_grad = False, Tensor out = None)', (2,), "x"),
    ],
    "arange": [
        bad(RuntimeError, 'step must be nonzero\n'
            '  arange: expected a step other than 0, but got 0. Use full() for a constant.', 0, 1, 0),
        bad(RuntimeError, 'upper bound and lower bound inconsistent with step sign\n'
            "  arange: expected a step from start towards end, but got 1 to 0 by 1. Change the step's sign.", 1, 0),
    ],
    "linspace": [
        bad(RuntimeError, 'number of steps must be non-negative\n'
            '  linspace: expected at least 0 steps, but got -1. Give the number of elements.', 0, 1, -1),
    ],
    "eye": [
        bad(RuntimeError, 'n must be greater or equal to 0, got -1\n'
            "  eye: expected sizes of at least 0, but got -1. Give the matrix's extents.", -1),
    ],
    "randperm": [
        bad(RuntimeError, 'Trying to create tensor with negative dimension -1: [-1]\n'
            '  randperm: expected sizes of at least 0, but got [-1]. Give the extents themselves; -1 works in view, reshape and expand only.', -1),
    ],
    "randint": [
        bad(RuntimeError, "random_ expects 'from' to be less than 'to', but got from=0 >= to=0\n"
            '  random_: expected from < to, but got 0 and 0. Note that to itself is never drawn.', 0, (2,)),
    ],
    "normal": [
        bad(RuntimeError, 'normal expects std >= 0.0, but found std -1\n'
            '  normal: expected a std of at least 0, but got -1. Pass a standard deviation, not a log.', 0.0, -1.0, (2,)),
    ],
    "multinomial": [
        bad(RuntimeError, 'probability tensor contains either `inf`, `nan` or element < 0\n'
            '  multinomial: expected finite weights of at least 0, but got others. Weights need not sum to 1; logits need softmax first.', t(3), 2),
        bad(RuntimeError, 'cannot sample n_sample > prob_dist.size(-1) samples without replacement\n'
            '  multinomial: expected at most 2 samples, but got 3. Pass replacement=True.', given([1.0, 1.0]), 3),
    ],
    "dropout": [
        bad(RuntimeError, 'dropout probability has to be between 0 and 1, but got 1.5\n'
            '  dropout: expected a probability, but got 1.5. Pass a number from 0 to 1.', t(3), 1.5, True),
    ],
    "uniform_": [
        bad(RuntimeError, 'uniform_ expects to return a [from, to) range, but found from=1 > to=0\n'
            '  uniform_: expected from <= to, but got 1 and 0. Swap them.', t(3), 1, 0),
    ],
    "exponential_": [
        bad(RuntimeError, 'exponential_ expects lambda > 0.0, but found lambda=0\n'
            '  exponential_: expected a rate above 0, but got 0. Pass the rate, 1 / mean.', t(3), 0),
    ],
    "geometric_": [
        bad(RuntimeError, 'geometric_ expects p to be in (0, 1), but got p=0\n'
            '  geometric_: expected a probability inside (0, 1), but got 0. Pass the probability of success.', t(3), 0),
    ],
    "mm": [
        bad(RuntimeError, 'mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)\n'
            '  mm: expected 3 rows in mat2, but got 2. Transpose or reshape one of them.', t(2, 3), t(2, 3)),
        bad(RuntimeError, 'self must be a matrix\n'
            '  mm: expected two matrices, but got 1 and 2 dims. Use matmul() for other dims.', t(2), t(2, 3)),
        bad(RuntimeError, 'expected m1 and m2 to have the same dtype, but got: float != double\n'
            '  mm: expected one dtype, but got float32 and float64. Convert with .to().', t(2, 3), fix(3, 2, dtype="float64")),
    ],
    "bmm": [
        bad(RuntimeError, 'batch1 must be a 3D tensor\n'
            '  bmm: expected two 3-D tensors, but got 2 and 2 dims. Use matmul() for other dims.', t(2, 3), t(3, 2)),
        bad(RuntimeError, 'Expected size for first two dimensions of batch2 tensor to be: [2, 3] but got: [3, 3].\n'
            '  bmm: expected [2, 3, *], but got [3, 3, 2]. Transpose or reshape one of them.', t(2, 2, 3), t(3, 3, 2)),
    ],
    "matmul": [
        bad(RuntimeError, 'mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)\n'
            '  mm: expected 3 rows in mat2, but got 2. Transpose or reshape one of them.', t(2, 3), t(2, 3)),
        bad(RuntimeError, 'both arguments to matmul need to be at least 1D, but they are 0D and 1D\n'
            '  matmul: expected at least 1 dim each, but got 0 and 1. Use * for scalars.', t(), t(2)),
        bad(RuntimeError, 'The size of tensor a (2) must match the size of tensor b (3) at non-singleton dimension 0\n'
            '  broadcast: expected sizes that are equal or 1 in every dim, counted from the last, but got shapes [2] and [3]. Reshape one of them, or add a dim of size 1 with unsqueeze.', t(2, 2, 3), t(3, 3, 2)),
    ],
    "linear": [
        bad(RuntimeError, 'mat1 and mat2 shapes cannot be multiplied (2x3 and 2x4)\n'
            '  linear: expected input (*, 2) to match weight (4, 2), but got input [2, 3]. Change the last dim to 2 features, or the layer to 3 inputs.', t(2, 3), t(4, 2)),
    ],
    "addmm": [
        bad(RuntimeError, 'The expanded size of the tensor (4) must match the existing size (5) at non-singleton dimension 1.  Target sizes: [2, 4].  Tensor sizes: [5]\n'
            '  addmm: expected a first argument that broadcasts to [2, 4], but got [5]. Reshape it.', t(5), t(2, 3), t(3, 4)),
    ],
    "mv": [
        bad(RuntimeError, 'size mismatch, got input (2), mat (2x3), vec (2)\n'
            '  mv: expected a vector of 3 elements, but got 2. Check the sizes.', t(2, 3), t(2)),
    ],
    "dot": [
        bad(RuntimeError, 'inconsistent tensor size, expected tensor [2] and src [3] to have the same number of elements, but got 2 and 3 elements respectively\n'
            '  dot: expected 2 elements, but got 3. Check the sizes.', t(2), t(3)),
        bad(RuntimeError, '1D tensors expected, but got 2D and 1D tensors\n'
            '  dot: expected two vectors, but got 2 and 1 dims. Flatten them.', t(2, 2), t(2)),
    ],
    "outer": [
        bad(RuntimeError, 'outer: Expected 1-D argument self, but got 2-D\n'
            '  outer: expected two vectors, but got 2 dims. Flatten it.', t(2, 2), t(2)),
    ],
    "einsum": [
        bad(RuntimeError, 'einsum(): output subscript k does not appear in the equation for any input operand\n'
            "  einsum: expected letters of the operands, but got 'k'. Check the output's letters.", "ij->k", [t(2, 3)]),
    ],
    "softmax": [
        bad(IndexError, 'Dimension out of range (expected to be in range of [-2, 1], but got 2)\n'
            '  dim: expected -2 to 1 for a tensor of 2 dims, but got 2. Negative dims count from the last.', t(2, 3), 2),
    ],
    "nll_loss": [
        bad(RuntimeError, 'expected target dtype to be Long or Byte, but got Float\n'
            '  nll_loss: expected int64 targets, but got float32. Convert the targets with .long().', t(2, 3), given([0, 3])),
        bad(RuntimeError, 'weight tensor should be defined either for all 3 classes or no classes but got weight tensor of shape: [2]\n'
            '  nll_loss: expected 3 weights, but got [2]. Give one weight per class.', t(2, 3), index(2, below=3), t(2)),
    ],
    "cross_entropy_loss": [
        bad(ValueError, 'Expected input batch_size (2) to match target batch_size (3).\n'
            '  nll_loss: expected as many targets as samples, but got [2, 3] and [3, 2]. Check the batch dims.', t(2, 3), t(3, 2)),
    ],
    "mse_loss": [
        bad(RuntimeError, 'The size of tensor a (3) must match the size of tensor b (2) at non-singleton dimension 1\n'
            '  broadcast: expected sizes that are equal or 1 in every dim, counted from the last, but got shapes [2, 3] and [2, 2]. Reshape one of them, or add a dim of size 1 with unsqueeze.', t(2, 3), t(2, 2)),
    ],
    "binary_cross_entropy": [
        bad(RuntimeError, 'all elements of input should be between 0 and 1\n'
            '  binary_cross_entropy: expected probabilities, but got values outside of [0, 1]. Apply sigmoid() first, or use binary_cross_entropy_with_logits().', given([1.5]), given([1.0])),
    ],
    "smooth_l1_loss": [
        bad(RuntimeError, 'smooth_l1_loss does not support negative values for beta.\n'
            "  smooth_l1_loss: expected beta of at least 0, but got -1. Change beta's sign.", t(2), t(2), 1, beta=-1.0),
    ],
    "huber_loss": [
        bad(RuntimeError, 'huber_loss does not support non-positive values for delta.\n'
            '  huber_loss: expected a positive delta, but got 0. Use l1_loss for a delta of 0.', t(2), t(2), 1, delta=0.0),
    ],
    "layer_norm": [
        bad(RuntimeError, 'Given normalized_shape=[2], expected input with shape [*, 2], but got input of size[2, 3]\n'
            "  layer_norm: expected last dims [2], but got [2, 3]. Check the layer's shape.", t(2, 3), (2,)),
    ],
    "group_norm": [
        bad(RuntimeError, 'Expected number of channels in input to be divisible by num_groups, but got input of shape [2, 3] and num_groups=2\n'
            '  group_norm: expected num_groups to divide 3, but got 2. Choose a divisor.', t(2, 3), 2),
    ],
    "conv1d": [
        bad(RuntimeError, 'Given groups=1, weight of size [3, 3, 3], expected input[1, 2, 5] to have 3 channels, but got 2 channels instead\n'
            '  conv1d: expected 3 channels, but got 2. Check in_channels, or the order of dims: channels come before space.', t(1, 2, 5), t(3, 3, 3)),
    ],
    "conv2d": [
        bad(RuntimeError, 'Expected 3D (unbatched) or 4D (batched) input to conv2d, but got input of size: [2, 3]\n'
            '  conv2d: expected (C, *) or (N, C, *), but got [2, 3]. Add or merge dims.', t(2, 3), t(3, 3, 3, 3)),
        bad(RuntimeError, "Calculated padded input size per channel: (2 x 2). Kernel size: (3 x 3). Kernel size can't be greater than actual input size\n"
            '  conv2d: expected an input of at least (3 x 3), but got (2 x 2). Use more padding or a smaller kernel.', t(1, 2, 2, 2), t(1, 2, 3, 3)),
        bad(RuntimeError, 'non-positive stride is not supported\n'
            '  conv: expected stride of at least 1, but got 0. Check the sign.', t(1, 2, 5, 5), t(1, 2, 3, 3), None, 0),
    ],
    "pad": [
        bad(RuntimeError, 'Padding length should be less than or equal to two times the input dimension but got padding length 4 and input of dimension 1\n'
            '  pad: expected at most 2 numbers, but got 4. Leave some out.', t(2), (1, 2, 3, 4)),
        bad(RuntimeError, 'Padding length must be divisible by 2\n'
            '  pad: expected two numbers per dim, but got [1]. Give (before, after) of the last dim first.', t(2, 3), (1,)),
    ],
    "reflection_pad1d": [
        bad(RuntimeError, 'Argument #4: Padding size should be less than the corresponding input dimension, but got: padding (3, 0) at dimension 1 of input [2, 3]\n'
            "  pad: expected less than 3 per side with mode 'reflect', but got (3, 0). Pad in several steps.", t(2, 3), (3, 0)),
    ],
    "pixel_shuffle": [
        bad(RuntimeError, "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, but input.size(-3)=3 is not divisible by 4\n"
            '  pixel_shuffle: expected a multiple of 4 channels, but got 3. Check the factor.', t(1, 3, 2, 2), 2),
    ],
    "max_pool2d": [
        bad(RuntimeError, 'Given input size: (1x2x2). Calculated output size: (1x0x0). Output size is too small\n'
            '  max_pool2d: expected windows that fit the input, but got [2, 2]. Use a smaller kernel or more padding.', t(1, 2, 2), 3),
        bad(RuntimeError, 'pad should be at most half of effective kernel size, but got pad=2, kernel_size=2 and dilation=1\n'
            '  max_pool2d: expected padding of at most 1, but got 2. Pad the input first.', t(1, 4, 4), 2, 1, 2),
    ],
    "adaptive_avg_pool2d": [
        bad(RuntimeError, 'adaptive_avg_pool2d(): Expected 3D or 4D tensor, but got [3]\n'
            '  adaptive_avg_pool2d: expected (C, *) or (N, C, *), but got [3]. Add or merge dims.', t(3), (2, 2)),
    ],
}
# fmt: on
