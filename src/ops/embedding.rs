//! Embedding tables: bags of rows, rows kept short, and indices as rows of 0 and 1.

use super::copy::{contiguous, to_dtype};
use super::gather::{embedding_dense_backward, index_select, wide};
use super::helpers::same_device;
use super::inplace;
use super::scatter::Places;
use super::vector_norm::vector_norm;
use super::view;
use crate::autograd::{needs_grad, no_grad, record};
use crate::dispatch::{self, index::Bag, index::BagOutputs};
use crate::error::Result;
use crate::fail;
use crate::grads;
use crate::ops;
use crate::schema::{Args, Dest};
use crate::tensor::{DType, Scalar, Tensor};

fn indices_of(name: &str, argument: &str, t: &Tensor) -> Result<Tensor> {
    match wide(t)? {
        Some(i) => contiguous(&i),
        None => {
            fail!(Runtime, torch: ("Expected tensor for argument {argument} to have one of the following scalar types: Long, Int; but got torch.{}Tensor instead (while checking arguments for {name})", t.dtype().scalar_name()),
                expected: ("{name}: expected int64 indices and offsets"), got: ("{}", t.dtype().name()), fix: ("Convert them with .long()."))
        }
    }
}

fn check_table(weight: &Tensor, indices: &Tensor, offsets: &Tensor) -> Result<()> {
    if weight.ndim() != 2 || indices.ndim() != 1 || offsets.ndim() != 1 {
        fail!(Runtime, expected: ("embedding_bag: expected weight (V, D), indices (N) and offsets (B)"), got: ("shapes {:?}, {:?} and {:?}", weight.shape(), indices.shape(), offsets.shape()), fix: ("Use nn.functional.embedding_bag for a matrix of indices."));
    }
    if !weight.dtype().is_float() {
        fail!(Runtime, torch: ("Expected tensor for argument #1 'weight' to have one of the following scalar types: Half, BFloat16, Float, Double; but got torch.{}Tensor instead (while checking arguments for embedding_bag)", weight.dtype().scalar_name()),
            expected: ("embedding_bag: expected a floating-point weight"), got: ("{}", weight.dtype().name()), fix: ("Convert it with .float()."));
    }
    Ok(())
}

fn check_factors(weight: &Tensor, indices: &Tensor, factors: &Tensor, kind: Bag) -> Result<()> {
    if kind != Bag::Sum {
        fail!(Runtime, torch: ("embedding_bag: per_sample_weights only supported with mode='sum'"), expected: ("embedding_bag: expected mode 0, a sum"), got: ("{kind:?}"), fix: ("Leave per_sample_weights out."));
    }
    if factors.dtype() != weight.dtype() {
        fail!(Runtime, torch: ("Expected tensor for argument #1 'weight' to have the same type as tensor for argument #1 'per_sample_weights'; but type torch.{}Tensor does not equal torch.{}Tensor (while checking arguments for embedding_bag)", weight.dtype().scalar_name(), factors.dtype().scalar_name()),
            expected: ("embedding_bag: expected per_sample_weights of dtype {}", weight.dtype().name()), got: ("{}", factors.dtype().name()), fix: ("Convert one."));
    }
    if factors.shape() != indices.shape() {
        fail!(Runtime, expected: ("embedding_bag: expected per_sample_weights of shape {:?}, one per index", indices.shape()), got: ("{:?}", factors.shape()), fix: ("Check the shapes."));
    }
    Ok(())
}

/// Checks where bags start, and gives how many indices belong to one.
fn check_offsets(offsets: &Tensor, n: usize, include_last: bool) -> Result<usize> {
    let count = offsets.numel();
    if include_last && count == 0 {
        fail!(Runtime, torch: ("include_last_offset: number of offset should be at least 1"), expected: ("embedding_bag: expected the end of the last bag as last offset"), got: ("no offsets"), fix: ("Give offsets [0, ..., N]."));
    }
    if offsets.is_meta() {
        return Ok(n);
    }
    let read = |at: usize| view::select(&offsets.detach(), 0, at as i64)?.item().map(Scalar::i64);
    if let Some(at) = dispatch::index::bad_offset(offsets, n) {
        let value = read(at)?;
        let text = if at == 0 && value != 0 {
            format!(
                "offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from position 0. However, got {value}"
            )
        } else if value > n as i64 {
            format!("offsets[-1] can not be greater than input's length {n} but got offsets[-1] of {value}")
        } else {
            format!("offsets must not decrease, but offsets[{at}] is {value}")
        };
        fail!(Runtime, torch: ("{text}"), expected: ("embedding_bag: expected offsets that rise from 0 to at most {n}"), got: ("{value} at position {at}"), fix: ("Check where the bags start."));
    }
    // On the GPU nobody has looked yet.
    if include_last { Ok(read(count - 1)?.clamp(0, n as i64) as usize) } else { Ok(n) }
}

fn check_range(i: &Tensor, rows: usize) -> Result<()> {
    let Some(bad) = dispatch::index::out_of_bounds(i, rows, false) else { return Ok(()) };
    let read = |at: usize| view::select(&i.detach(), 0, at as i64)?.item().map(Scalar::i64);
    let mut at = 0;
    while at + 1 < i.numel() && read(at)? != bad {
        at += 1;
    }
    fail!(Runtime, torch: ("Index {at} of input takes value {bad} which is not in the valid range [0, {rows})"), expected: ("embedding_bag: expected indices from 0 to {}", rows as i64 - 1), got: ("{bad}"), fix: ("Check the indices."))
}

fn kind_of(mode: i64) -> Result<Bag> {
    match mode {
        0 => Ok(Bag::Sum),
        1 => Ok(Bag::Mean),
        2 => Ok(Bag::Max),
        _ => {
            fail!(Runtime, expected: ("embedding_bag: expected mode 0 (sum), 1 (mean) or 2 (max)"), got: ("{mode}"), fix: ("Use nn.functional.embedding_bag, which takes names."))
        }
    }
}

fn row_to_skip(padding_idx: Option<i64>, rows: i64) -> Result<Option<i64>> {
    match padding_idx {
        Some(p) if p < -rows || p >= rows => {
            fail!(Runtime, torch: ("padding_idx must be within the number of embeddings, {} through {}, but got {p}", -rows, rows - 1), expected: ("embedding_bag: expected padding_idx to name a row"), got: ("{p}"), fix: ("Leave it out for no padding."))
        }
        p => Ok(p.map(|p| if p < 0 { p + rows } else { p })),
    }
}

/// Rows of `weight` put together bag by bag: (result, bag of each index, size of each bag, rows of maxima).
fn embedding_bag(a: &Args) -> Result<(Tensor, Tensor, Tensor, Tensor)> {
    let (weight, indices, offsets): (&Tensor, &Tensor, &Tensor) = (a.get(0)?, a.get(1)?, a.get(2)?);
    let (by_frequency, kind, sparse): (bool, Bag, bool) = (a.get(3)?, kind_of(a.get(4)?)?, a.get(5)?);
    let (factors, include_last): (Option<&Tensor>, bool) = (a.get(6)?, a.get(7)?);
    check_table(weight, indices, offsets)?;
    same_device("embedding_bag", &[weight, indices, offsets])?;
    let (rows, d) = (weight.size(0), weight.size(1));
    let padding = row_to_skip(a.get(8)?, rows as i64)?;
    let i = indices_of("embedding_bag", "#1 'indices'", indices)?;
    let offsets = indices_of("embedding_bag", "#1 'indices'", offsets)?;
    if let Some(f) = factors {
        same_device("embedding_bag", &[weight, f])?;
        check_factors(weight, indices, f, kind)?;
    }
    let used = check_offsets(&offsets, i.numel(), include_last)?;
    // Indices behind the last bag belong to none.
    let i = view::narrow(&i, 0, 0, used as i64)?;
    let factors = factors.map(|f| view::narrow(f, 0, 0, used as i64)).transpose()?;
    check_range(&i, rows)?;
    let bags = offsets.numel() - include_last as usize;
    let ints = |shape: &[usize]| dispatch::empty(shape, DType::I64, weight.device());
    let to = BagOutputs {
        out: dispatch::empty(&[bags, d], weight.dtype(), weight.device())?,
        owner: dispatch::zeros(&[used], DType::I64, weight.device())?,
        sizes: ints(&[bags])?,
        largest: (kind == Bag::Max).then(|| ints(&[bags, d])).transpose()?,
    };
    let dense = |t: &Tensor| contiguous(&t.detach());
    let dense_factors = factors.as_ref().map(dense).transpose()?;
    dispatch::index::embedding_bag(&dense(weight)?, &i, &offsets, dense_factors.as_ref(), padding, kind, &to);
    let from = to.largest.clone().unwrap_or_else(|| to.sizes.clone());
    let divisor = match kind {
        Bag::Mean => {
            let one = dispatch::wrapped(Scalar::Int(1))?;
            let at_least_one = super::choose::clamp(&to.sizes, Some(&one), None, &Dest::New)?;
            Some(view::unsqueeze(&to_dtype(&at_least_one, weight.dtype())?, 1)?)
        }
        _ => None,
    };
    let inputs: &[&Tensor] = match &factors {
        Some(f) => &[weight, f],
        None => &[weight],
    };
    let out = record(to.out, "EmbeddingBagBackward0", inputs, |s| {
        let (i, owner, sizes, from) = (s.input(&i), s.input(&to.owner), s.input(&to.sizes), s.input(&from));
        let divisor = s.optional(divisor.as_ref());
        let scaled = factors.as_ref().filter(|_| s.needs(0)).map(|f| s.input(f));
        let table = (factors.is_some() && s.needs(1)).then(|| s.input(weight));
        let one = factors.is_none();
        move |c, g| {
            if kind == Bag::Max {
                let empty = view::unsqueeze(&c.get(sizes)?.eq_scalar(0.0)?, 1)?;
                let table = dispatch::zeros(&[rows, d], g.dtype(), g.device())?;
                if rows == 0 {
                    return grads![table];
                }
                let g = g.masked_fill_scalar(&empty, 0.0)?;
                return grads![Places { dim: 0, whole: false }.add(&table, &c.get(from)?, &g, &Dest::New)?];
            }
            let i = c.get(i)?;
            let g = match c.get_opt(divisor)? {
                Some(n) => g.div(&n)?,
                None => g.clone(),
            };
            let g = index_select(&g, 0, &c.get(owner)?)?;
            let by_weight = c.when(0, || {
                let g = match c.get_opt(scaled)? {
                    Some(f) => g.mul(&view::unsqueeze(&f, 1)?)?,
                    None => g.clone(),
                };
                if sparse && by_frequency {
                    fail!(Runtime, torch: ("embedding_backward: scale_grad_by_freq not supported with sparse gradients"), expected: ("embedding_bag: expected scale_grad_by_freq=False beside sparse=True"), got: ("True"), fix: ("Leave one of them out."));
                }
                if sparse {
                    return super::sparse::of_rows(&g, &i, rows, padding);
                }
                embedding_dense_backward(&g, &i, rows as i64, padding.unwrap_or(-1), by_frequency)
            })?;
            if one {
                return grads![by_weight];
            }
            let by_factors = match c.get_opt(table)? {
                Some(table) if c.needs(1) => {
                    let products = g.mul(&index_select(&table, 0, &i)?)?.sum_dims(&[1], false)?;
                    Some(match padding {
                        Some(p) => products.masked_fill_scalar(&i.eq_scalar(p as f64)?, 0.0)?,
                        None => products,
                    })
                }
                _ => None,
            };
            grads![by_weight, by_factors]
        }
    })?;
    Ok((out, to.owner, to.sizes, from))
}

/// Added to norms before dividing by them, as in torch.
const RENORM_EPS: f64 = 1e-7;

/// Scales the rows of `weight` that `indices` name, in place, so that their norm is at most `max_norm`.
fn embedding_renorm_(weight: &Tensor, indices: &Tensor, max_norm: f64, norm_type: f64) -> Result<Tensor> {
    let name = "embedding_renorm_";
    if weight.ndim() != 2 {
        fail!(Runtime, torch: ("Expected 2-dimensional tensor, but got {}-dimensional tensor for argument #1 'self' (while checking arguments for {name})", weight.ndim()),
            expected: ("{name}: expected a table (V, D)"), got: ("shape {:?}", weight.shape()), fix: ("Reshape it."));
    }
    let i = indices_of(name, "#2 'indices'", indices)?.reshape_to(&[indices.numel()])?;
    same_device(name, &[weight, &i])?;
    inplace::check(weight, needs_grad(&[weight]))?;
    no_grad(|| {
        let rows = index_select(weight, 0, &i)?;
        let norms = vector_norm(&rows, norm_type, Some(&[1]), true, None)?;
        // The factor is made in double, where that is, and rounded once.
        let wide = if weight.is_gpu() { DType::F32 } else { DType::F64 };
        let limit = dispatch::wrapped(Scalar::Float(max_norm))?;
        let factor = to_dtype(&limit.div(&to_dtype(&norms, wide)?.add_scalar(RENORM_EPS)?)?, weight.dtype())?;
        let factor = super::choose::where_(&norms.gt(&limit)?, &factor, &factor.scalar_like(1.0)?)?;
        Places { dim: 0, whole: true }.set(weight, &i, &rows.mul(&factor)?, &Dest::InPlace)
    })
}

/// 1 at the place that each index names along a last dim, 0 elsewhere; -1 classes are as many as the indices need.
fn one_hot(x: &Tensor, num_classes: i64) -> Result<Tensor> {
    if x.dtype() != DType::I64 {
        fail!(Runtime, torch: ("one_hot is only applicable to index tensor of type LongTensor."), expected: ("one_hot: expected int64 indices"), got: ("{}", x.dtype().name()), fix: ("Convert them with .long()."));
    }
    if x.is_meta() && num_classes < 0 || x.numel() == 0 && num_classes <= 0 {
        fail!(Runtime, torch: ("Can not infer total number of classes from empty tensor."), expected: ("one_hot: expected num_classes where there are no indices"), got: ("{num_classes}"), fix: ("Pass num_classes."));
    }
    let any = usize::MAX >> 1;
    if dispatch::index::out_of_bounds(x, any, false).is_some() {
        fail!(Runtime, torch: ("Class values must be non-negative."), expected: ("one_hot: expected indices of at least 0"), got: ("negative ones"), fix: ("Check the indices."));
    }
    let classes = match num_classes {
        -1 => super::extreme::amax(&x.detach(), &[], false)?.item()?.i64() + 1,
        n => n,
    };
    if classes <= 0 || dispatch::index::out_of_bounds(x, classes as usize, false).is_some() {
        fail!(Runtime, torch: ("Class values must be smaller than num_classes."), expected: ("one_hot: expected indices below {classes}"), got: ("larger ones"), fix: ("Pass more classes, or -1."));
    }
    let mut shape: Vec<i64> = x.shape().iter().map(|&n| n as i64).collect();
    shape.push(classes);
    let rows = super::create::zeros(&shape, Some(DType::I64), Some(x.device()))?;
    let one = rows.scalar_like(1i64)?;
    Places { dim: x.ndim(), whole: false }.fill(&rows, &view::unsqueeze(x, -1)?, &one, &Dest::InPlace)
}

ops! {
    /// 1 where each index points along a last dim, 0 elsewhere.
    "one_hot(Tensor self, int num_classes=-1) -> Tensor" [n] => one_hot(0, 1);
    /// Scales the rows that `indices` name so that their norm is at most `max_norm`, in place.
    "embedding_renorm_(Tensor(a!) self, Tensor indices, float max_norm, float norm_type) -> Tensor(a!)" [f] => embedding_renorm_(0, 1, 2, 3);
    @
    /// Sums (mode 0), means (1) or maxima (2) of the rows that bags of indices name: (result, bag of each index, size of each bag, rows of maxima).
    "embedding_bag(Tensor weight, Tensor indices, Tensor offsets, bool scale_grad_by_freq=False, int mode=0, bool sparse=False, Tensor? per_sample_weights=None, bool include_last_offset=False, int? padding_idx=None) -> (Tensor, Tensor, Tensor, Tensor)" [f] => |a| embedding_bag(a);
}
