"""Where rustorch answers otherwise than torch on purpose. Each rule says why."""

import re

# (pattern of the line of code, pattern of the verdict, reason)
RULES = [
    (r"", r"^(accepts|refuses|class).*not implemented for .{0,2}(U?Int|Half|BFloat16|Bool|Byte|Char|Short|Long|Complex)", "a kernel exists here for a dtype that torch lacks one for, or the other way round"),
    (r"uint(16|32|64)", r"Promotion for uint16, uint32, uint64 types is not supported", "the unsigned types promote like the others here"),
    (r"np\.bool_", r"", "NumPy's bools count as bools"),
    (r"_C\._nn\.", r"^(value|result|refuses|class|accepts)", "private functions: their Python wrappers are what users call"),
    (r"torch\._|\)\._", r"^(value|result|refuses|class|accepts)", "private functions"),
    (r"empty|resize_|\.data_ptr|new\(|random_|rand|normal|bernoulli|multinomial|dropout|rrelu|poisson|binomial|exponential|geometric|cauchy|uniform|_rebuild|\.set_\(", r"^value", "undefined contents, or random numbers that another module compares"),
    (r"overlapping\(\)", r"^value", "an in-place change of a view that overlaps itself has no defined order"),
    (r"mm\((x, ?)?x, ?x, ?out=x\)", r"^value", "a product is written where its operands were read; torch's depends on the processor"),
    (r"\bsvd\(|\beigh?\(", r"^value", "the signs of vectors are free"),
    (r"layout=torch\.sparse_coo", r"", "sparse tensors do not exist here"),
    (r"pin_memory", r"", "there is no memory to pin, and asking for it is harmless"),
    (r"\b(inf|nan)\b|2\*\*6[0-4]|1e(38|40|300|308)\b|10\*\*30", r"^value", "casts of what does not fit, and limits of special functions, are the platform's"),
    (r"\.conj\(\)", r"", "conj() is computed at once here; torch keeps a bit"),
    (r"(reduction|kl_div|_loss|grid_sampler)", r"^refuses.*(reduction|interpolation)", "torch reads any other number as one of the modes"),
    (r"out=x[.\[]", r"single memory location", "an out tensor that overlaps an input is refused whatever else is wrong with it"),
    (r"clamp_?\(|move(dim|axis)\(|_window\(|split\(T|flip\(", r"^(accepts|class).*TypeError", "more mixtures of tensors, numbers and lists are taken"),
    (r"", r"^accepts.*value cannot be converted to type (float|double) without overflow", "a number beyond a float dtype becomes infinite, as a tensor of it does"),
    (r"torch\.(hinge_embedding|margin_ranking|triplet_margin|ctc|poisson_nll|cosine_embedding)_loss|kl_div", r"^result", "torch's parser reads the default of `reduction` as none where the signature says mean"),
    (r"grad_fn\(", r"^refuses.*invalid gradient", "a node called by itself takes what a pass would hand it; torch's read whatever shape comes"),
    (r"ctc_loss", r"^refuses.*must be integral", "labels that are no integers are refused; torch takes floats for them"),
    (r"ctc_loss", r"^refuses.*Target -?\d+ is out of bounds", "torch reads the probability of a label that does not exist"),
    (r"adaptive_avg_pool[23]d\(T\(5, 5", r"^refuses.*Expected [34]D", "torch looks at the dims for sizes other than 1 alone"),
    (r"2\*\*62", r"^refuses.*below 2\^31", "strides and dilations from 2^31 on are refused everywhere; torch lets some wrap"),
    (r"label_smoothing=", r"^refuses.*between 0.0 and 1.0", "torch takes what is no share for 0"),
    (r"embedding_bag", r"^class.*offsets must not decrease", "torch reads whatever such offsets point at"),
    (r"pixel_unshuffle\(T\(1, 4, 0, 0\)", r"^refuses.*overflowed", "torch's number of channels wraps"),
    (r"set_\(.*\(-1,\)\)", r"^refuses.*Negative strides", "negative strides are refused for every size"),
    (r"device='meta'\)\]", r"^refuses.*indices with data", "torch reads memory that the index does not have"),
    (r"frombuffer\(b,.*extend", r"^refuses.*BufferError", "the memory is held as long as there is a tensor over it; in torch it moves away"),
    (r"frombuffer\(.*count=2\*\*62", r"^refuses.*requested buffer length", "torch's number of bytes wraps"),
    (r"pack_padded_sequence", r"^refuses.*lengths of at most", "torch reads behind the end of the padded tensor"),
    (r"arange\(.*2\*\*62\)", r"^(result|accepts)", "torch's number of elements wraps"),
    (r"cumulative_trapezoid\(T\(2\)", r"^result", "torch slices a y that it has not broadcast yet, along another dim"),
    (r"dropout\(.*np\.complex64", r"^refuses", "a complex probability is refused, also where none is imaginary"),
    (r"instance_norm", r"^refuses.*expected parameters of dtype", "torch converts running statistics here, and refuses them in batch_norm"),
    (r"output_size=torch\.tensor", r"^class.*invalid combination", "a number is asked for, not a tensor with dims"),
    (r"cholesky\(\)", r"^refuses.*at least 2 dimensions", "a matrix is asked for, also where it would be empty"),
    (r"polygamma\(2\*\*40", r"^value", "torch's product of infinity and 0 for orders with an infinite factorial"),
    (r"linalg\.inv\(T\(3, device='meta'", r"^class.*at least 2 dimensions", "torch's own assertion about meta tensors comes first"),
    (r"linalg\.tensorsolve", r"^accepts.*std::vector", "torch runs into its limit of dims"),
    (r"register_hook\(1\)", r"^result.*PlacedHandle", "a subclass of torch's handle: tensors keep their own table of hooks"),
    (r"fft.*Indexable\(\)", r"^refuses.*must be int", "a length is an int; torch's, which may be symbolic, is anything with __index__"),
    (r"roll\(.*-2\*\*63", r"^accepts", "torch has no representation for this one number"),
]  # fmt: skip

COMPILED = [(re.compile(line), re.compile(verdict), why) for line, verdict, why in RULES]


def allowed(code, verdict):
    """The reason why this difference is meant, or None."""
    return next((why for line, what, why in COMPILED if line.search(code) and what.search(verdict)), None)
