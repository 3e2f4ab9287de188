//! Operations: shape and dtype rules, kernel calls and derivatives. One file per family, one row per op.

pub mod activation;
pub mod along;
pub mod arith;
pub mod cast;
pub mod compare;
pub mod complex;
pub mod copy;
pub mod create;
pub mod difference;
pub mod distance;
pub mod extreme;
pub mod gather;
pub mod helpers;
pub mod index;
pub mod inplace;
pub mod matmul;
pub mod pointwise;
pub mod quantile;
pub mod reduce;
pub mod scan;
pub mod scatter;
pub mod search;
pub mod sort;
pub mod unary;
pub mod unique;
pub mod variance;
pub mod vector_norm;
pub mod view;

use crate::schema::OpDef;

/// All families' rows: the table that Python bindings, stubs, docs and tests read.
pub static TABLE: &[&[OpDef]] = &[
    unary::OPS,
    arith::OPS,
    arith::OPS2,
    activation::OPS,
    complex::OPS,
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
    search::OPS,
    compare::OPS,
    cast::OPS,
    copy::OPS,
    create::OPS,
    view::OPS,
    index::OPS,
    gather::OPS,
    scatter::OPS,
    matmul::OPS,
];

/// Hands the engine the operations that it needs. Called once by whoever loads the library; later calls do nothing.
pub fn init() {
    crate::autograd::install(crate::autograd::EngineOps {
        add: |a, b| a.add(b),
        add_in_place: |a, b| inplace::add_into(a, b),
        clone_like: copy::clone_like,
        sum_to: helpers::sum_to,
        cast: |t, dtype| copy::cast_grad(t, dtype),
        view_node: inplace::view_node,
        has_nan: helpers::has_nan,
    });
}
