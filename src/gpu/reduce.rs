//! Reductions: what the host writes into `shaders/reduce.wgsl`, and how groups are shared out.

use super::context::Gpu;
use super::element::{WIDE, check_stored, computed, held, load};
use super::fuse::Chain;
use super::pipeline::{GROUP, Key};
use super::pointwise::{Loops, Operand, check_count};
use super::stream::{Binding, Stream};
use crate::error::Result;
use crate::tensor::DType;
use smallvec::SmallVec;
use std::fmt::Write;
use std::hash::{DefaultHasher, Hash, Hasher};

/// What is computed of each group of elements, in WGSL.
#[derive(Clone, Copy, Hash)]
pub struct Reduction {
    /// Of an element `v`.
    pub map: &'static str,
    /// What nothing gives.
    pub identity: &'static str,
    /// Of two results `a` and `b`, in any grouping.
    pub combine: &'static str,
    /// Of the whole result `acc` and the group's length `params.length`.
    pub finish: &'static str,
    /// What it computes in: float32, int32, words without a sign or int64.
    pub compute: DType,
}

/// Groups of at most this many elements are summed by one invocation each.
const SHORT: usize = 64;
/// So many outputs are enough to have an invocation each, where neighbours in memory are not of one group.
const MANY: usize = 1024;
/// Beyond this length one invocation's sum would lose digits.
const LONG: usize = 4096;
/// Elements of a run, where few groups are long.
const RUN: usize = 16384;
/// With at least so many outputs, every group is one run.
const FEW: usize = 64;

impl Gpu {
    /// Reduces `x` of `shape` over the dims where `kept` has extent 1 and `shape` has not, into `out`, which is contiguous.
    pub fn reduce(
        self: &std::sync::Arc<Self>,
        r: Reduction,
        x: Operand,
        shape: &[usize],
        out: Operand,
        kept: &[usize],
    ) -> Result<()> {
        let outputs: usize = kept.iter().product();
        if outputs == 0 {
            return Ok(());
        }
        check_count("reduce", shape.iter().product())?;
        check_stored("reduce", x.dtype)?;
        if out.dtype.size() < 4 {
            // Outputs that share words: by way of whole words.
            let words = if held(r.compute) == "f32" { DType::F32 } else { DType::I32 };
            let block = self.alloc(4 * outputs as u64)?;
            let wide = Operand { block: &block, dtype: words, offset: 0, strides: &[1] };
            self.reduce(r, x, shape, wide, kept)?;
            return self.copy(wide, Operand { strides: &[1], ..out }, &[outputs]);
        }
        self.check_owner("reduce", x.block)?;
        self.check_reach("reduce", &x)?;
        let dims = |reduced: bool| -> (SmallVec<[usize; 6]>, SmallVec<[isize; 6]>) {
            (0..shape.len()).filter(|&d| (kept[d] != shape[d]) == reduced).map(|d| (shape[d], x.strides[d])).unzip()
        };
        let ((outer, outer_steps), (inner, inner_steps)) = (dims(false), dims(true));
        // Outputs lie in the order of their dims, whose places Loops must not exchange: their own strides say so.
        let order = crate::tensor::layout::contiguous_strides(&outer);
        let outer = Loops::new(&outer, &[&outer_steps, &order]);
        let inner = Loops::new(&inner, &[&inner_steps]);
        let length: usize = inner.shape.iter().map(|&n| n as usize).product();
        let length = if shape.contains(&0) { 0 } else { length };
        let scattered = inner.strides[0].last() != Some(&1) && length > 1;
        let lanes = length <= SHORT || (scattered && outputs >= MANY && length <= LONG);
        let parts = if lanes || outputs >= FEW { 1 } else { length.div_ceil(RUN).max(1) };
        if parts == 1 {
            return self.reduce_first(r, (x, &outer, &inner, length), out, outputs, (lanes, 1), shape);
        }
        // Each run's result, then all results of an output.
        let kind = match computed(r.compute) {
            WIDE => DType::I64,
            "f32" => DType::F32,
            _ => DType::I32,
        };
        let block = self.alloc((kind.size() * outputs * parts) as u64)?;
        let between = Operand { block: &block, dtype: kind, offset: 0, strides: &[] };
        let first = Reduction { finish: "acc", ..r };
        self.reduce_first(first, (x, &outer, &inner, length), between, outputs, (false, parts), shape)?;
        let of = |n: usize, step: isize| Loops::new(&[n], &[&[step], &[step]]);
        let second = Reduction { map: "v", ..r };
        let (rows, run) = (of(outputs, parts as isize), of(parts, 1));
        let mut stream = self.stream();
        let call = (second, (between, &rows, &run, parts), out, outputs, (parts <= SHORT, 1), length);
        self.reduce_once(&mut stream, call, None)
    }

    /// The call that reads the tensor; pointwise calls that wait and end in it become a part of it.
    fn reduce_first(
        &self,
        r: Reduction,
        input: (Operand, &Loops, &Loops, usize),
        out: Operand,
        outputs: usize,
        cut: (bool, usize),
        shape: &[usize],
    ) -> Result<()> {
        let mut stream = self.stream();
        let chain = if computed(r.compute) == "f32" { stream.close(&input.0, shape, out.block) } else { None };
        let length = input.3;
        self.reduce_once(&mut stream, (r, input, out, outputs, cut, length), chain.as_ref())
    }

    /// One call of the shader; `count` is the length that `finish` sees.
    fn reduce_once(
        &self,
        stream: &mut Stream,
        (r, (x, outer, inner, length), out, outputs, (lanes, parts), count): OneCall,
        chain: Option<&Chain>,
    ) -> Result<()> {
        let mut params: SmallVec<[u32; 32]> = SmallVec::new();
        let run = length.div_ceil(parts);
        params.extend([outputs as u32, length as u32, count as u32, parts as u32, run as u32]);
        params.extend([x.offset as u32, out.offset as u32]);
        for l in [outer, inner] {
            params.extend(l.shape.iter().copied());
            params.extend(l.strides[0].iter().map(|&s| s as i32 as u32));
        }
        let mut hash = DefaultHasher::new();
        (r, chain.map(|c| c.hash)).hash(&mut hash);
        let choices = (outer.rank() as u64) << 40 | (inner.rank() as u64) << 32 | u64::from(lanes);
        let dtypes = (x.dtype as u64) << 8 | out.dtype as u64;
        let key = Key { kernel: "reduce", choices: [hash.finish(), dtypes, choices] };
        let mut bindings: SmallVec<[Binding; 8]> = SmallVec::new();
        let mut writes: SmallVec<[bool; 8]> = SmallVec::new();
        match chain {
            Some(c) => {
                params.extend_from_slice(&c.params);
                (bindings, writes) = (c.bindings(), c.writes());
            }
            None => {
                bindings.push(Binding::whole(x.block));
                writes.push(false);
            }
        }
        bindings.push(Binding::whole(out.block));
        writes.push(true);
        let pipeline =
            self.pipelines.get(self, key, &writes, params.len(), || defs(r, x, outer, inner, out, lanes, chain))?;
        let (across, down) = self.groups(if lanes { outputs.div_ceil(GROUP as usize) } else { outputs * parts });
        stream.dispatch3(self, &pipeline, &bindings, &params, (across, down, 1))
    }
}

/// A reduction; how its groups and their elements are found, and how many these are; where results go, and how many; whether
/// an invocation makes one, and in how many runs a group is cut; the length that `finish` sees.
type OneCall<'a> = (Reduction, (Operand<'a>, &'a Loops, &'a Loops, usize), Operand<'a>, usize, (bool, usize), usize);

fn defs(
    r: Reduction,
    x: Operand,
    outer: &Loops,
    inner: &Loops,
    out: Operand,
    lanes: bool,
    chain: Option<&Chain>,
) -> Vec<(&'static str, String)> {
    let compute = computed(r.compute);
    let mut fields = String::new();
    for name in ["outputs", "length", "count", "parts", "run", "first", "to"] {
        let _ = writeln!(fields, "    {name}: u32,");
    }
    for (l, name) in [(outer, "outer"), (inner, "inner")] {
        for d in 0..l.rank() {
            let _ = writeln!(fields, "    {name}_size{d}: u32,");
        }
        for d in 0..l.rank() {
            let _ = writeln!(fields, "    {name}_step{d}: i32,");
        }
    }
    let place = |l: &Loops, name: &str, start: &str| {
        let mut s = format!("    var rest = i;\n    var at = {start};\n");
        for d in (1..l.rank()).rev() {
            let _ = writeln!(s, "    at += i32(rest % params.{name}_size{d}) * params.{name}_step{d};");
            let _ = writeln!(s, "    rest = rest / params.{name}_size{d};");
        }
        let _ = write!(s, "    return at + i32(rest) * params.{name}_step0;");
        s
    };
    let result = r.finish.replace("params.length", "params.count");
    let store = match (out.dtype, compute) {
        (DType::I64, WIDE) => result.clone(),
        (DType::I64, "i32") => format!("i64_of_i32({result})"),
        (DType::I64, "f32") => format!("i64_of_f32({result})"),
        (DType::I64, _) => format!("i64_of_u32({result})"),
        (_, WIDE) => format!("({result}).x"),
        (DType::F32, "f32") => format!("bitcast<u32>({result})"),
        (DType::F32, _) => format!("bitcast<u32>(f32({result}))"),
        (_, "f32") => format!("bitcast<u32>(i32({result}))"),
        _ => format!("bitcast<u32>({result})"),
    };
    let mut defs = vec![
        ("FIELDS", fields),
        ("OUTER", place(outer, "outer", "i32(params.first)")),
        ("INNER", place(inner, "inner", "0")),
        ("TYPE", compute.to_owned()),
        ("COMBINE", r.combine.to_owned()),
        ("MAP", r.map.to_owned()),
        ("IDENTITY", r.identity.to_owned()),
        ("LOAD", if chain.is_some() { "chain(e - params.first)".into() } else { load(x.dtype, compute, "in0", "e") }),
        ("STORE", store),
        ("FINISH", r.finish.to_owned()),
    ];
    if let Some(chain) = chain {
        defs.push(("CHAIN", String::new()));
        defs.push(("OUT", chain.writes().len().to_string()));
        defs.extend(chain.defs());
    }
    if lanes {
        defs.push(("LANES", String::new()));
    }
    if out.dtype == DType::I64 {
        defs.push(("BITS64", String::new()));
    }
    if out.dtype == DType::I64 || compute == WIDE {
        defs.push(("WIDE", String::new()));
    }
    defs
}
