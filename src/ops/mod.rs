//! Operations: shape and dtype rules, kernel calls and derivatives. One file per family, one row per op.

pub mod activation;
pub mod along;
pub mod arith;
pub mod attention;
pub mod cast;
pub mod choose;
pub mod class_loss;
pub mod compare;
pub mod complex;
pub mod conv;
pub mod copy;
pub mod create;
pub mod ctc;
pub mod difference;
pub mod distance;
pub mod einsum;
pub mod embedding;
pub mod extreme;
pub mod fft;
pub mod gather;
pub mod grid;
pub mod hash;
pub mod helpers;
pub mod index;
pub mod inplace;
pub mod instance_norm;
pub mod join;
pub mod kernel;
pub mod lazy;
pub mod linalg;
pub mod linear;
pub mod loss;
pub mod margin;
pub mod matmul;
pub mod matrix;
pub mod norm;
pub mod optim;
pub mod pad;
pub mod parts;
pub mod pointwise;
pub mod polynomial;
pub mod pool;
pub mod put;
pub mod quantile;
pub mod random;
mod recurrent;
pub mod reduce;
pub mod reinterpret;
pub mod resample;
pub mod sample;
pub mod scan;
pub mod scatter;
pub mod search;
pub mod sequence;
pub mod shift;
pub mod similarity;
pub mod softmax;
pub mod sort;
pub mod sparse;
pub mod special;
pub mod split;
pub mod stft;
pub mod unary;
pub mod unique;
pub mod variance;
pub mod vector_norm;
pub mod view;

use crate::schema::OpDef;

/// All families' rows: the table that Python bindings, stubs, docs and tests read.
pub static TABLE: &[&[OpDef]] = &[
    unary::OPS,
    special::OPS1,
    special::OPS2,
    special::OPS,
    polynomial::OPS,
    arith::OPS,
    choose::OPS,
    arith::OPS2,
    activation::OPS,
    complex::OPS,
    lazy::OPS,
    parts::OPS,
    recurrent::OPS,
    reduce::OPS,
    extreme::OPS,
    variance::OPS,
    vector_norm::OPS,
    distance::OPS,
    scan::OPS,
    difference::OPS,
    sort::OPS,
    quantile::OPS,
    unique::OPS,
    hash::OPS,
    search::OPS,
    compare::OPS,
    cast::OPS,
    copy::OPS,
    create::OPS,
    random::OPS,
    view::OPS,
    reinterpret::OPS,
    index::OPS,
    gather::OPS,
    embedding::OPS,
    scatter::OPS,
    put::OPS,
    join::OPS,
    shift::OPS,
    split::OPS,
    sequence::OPS,
    sample::OPS,
    matmul::OPS,
    matrix::OPS,
    linear::OPS,
    einsum::OPS,
    linalg::qr::OPS,
    linalg::solve::OPS,
    linalg::lu::OPS,
    linalg::det::OPS,
    linalg::triangular::OPS,
    linalg::cholesky::OPS,
    linalg::ldl::OPS,
    linalg::exp::OPS,
    linalg::eigen::OPS,
    linalg::svd::OPS,
    linalg::norm::OPS,
    linalg::products::OPS,
    fft::OPS,
    stft::OPS,
    softmax::OPS,
    class_loss::OPS,
    loss::OPS,
    similarity::OPS,
    norm::OPS,
    instance_norm::OPS,
    conv::OPS,
    pad::OPS,
    pool::OPS,
    resample::OPS,
    grid::OPS,
    attention::OPS,
    margin::OPS,
    ctc::OPS,
    optim::OPS,
];

/// The families whose results are on the device of their operands of one dim or more, wherever those stand.
pub static MIXING: &[&[OpDef]] = &[
    unary::OPS,
    special::OPS1,
    special::OPS2,
    special::OPS,
    polynomial::OPS,
    arith::OPS,
    choose::OPS,
    arith::OPS2,
    activation::OPS,
    complex::OPS,
    compare::OPS,
    linear::OPS,
];

/// Other names that torch has for rows of the table: (alias, row), or (`place.alias`, row) for one place alone.
pub static ALIASES: &[(&str, &str)] = &[
    ("absolute", "abs"),
    ("arccos", "acos"),
    ("arccosh", "acosh"),
    ("arcsin", "asin"),
    ("arcsinh", "asinh"),
    ("arctan", "atan"),
    ("arctan2", "atan2"),
    ("arctanh", "atanh"),
    ("clip", "clamp"),
    ("concat", "cat"),
    ("concatenate", "cat"),
    ("divide", "div"),
    ("fix", "trunc"),
    ("greater", "gt"),
    ("greater_equal", "ge"),
    ("less", "lt"),
    ("less_equal", "le"),
    ("multiply", "mul"),
    ("negative", "neg"),
    ("not_equal", "ne"),
    ("row_stack", "vstack"),
    ("subtract", "sub"),
    ("s.special_digamma", "digamma"),
    ("s.special_psi", "digamma"),
    ("s.special_erf", "erf"),
    ("s.special_erfc", "erfc"),
    ("s.special_erfinv", "erfinv"),
    ("s.special_exp2", "exp2"),
    ("s.special_expit", "sigmoid"),
    ("s.special_expm1", "expm1"),
    ("s.special_gammaln", "lgamma"),
    ("s.special_i0", "i0"),
    ("s.special_log1p", "log1p"),
    ("s.special_log_softmax", "log_softmax"),
    ("s.special_logit", "logit"),
    ("s.special_logsumexp", "logsumexp"),
    ("s.special_multigammaln", "mvlgamma"),
    ("s.special_polygamma", "polygamma"),
    ("s.special_round", "round"),
    ("s.special_sinc", "sinc"),
    ("s.special_softmax", "softmax"),
    ("s.special_xlogy", "xlogy"),
    ("s.special_gammainc", "igamma"),
    ("s.special_gammaincc", "igammac"),
];

/// Hands the engine the operations that it needs. Called once by whoever loads the library; later calls do nothing.
pub fn init() {
    crate::autograd::install(crate::autograd::EngineOps {
        add: sum_of_gradients,
        add_in_place: |a, b| if any_sparse(a, b) { sparse::add_into(a, b) } else { inplace::add_into(a, b) },
        clone_like: |g, like| if g.sparse().is_some() { sparse::keep(g) } else { copy::clone_like(g, like) },
        to_dense: sparse::to_dense,
        sum_to: helpers::sum_to,
        lay_out: copy::lay_out,
        cast: |t, dtype| if t.sparse().is_some() { sparse::cast(t, dtype) } else { copy::cast_grad(t, dtype) },
        to_device: |t, d| copy::to(t, None, Some(d), false, crate::tensor::MemoryFormat::Preserve),
        view_node: inplace::view_node,
        zeros: |m| crate::dispatch::zeros(&m.shape, m.dtype, m.device),
        has_nan: |t| t.sparse().map_or_else(|| helpers::has_nan(t), |s| helpers::has_nan(&s.parts().values)),
    });
}

/// The sum of two gradients, dense or sparse.
pub fn sum_of_gradients(
    a: &crate::tensor::Tensor,
    b: &crate::tensor::Tensor,
) -> crate::error::Result<crate::tensor::Tensor> {
    if any_sparse(a, b) { sparse::add(a, b) } else { a.add(b) }
}

fn any_sparse(a: &crate::tensor::Tensor, b: &crate::tensor::Tensor) -> bool {
    a.sparse().is_some() || b.sparse().is_some()
}
