//! Resizing images: nearest, linear, cubic and antialiased interpolation. All of them are separable linear maps, so
//! that one sparse matrix per dim serves values and gradients of any order.

use super::kernel::{finish, operand};
use crate::autograd::record;
use crate::dispatch::{self, resample::Table};
use crate::error::Result;
use crate::fail;
use crate::grads;
use crate::ops;
use crate::tensor::layout::Shape;
use crate::tensor::{DType, Tensor};
use std::sync::Arc;

/// How outputs follow from inputs along a dim.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Method {
    Nearest,
    NearestExact,
    Linear,
    Cubic,
    /// Filters whose support grows with the scale when shrinking; the number is the support at scale 1, doubled.
    Antialias(Filter),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Filter {
    Triangle,
    Cubic,
    Lanczos,
}

impl Filter {
    fn support(self) -> f64 {
        match self {
            Filter::Triangle => 1.0,
            Filter::Cubic => 2.0,
            Filter::Lanczos => 3.0,
        }
    }

    fn at(self, x: f64) -> f64 {
        let x = x.abs();
        match self {
            Filter::Triangle => (1.0 - x).max(0.0),
            Filter::Cubic => cubic(x, -0.5),
            Filter::Lanczos if x >= 3.0 => 0.0,
            Filter::Lanczos => sinc(x) * sinc(x / 3.0),
        }
    }
}

fn sinc(x: f64) -> f64 {
    let t = x * std::f64::consts::PI;
    if x == 0.0 { 1.0 } else { t.sin() / t }
}

/// The cubic convolution kernel. Source: Keys 1981, doi:10.1109/TASSP.1981.1163711, with slope a at 1.
fn cubic(x: f64, a: f64) -> f64 {
    if x <= 1.0 {
        ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        ((x - 5.0) * x + 8.0) * x * a - 4.0 * a
    } else {
        0.0
    }
}

/// One dim of a resizing.
#[derive(Clone, Copy)]
struct Side {
    input: usize,
    output: usize,
    align: bool,
    factor: Option<f64>,
    /// Coordinates are rounded to f32, as torch computes them for all but double inputs.
    single: bool,
}

impl Side {
    fn round(&self, x: f64) -> f64 {
        if self.single { x as f32 as f64 } else { x }
    }

    /// Input elements per output element.
    fn scale(&self) -> f64 {
        if self.align {
            return if self.output > 1 {
                self.round((self.input as f64 - 1.0) / (self.output as f64 - 1.0))
            } else {
                0.0
            };
        }
        match self.factor.filter(|&f| f > 0.0) {
            Some(f) => self.round(1.0 / f),
            None => self.round(self.input as f64 / self.output as f64),
        }
    }

    /// The input coordinate of an output's centre.
    fn source(&self, j: usize, scale: f64, clamp: bool) -> f64 {
        if self.align {
            return self.round(scale * j as f64);
        }
        let x = self.round(self.round(scale * (j as f64 + 0.5)) - 0.5);
        if clamp { x.max(0.0) } else { x }
    }

    fn table(&self, method: Method) -> Table {
        let (n, scale) = (self.input, self.scale());
        let last = n.saturating_sub(1);
        let row = |j: usize| -> Vec<(usize, f64)> {
            match method {
                Method::Nearest => vec![((self.round(j as f64 * scale).floor() as usize).min(last), 1.0)],
                Method::NearestExact => vec![((self.round((j as f64 + 0.5) * scale).floor() as usize).min(last), 1.0)],
                Method::Linear => {
                    let x = self.source(j, scale, true);
                    let i = (x as usize).min(last);
                    let w = self.round(x - i as f64).clamp(0.0, 1.0);
                    vec![(i, 1.0 - w), ((i + 1).min(last), w)]
                }
                Method::Cubic => {
                    let x = self.source(j, scale, false);
                    let (i, t) = (x.floor(), self.round(x - x.floor()));
                    (-1..=2)
                        .map(|k| (((i as i64 + k).clamp(0, last as i64)) as usize, cubic((t - k as f64).abs(), -0.75)))
                        .collect()
                }
                Method::Antialias(filter) => self.filtered(j, scale, filter),
            }
        };
        Table::new(n, (0..self.output).map(row))
    }

    /// The weights of an antialiased output, which add up to 1.
    fn filtered(&self, j: usize, scale: f64, filter: Filter) -> Vec<(usize, f64)> {
        let stretch = scale.max(1.0);
        let support = filter.support() * stretch;
        let centre = scale * (j as f64 + 0.5);
        let from = ((centre - support + 0.5) as i64).max(0);
        let to = ((centre + support + 0.5) as i64).min(self.input as i64);
        let weights: Vec<f64> = (from..to).map(|i| filter.at((i as f64 - centre + 0.5) / stretch)).collect();
        let total: f64 = weights.iter().sum();
        (from..to).zip(weights).map(|(i, w)| (i as usize, if total != 0.0 { w / total } else { w })).collect()
    }
}

/// A resizing of the last dims of a tensor.
struct Plan {
    name: &'static str,
    input: Shape,
    output: Shape,
    tables: Vec<(usize, Table)>,
}

fn compute(dtype: DType) -> Result<DType> {
    match dtype {
        DType::F16 | DType::BF16 => Ok(DType::F32),
        DType::F32 | DType::F64 => Ok(dtype),
        DType::U8 => Ok(DType::F32),
        other => super::helpers::not_implemented("compute_indices_weights_linear", other),
    }
}

fn apply(x: &Tensor, plan: &Arc<Plan>, adjoint: bool) -> Result<Tensor> {
    let c = compute(x.dtype())?;
    let mut y = operand(x, c)?;
    let target = if adjoint { &plan.input } else { &plan.output };
    for (dim, table) in &plan.tables {
        let mut shape = Shape::from_slice(y.shape());
        shape[*dim] = target[*dim];
        let z = dispatch::empty(&shape, c, x.device())?;
        dispatch::resample::resample(&y, &z, *dim, &if adjoint { table.transposed() } else { table.clone() });
        y = z;
    }
    if x.dtype() == DType::U8 {
        // Images of bytes are rounded, not truncated.
        let limits = dispatch::Params { f: [0.0, 255.0, 0.0, 0.0], i: [0, 255, 0, 0] };
        dispatch::pointwise(dispatch::Fun::Clamp, c, &[&y], &y, &limits);
        dispatch::pointwise(dispatch::Fun::Round, c, &[&y], &y, &Default::default());
    }
    // An identity reads the caller's memory.
    let y = if plan.tables.is_empty() && y.is(x) {
        crate::autograd::no_grad(|| super::copy::clone(&x.detach(), None))?
    } else {
        finish(y, x.dtype(), &[x])?
    };
    let plan = plan.clone();
    record(y, plan.name, &[x], |_| move |_, g| grads![apply(g, &plan, !adjoint)?])
}

fn resize(
    name: &'static str,
    x: &Tensor,
    nd: usize,
    size: Option<&[i64]>,
    factors: Option<&[f64]>,
    align: bool,
    method: Method,
) -> Result<Tensor> {
    if x.ndim() != nd + 2 {
        fail!(Runtime, torch: ("It is expected input_size equals to {}, but got size {}", nd + 2, x.ndim()), expected: ("{name}: expected input of {} dims", nd + 2), got: ("{}", x.ndim()), fix: ("Add or merge dims."));
    }
    let input = &x.shape()[2..];
    let output: Vec<i64> = match (size, factors) {
        (Some(s), None) => s.to_vec(),
        (None, Some(f)) if f.len() == nd => input.iter().zip(f).map(|(&n, f)| (n as f64 * f) as i64).collect(),
        _ => {
            fail!(Runtime, torch: ("Must specify exactly one of output_size and scale_factors"), expected: ("{name}: expected a size or factors"), got: ("both or neither"), fix: ("Give one of them."))
        }
    };
    if output.len() != nd {
        fail!(Runtime, torch: ("It is expected output_size equals to {nd}, but got size {}", output.len()), expected: ("{name}: expected {nd} sizes"), got: ("{output:?}"), fix: ("Give one per spatial dim."));
    }
    if input.contains(&0) || output.iter().any(|&n| n <= 0) {
        let letters = &["D", "H", "W"][3 - nd..];
        let show =
            |sizes: &[i64]| letters.iter().zip(sizes).map(|(l, n)| format!("{l}: {n}")).collect::<Vec<_>>().join(", ");
        let input: Vec<i64> = input.iter().map(|&n| n as i64).collect();
        fail!(Runtime, torch: ("Input and output sizes should be greater than 0, but got input ({}) output ({})", show(&input), show(&output)), expected: ("{name}: expected sizes of at least 1"), got: ("{input:?} and {output:?}"), fix: ("Check the sizes."));
    }
    if x.shape()[1] == 0 {
        fail!(Runtime, torch: ("Non-empty {}D data tensor expected but got a tensor with sizes {:?}", nd + 2, x.shape()), expected: ("{name}: expected channels"), got: ("none"), fix: ("Check the input."));
    }
    let shape: Shape = x.shape()[..2].iter().copied().chain(output.iter().map(|&n| n as usize)).collect();
    dispatch::storage(dispatch::check_size(&shape, x.dtype())?, x.device(), false)?;
    let single = x.dtype() != DType::F64;
    // The last dim first: it is the one whose elements do not lie side by side, so its pass should be the smallest.
    let tables = (0..nd)
        .rev()
        .filter(|&d| input[d] != output[d] as usize || factors.is_some_and(|f| f[d] != 1.0))
        .map(|d| {
            (
                d + 2,
                Side { input: input[d], output: output[d] as usize, align, factor: factors.map(|f| f[d]), single }
                    .table(method),
            )
        })
        .collect();
    apply(x, &Arc::new(Plan { name, input: x.shape().into(), output: shape, tables }), false)
}

macro_rules! resizes {
    (nearest: $($n:literal $nname:literal $nnode:literal $nm:ident;)* smooth: $($s:literal $sname:literal $snode:literal $sm:expr;)*) => {
        ops! {
            @
            $(
                /// Every output is the nearest input.
                $nname [n] => |a| resize($nnode, a.get(0)?, $n, a.get(1)?, a.get(2)?, false, Method::$nm);
            )*
            $(
                /// Outputs are interpolated between inputs; align_corners keeps the corners' centres in place.
                $sname [n] => |a| resize($snode, a.get(0)?, $s, a.get(1)?, a.get(3)?, a.get(2)?, $sm);
            )*
        }
    };
}
resizes! {
    nearest:
    1 "upsample_nearest1d(Tensor input, int[]? output_size, float[]? scale_factors) -> Tensor" "UpsampleNearest1DBackward0" Nearest;
    2 "upsample_nearest2d(Tensor input, int[]? output_size, float[]? scale_factors) -> Tensor" "UpsampleNearest2DBackward0" Nearest;
    3 "upsample_nearest3d(Tensor input, int[]? output_size, float[]? scale_factors) -> Tensor" "UpsampleNearest3DBackward0" Nearest;
    1 "_upsample_nearest_exact1d(Tensor input, int[]? output_size, float[]? scale_factors) -> Tensor" "UpsampleNearestExact1DBackward0" NearestExact;
    2 "_upsample_nearest_exact2d(Tensor input, int[]? output_size, float[]? scale_factors) -> Tensor" "UpsampleNearestExact2DBackward0" NearestExact;
    3 "_upsample_nearest_exact3d(Tensor input, int[]? output_size, float[]? scale_factors) -> Tensor" "UpsampleNearestExact3DBackward0" NearestExact;
    smooth:
    1 "upsample_linear1d(Tensor input, int[]? output_size, bool align_corners, float[]? scale_factors) -> Tensor" "UpsampleLinear1DBackward0" Method::Linear;
    2 "upsample_bilinear2d(Tensor input, int[]? output_size, bool align_corners, float[]? scale_factors) -> Tensor" "UpsampleBilinear2DBackward0" Method::Linear;
    3 "upsample_trilinear3d(Tensor input, int[]? output_size, bool align_corners, float[]? scale_factors) -> Tensor" "UpsampleTrilinear3DBackward0" Method::Linear;
    2 "upsample_bicubic2d(Tensor input, int[]? output_size, bool align_corners, float[]? scale_factors) -> Tensor" "UpsampleBicubic2DBackward0" Method::Cubic;
    2 "_upsample_bilinear2d_aa(Tensor input, int[]? output_size, bool align_corners, float[]? scale_factors) -> Tensor" "UpsampleBilinear2DAaBackward0" Method::Antialias(Filter::Triangle);
    2 "_upsample_bicubic2d_aa(Tensor input, int[]? output_size, bool align_corners, float[]? scale_factors) -> Tensor" "UpsampleBicubic2DAaBackward0" Method::Antialias(Filter::Cubic);
    2 "_upsample_lanczos2d_aa(Tensor input, int[]? output_size, bool align_corners, float[]? scale_factors) -> Tensor" "UpsampleLanczos2DAaBackward0" Method::Antialias(Filter::Lanczos);
}
