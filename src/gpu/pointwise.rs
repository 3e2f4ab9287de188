//! Element by element: what the host writes into `shaders/pointwise.wgsl`, and how a call is cut.

use super::context::Gpu;
use super::element::{WIDE, check_stored, computed, convert, held, load, stored};
use super::memory::Block;
use super::pipeline::{GROUP, Key};
use super::stream::Binding;
use crate::error::{Kind, Result, three_parts};
use crate::tensor::DType;
use smallvec::SmallVec;
use std::fmt::Write;
use std::hash::{DefaultHasher, Hash, Hasher};

/// A tensor in a kernel: elements of `dtype` from `offset` on, `strides` apart, all in elements.
#[derive(Clone, Copy)]
pub struct Operand<'a> {
    /// Where it lies.
    pub block: &'a Block,
    /// What it is made of.
    pub dtype: DType,
    /// Its first element.
    pub offset: usize,
    /// One stride per dim of the call, 0 where it is broadcast.
    pub strides: &'a [isize],
}

/// An input of a call.
#[derive(Clone, Copy)]
pub enum Input<'a> {
    /// A tensor.
    Tensor(Operand<'a>),
    /// A number, as float and as integer; the call's compute dtype decides which.
    Number(f64, i64),
}

/// `out[i] = f(ins[0][i], ...)` over a shape.
pub struct Call<'a> {
    /// For messages.
    pub name: &'static str,
    /// The function in WGSL, of `a`, `b`, `c`, `d` and the attributes `f0` to `f3` and `i0` to `i3`.
    pub expr: &'static str,
    /// What it computes in: float32, int32, int64 or bool (as 0 and 1, unsigned).
    pub compute: DType,
    /// Whether it gives a truth value of WGSL.
    pub is_test: bool,
    /// The inputs.
    pub ins: &'a [Input<'a>],
    /// The result.
    pub out: Operand<'a>,
    /// The extents.
    pub shape: &'a [usize],
    /// Floating attributes.
    pub f: [f64; 4],
    /// Integer attributes.
    pub i: [i64; 4],
}

/// Extents and strides with neighbouring dims made one where all operands allow it, those of extent 1 left out.
pub(super) struct Loops {
    pub shape: SmallVec<[u32; 6]>,
    /// For each operand, the output last.
    pub strides: Vec<SmallVec<[i64; 6]>>,
}

impl Loops {
    pub fn new(shape: &[usize], operands: &[&[isize]]) -> Loops {
        let mut l = Loops { shape: SmallVec::new(), strides: vec![SmallVec::new(); operands.len()] };
        // In the order in which the result lies in memory, so that neighbours are written side by side.
        let out = operands[operands.len() - 1];
        let mut dims: SmallVec<[usize; 6]> = (0..shape.len()).filter(|&d| shape[d] != 1).collect();
        dims.sort_by_key(|&d| -out[d]);
        for d in dims {
            let n = shape[d];
            let joins = !l.shape.is_empty()
                && operands.iter().zip(&l.strides).all(|(o, s)| s[s.len() - 1] == o[d] as i64 * n as i64);
            if joins {
                let last = l.shape.len() - 1;
                l.shape[last] *= n as u32;
                operands.iter().zip(&mut l.strides).for_each(|(o, s)| s[last] = o[d] as i64);
            } else {
                l.shape.push(n as u32);
                operands.iter().zip(&mut l.strides).for_each(|(o, s)| s.push(o[d] as i64));
            }
        }
        if l.shape.is_empty() {
            l.shape.push(1);
            l.strides.iter_mut().for_each(|s| s.push(0));
        }
        l
    }

    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    /// Do the results lie side by side?
    fn is_dense(&self) -> bool {
        let strides = &self.strides[self.strides.len() - 1];
        let mut next = 1;
        self.shape.iter().zip(strides).rev().all(|(&n, &s)| {
            let fits = s == next || n == 1;
            next *= i64::from(n);
            fits
        })
    }
}

/// A part of a buffer: its first byte and its size.
type Window = (u64, u64);

fn tensors<'a>(ins: &'a [Input<'a>]) -> impl Iterator<Item = &'a Operand<'a>> {
    ins.iter().filter_map(|i| match i {
        Input::Tensor(o) => Some(o),
        Input::Number(..) => None,
    })
}

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// Which of f0 to f3 and of i0 to i3 an expression uses.
pub(super) fn attributes(expr: &str) -> ([bool; 4], [bool; 4]) {
    let (mut fs, mut is) = ([false; 4], [false; 4]);
    let bytes = expr.as_bytes();
    for (at, pair) in bytes.windows(2).enumerate() {
        let k = pair[1].wrapping_sub(b'0') as usize;
        let begins = at == 0 || !(bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
        let ends = bytes.get(at + 2).is_none_or(|c| !(c.is_ascii_alphanumeric() || *c == b'_'));
        if k < 4 && begins && ends {
            match pair[0] {
                b'f' => fs[k] = true,
                b'i' => is[k] = true,
                _ => {}
            }
        }
    }
    (fs, is)
}

impl Gpu {
    /// Runs a call. The output overlaps no input, or lies exactly as it.
    pub fn pointwise(&self, call: &Call) -> Result<()> {
        let n: usize = call.shape.iter().product();
        if n == 0 {
            return Ok(());
        }
        check_count(call.name, n)?;
        // The tensors among the inputs, and the output last.
        let all: SmallVec<[&Operand; 5]> = tensors(call.ins).chain([&call.out]).collect();
        for o in &all {
            check_stored(call.name, o.dtype)?;
            self.check_owner(call.name, o.block)?;
        }
        let fit = all.iter().all(|o| o.block.nbytes() <= self.reach());
        let mut stream = self.stream();
        if stream.fusing && fit && stream.fuse(self, call)? {
            return Ok(());
        }
        drop(stream);
        let strides: SmallVec<[&[isize]; 5]> = all.iter().map(|o| o.strides).collect();
        let loops = Loops::new(call.shape, &strides);
        let starts: SmallVec<[i64; 5]> = all.iter().map(|o| o.offset as i64).collect();
        if fit {
            let whole: SmallVec<[Window; 5]> = all.iter().map(|o| (0, o.block.nbytes())).collect();
            return self.run_loops(call, &all, &loops, &starts, &whole);
        }
        self.in_windows(call, &all, &loops, &starts)
    }

    /// A call on tensors that are too large for a binding: over rows of the outermost dim, as many at a time as fit.
    fn in_windows(&self, call: &Call, all: &[&Operand], loops: &Loops, starts: &[i64]) -> Result<()> {
        let rows = loops.shape[0] as usize;
        // Bytes that each operand reaches in so many rows: the first, and behind the last.
        let reach = |first: usize, count: usize| -> SmallVec<[Window; 5]> {
            let span = |k: usize| {
                let (mut low, mut high) = (starts[k] + first as i64 * loops.strides[k][0], 0);
                for (d, &n) in loops.shape.iter().enumerate() {
                    let far = loops.strides[k][d] * (if d == 0 { count as i64 } else { i64::from(n) } - 1);
                    (low, high) = (low + far.min(0), high + far.abs());
                }
                let size = all[k].dtype.size() as i64;
                let align = self.caps().alignment as i64;
                // Bindings begin at multiples of the alignment.
                let begin = low * size / align * align;
                (begin as u64, ((low + high + 1) * size - begin) as u64)
            };
            (0..all.len()).map(span).collect()
        };
        let fits = |count: usize| reach(0, count).iter().all(|w| w.1 + self.caps().alignment <= self.reach());
        // Words of small elements, and rows that begin at an alignment, are not cut.
        let step = if loops.rank() == 1 { 4 * GROUP as usize } else { 4 };
        let mut count = rows;
        while count > step && !fits(count) {
            count = count.div_ceil(2).next_multiple_of(step);
        }
        if !fits(count) {
            return all.iter().try_for_each(|o| self.check_reach(call.name, o));
        }
        for first in (0..rows).step_by(count) {
            let now = count.min(rows - first);
            let windows = reach(first, now);
            let at: SmallVec<[i64; 5]> = (0..all.len())
                .map(|k| {
                    starts[k] + first as i64 * loops.strides[k][0] - windows[k].0 as i64 / all[k].dtype.size() as i64
                })
                .collect();
            let mut part = Loops { shape: loops.shape.clone(), strides: loops.strides.clone() };
            part.shape[0] = now as u32;
            self.run_loops(call, all, &part, &at, &windows)?;
        }
        Ok(())
    }

    /// One call of the shader; `starts` are the operands' first elements in their windows.
    fn run_loops(
        &self,
        call: &Call,
        all: &[&Operand],
        loops: &Loops,
        starts: &[i64],
        windows: &[Window],
    ) -> Result<()> {
        let n: usize = loops.shape.iter().map(|&n| n as usize).product();
        // An operand that is read and written is one binding for the driver: all are writable then.
        let aliased = tensors(call.ins).any(|o| std::ptr::eq(o.block, call.out.block));
        // Small elements that share words with others are put there bit by bit.
        let per_word = 4 / call.out.dtype.size().min(4);
        let out = all.len() - 1;
        let shared = per_word > 1 && !(loops.is_dense() && (starts[out] as usize).is_multiple_of(per_word));
        let (fs, is) = attributes(call.expr);
        let mut params: SmallVec<[u32; 48]> = SmallVec::new();
        params.push(n as u32);
        params.extend(loops.shape.iter().copied());
        for (start, s) in starts.iter().zip(&loops.strides) {
            params.push(*start as u32);
            params.extend(s.iter().map(|&s| s as i32 as u32));
        }
        let compute = computed(call.compute);
        let whole = |params: &mut SmallVec<[u32; 48]>, i: i64| {
            params.push(i as u32);
            params.extend((compute == WIDE).then_some((i >> 32) as u32));
        };
        for input in call.ins {
            match *input {
                Input::Number(f, _) if compute == "f32" => params.push((f as f32).to_bits()),
                Input::Number(_, i) => whole(&mut params, i),
                Input::Tensor(_) => {}
            }
        }
        params.extend((0..4).filter(|&k| fs[k]).map(|k| (call.f[k] as f32).to_bits()));
        (0..4).filter(|&k| is[k]).for_each(|k| whole(&mut params, call.i[k]));

        let mut writes: SmallVec<[bool; 5]> = tensors(call.ins).map(|_| aliased).collect();
        writes.push(true);
        let mut hash = DefaultHasher::new();
        call.expr.hash(&mut hash);
        // Which inputs are numbers.
        call.ins.iter().for_each(|i| matches!(i, Input::Number(..)).hash(&mut hash));
        let dtypes = all.iter().fold(call.compute as u64, |k, o| k << 5 | (o.dtype as u64 + 1));
        let flags = [shared, aliased, call.is_test];
        let shape = flags.iter().fold(loops.rank() as u64, |k, &f| k << 1 | u64::from(f));
        let key = Key { kernel: "pointwise", choices: [hash.finish(), dtypes, shape] };
        let pipeline = self.pipelines.get(self, key, &writes, params.len(), || {
            let mut defs = vec![
                ("FIELDS", fields(loops, all.len(), call, fs, is)),
                ("BINDINGS", bindings(all.len() - 1, aliased, shared)),
                ("VALUE", value(call, loops, fs, is)),
                ("PLACE", index(loops, all.len() - 1, "return")),
                ("BITS", if call.out.dtype == DType::I64 { WIDE } else { "u32" }.to_owned()),
            ];
            if call.out.dtype == DType::I64 || compute == WIDE {
                defs.push(("WIDE", String::new()));
            }
            match call.out.dtype.size() {
                _ if shared => defs.push(("SHARED", (32 / per_word).to_string())),
                1 => defs.push(("BITS8", String::new())),
                2 => defs.push(("BITS16", String::new())),
                8 => defs.push(("BITS64", String::new())),
                _ => {}
            }
            defs
        })?;
        let binds: SmallVec<[Binding; 5]> =
            all.iter().zip(windows).map(|(o, w)| Binding::window(&o.block.raw, w.0, w.1)).collect();
        self.stream().dispatch(self, &pipeline, &binds, &params, self.groups(n.div_ceil(4 * GROUP as usize)))
    }

    /// A grid of at least so many workgroups.
    pub(super) fn groups(&self, n: usize) -> (u32, u32) {
        let most = self.caps().max_groups as usize;
        let rows = n.div_ceil(most).max(1);
        (n.div_ceil(rows) as u32, rows as u32)
    }

    /// An error if a tensor is on a device that was reset meanwhile.
    pub(super) fn check_owner(&self, name: &str, block: &Block) -> Result<()> {
        self.check_process()?;
        if std::ptr::eq(&**block.gpu(), self) {
            return Ok(());
        }
        Err(three_parts(
            Kind::Runtime,
            None,
            format!("{name}: expected tensors of the GPU that is in use"),
            "one from before rustorch.gpu.reset()".to_owned(),
            "Make it again from data on the CPU.".to_owned(),
        ))
    }

    /// Bytes that a kernel can use of a tensor: it finds elements by signed words of 32 bits.
    fn reach(&self) -> u64 {
        self.caps().max_binding.min(1 << 31)
    }

    /// An error if an operand does not fit a binding, or its indices not 32 bits.
    pub(super) fn check_reach(&self, name: &str, o: &Operand) -> Result<()> {
        let most = self.reach();
        if o.block.nbytes() <= most {
            return Ok(());
        }
        Err(three_parts(
            Kind::NotImplemented,
            None,
            format!("{name}: expected tensors of at most {most} bytes on this GPU"),
            format!("one of {} bytes", o.block.nbytes()),
            "Split the tensor, or set RUSTORCH_GPU_FALLBACK=1 to run the operation on the CPU.".to_owned(),
        ))
    }
}

/// An error if elements cannot be counted in 32 bits, with room for the workgroups that run over the end.
pub(super) fn check_count(name: &str, n: usize) -> Result<()> {
    const MOST: usize = (1 << 32) - (1 << 24);
    if n <= MOST {
        return Ok(());
    }
    Err(three_parts(
        Kind::NotImplemented,
        None,
        format!("{name}: expected at most {MOST} elements on the GPU"),
        n.to_string(),
        "Split the tensor, or set RUSTORCH_GPU_FALLBACK=1 to run the operation on the CPU.".to_owned(),
    ))
}

/// The members of the parameters, in their order.
fn fields(l: &Loops, operands: usize, call: &Call, fs: [bool; 4], is: [bool; 4]) -> String {
    let mut s = "    n: u32,\n".to_owned();
    for d in 0..l.rank() {
        let _ = writeln!(s, "    size{d}: u32,");
    }
    for k in 0..operands {
        let _ = writeln!(s, "    offset{k}: u32,");
        for d in 0..l.rank() {
            let _ = writeln!(s, "    stride{k}_{d}: i32,");
        }
    }
    // Two words apart, which have no alignment of their own.
    let field = |s: &mut String, name: &str, kind: &str| {
        let _ = match kind {
            WIDE => writeln!(s, "    {name}: u32,\n    {name}_high: u32,"),
            _ => writeln!(s, "    {name}: {kind},"),
        };
    };
    let compute = computed(call.compute);
    for (input, name) in call.ins.iter().zip(NAMES) {
        if let Input::Number(..) = input {
            field(&mut s, &format!("number_{name}"), compute);
        }
    }
    for k in (0..4).filter(|&k| fs[k]) {
        let _ = writeln!(s, "    f{k}: f32,");
    }
    for k in (0..4).filter(|&k| is[k]) {
        field(&mut s, &format!("i{k}"), if compute == WIDE { WIDE } else { "i32" });
    }
    s
}

fn bindings(ins: usize, aliased: bool, shared: bool) -> String {
    let access = if aliased { "read_write" } else { "read" };
    let word = if shared { "atomic<u32>" } else { "u32" };
    let mut s = String::new();
    for k in 0..ins {
        let _ = writeln!(s, "@group(0) @binding({k}) var<storage, {access}> in{k}: array<u32>;");
    }
    let _ = writeln!(s, "@group(0) @binding({ins}) var<storage, read_write> out: array<{word}>;");
    s
}

/// Statements that find where element i of operand k lies, `give` before the last expression.
fn index(l: &Loops, k: usize, give: &str) -> String {
    let mut s = format!("    var rest{k} = i;\n    var at{k} = i32(params.offset{k});\n");
    for d in (1..l.rank()).rev() {
        let _ = writeln!(s, "    at{k} += i32(rest{k} % params.size{d}) * params.stride{k}_{d};");
        let _ = writeln!(s, "    rest{k} = rest{k} / params.size{d};");
    }
    let _ = writeln!(s, "    at{k} += i32(rest{k}) * params.stride{k}_0;");
    let _ = write!(s, "    {give} u32(at{k});");
    s
}

/// Element i of the result as bits.
fn value(call: &Call, l: &Loops, fs: [bool; 4], is: [bool; 4]) -> String {
    let mut s = String::new();
    let compute = computed(call.compute);
    let number = |field: String| {
        if compute == WIDE {
            format!("vec2<u32>(params.{field}, params.{field}_high)")
        } else {
            format!("params.{field}")
        }
    };
    let mut k = 0;
    for (input, name) in call.ins.iter().zip(NAMES) {
        let Input::Tensor(o) = input else {
            let _ = writeln!(s, "    let {name} = {};", number(format!("number_{name}")));
            continue;
        };
        s += &index(l, k, &format!("let e{k} ="));
        s.push('\n');
        let load = load(o.dtype, compute, &format!("in{k}"), &format!("e{k}"));
        let _ = writeln!(s, "    let {name} = {load};");
        k += 1;
    }
    for k in (0..4).filter(|&k| fs[k]) {
        let _ = writeln!(s, "    let f{k} = params.f{k};");
    }
    for k in (0..4).filter(|&k| is[k]) {
        let _ = writeln!(s, "    let i{k} = {};", number(format!("i{k}")));
    }
    let (stored_as, _) = stored(call.out.dtype).unwrap_or(("f32", 0));
    // Two words are stored as they are.
    let (to, store) = match call.out.dtype {
        DType::I64 => (WIDE, String::new()),
        d => (held(d), format!("bits_{stored_as}")),
    };
    let result = if call.is_test {
        convert("u32", to, &format!("select(0u, 1u, {})", call.expr))
    } else if call.out.dtype == DType::Bool && compute == WIDE {
        format!("select(0u, 1u, some64({}))", call.expr)
    } else if call.out.dtype == DType::Bool && compute != "u32" {
        // NaN is true.
        format!("select(1u, 0u, ({}) == {compute}(0))", call.expr)
    } else if call.out.dtype == DType::U8 && compute == "f32" {
        // Negative numbers wrap.
        format!("u32(i32({}))", call.expr)
    } else {
        convert(compute, to, call.expr)
    };
    let _ = write!(s, "    return {store}({result});");
    s
}
