//! Writing by flat index and by mask: the counterparts of take and masked_select.

use super::copy;
use super::gather::{selected, taken};
use super::scatter::{apart, stable, update};
use super::view::{self, expand_to};
use crate::autograd::no_grad;
use crate::dispatch;
use crate::error::Result;
use crate::fail;
use crate::grads;
use crate::ops;
use crate::schema::Dest;
use crate::tensor::layout::{self, Shape};
use crate::tensor::{DType, MemoryFormat, Tensor};

/// The error for flat indices outside of `-numel..numel`, as [`strayed`] is for others.
#[cold]
pub fn flat_strayed<T>(index: &Tensor, numel: usize) -> Result<T> {
    let bad =
        dispatch::index::out_of_bounds(index, numel, true).map_or_else(|| "that is gone".to_owned(), |b| b.to_string());
    fail!(Index, torch: ("out of range: tried to access index {bad} on a tensor of {numel} elements."), expected: ("take: expected indices from {} to {}", -(numel as i64), numel as i64 - 1), got: ("{bad}"), fix: ("Check the index tensor, and do not change it before backward()."))
}

fn put(x: &Tensor, index: &Tensor, source: &Tensor, accumulate: bool, dest: Dest) -> Result<Tensor> {
    if index.dtype() != DType::I64 {
        fail!(Runtime, torch: ("put_(): Expected a long tensor for index, but got {}", index.dtype().scalar_name()), expected: ("put: expected an int64 index"), got: ("{}", index.dtype().name()), fix: ("Convert it with .long()."));
    }
    if x.dtype() != source.dtype() {
        fail!(Runtime, torch: ("put_(): self and source expected to have the same dtype, but got self.dtype = {} and source.dtype = {}", x.dtype().scalar_name(), source.dtype().scalar_name()),
            expected: ("put: expected a source of dtype {}", x.dtype().name()), got: ("{}", source.dtype().name()), fix: ("Convert the source."));
    }
    if source.numel() != index.numel() {
        fail!(Index, torch: ("put_(): Expected source and index to have the same number of elements, but got source.numel() = {}, index.numel() = {}", source.numel(), index.numel()),
            expected: ("put: expected {} elements", index.numel()), got: ("{}", source.numel()), fix: ("Give one element per index."));
    }
    if x.numel() == 0 && index.numel() != 0 {
        fail!(Index, torch: ("put_(): Tried to put elements into an empty tensor"), expected: ("put: expected a tensor with elements"), got: ("an empty tensor"), fix: ("Check the input."));
    }
    put_at(x, index, &source.reshape_to(index.shape())?, accumulate, &dest)
}

/// [`put`] with an int64 index and a source of its shape.
pub fn put_at(x: &Tensor, index: &Tensor, source: &Tensor, accumulate: bool, dest: &Dest) -> Result<Tensor> {
    let source = &apart(x, index, source, dest)?;
    update(
        x,
        dest,
        MemoryFormat::Preserve,
        "PutBackward0",
        &[x, source],
        |y| {
            if dispatch::index::put(y, index, source, accumulate) { Ok(()) } else { flat_strayed(index, y.numel()) }
        },
        |s| {
            let index = s.input(index);
            move |c, g| {
                let i = c.get(index)?;
                let gx = c.when(0, || {
                    if accumulate {
                        Ok(g.clone())
                    } else {
                        put_at(g, &i, &expand_to(&g.scalar_like(0i64)?, i.shape())?, false, &Dest::New)
                    }
                })?;
                grads![gx, c.when(1, || taken(g, &i))?]
            }
        },
    )
}

fn masked_scatter(x: &Tensor, mask: &Tensor, source: &Tensor, dest: Dest) -> Result<Tensor> {
    if mask.dtype() != DType::Bool {
        fail!(Runtime, torch: ("masked_scatter_ only supports boolean masks, but got mask with dtype {}", mask.dtype().scalar_name()), expected: ("masked_scatter: expected a bool mask"), got: ("{}", mask.dtype().name()), fix: ("Convert it with .bool()."));
    }
    if x.dtype() != source.dtype() {
        fail!(Runtime, torch: ("masked_scatter: expected self and source to have same dtypes but got{} and {}", x.dtype().scalar_name(), source.dtype().scalar_name()), expected: ("masked_scatter: expected a source of dtype {}", x.dtype().name()), got: ("{}", source.dtype().name()), fix: ("Convert the source."));
    }
    if let Dest::InPlace = dest {
        let shape: Vec<i64> = x.shape().iter().map(|&n| n as i64).collect();
        return fill_from(x, &view::expand(mask, &shape)?, source, &dest);
    }
    let shape = layout::broadcast(x.shape(), mask.shape())?;
    fill_from(&expand_to(x, &shape)?, &expand_to(mask, &shape)?, source, &dest)
}

/// `x` with the elements of `source`, in order, where a mask of its shape holds.
pub fn fill_from(x: &Tensor, mask: &Tensor, source: &Tensor, dest: &Dest) -> Result<Tensor> {
    let source = &stable(x, source, dest)?;
    update(
        x,
        dest,
        MemoryFormat::Contiguous,
        "MaskedScatterBackward0",
        &[x, source],
        |y| {
            if !dispatch::index::masked_scatter(y, mask, &no_grad(|| copy::contiguous(source))?) {
                fail!(Runtime, torch: ("Number of elements of source < number of ones in mask"), expected: ("masked_scatter: expected a source element per true element of the mask"), got: ("{} elements", source.numel()), fix: ("Use a longer source."));
            }
            Ok(())
        },
        |s| {
            let mask = s.input(mask);
            let shape = Shape::from_slice(source.shape());
            move |c, g| {
                let mask = c.get(mask)?;
                let gx = c.when(0, || g.masked_fill_scalar(&mask, 0.0))?;
                grads![
                    gx,
                    c.when(1, || {
                        let part = selected(g, &mask)?;
                        let n: usize = shape.iter().product();
                        let all = if part.numel() == n {
                            part
                        } else {
                            view::embed(
                                &part,
                                &[n],
                                &[1],
                                &(Shape::from_slice(part.shape()), smallvec::smallvec![1], 0),
                            )?
                        };
                        all.reshape_to(&shape)
                    })?
                ]
            }
        },
    )
}

ops! {
    @
    /// self with elements of `source` at places of its flattened form; with `accumulate` they are added.
    "put(Tensor self, Tensor index, Tensor source, bool accumulate=False) -> Tensor" [f m i] => |a| put(a.get(0)?, a.get(1)?, a.get(2)?, a.get(3)?, a.dest());
    /// self with the elements of `source`, in order, where the mask holds.
    "masked_scatter(Tensor self, Tensor mask, Tensor source) -> Tensor" [f m i] => |a| masked_scatter(a.get(0)?, a.get(1)?, a.get(2)?, a.dest());
}
