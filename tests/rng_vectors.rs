//! Random numbers against recorded ones: tests/data/rng_vectors.txt holds hashes of what torch 2.13 draws on x86-64.
//! tests/data/make_rng_vectors.py makes the file; each case here mirrors the one of its name there.

#![allow(clippy::undocumented_unsafe_blocks, reason = "buffers of this file, viewed within their bounds")]

use half::{bf16, f16};
use rustorch::cpu::random::*;
use rustorch::tensor::{DType, Generator, Strided};

const SEEDS: [u64; 4] = [0, 12345, 7u64.wrapping_neg(), 1 << 63];
const LARGE: usize = 150_003;

fn fnv(h: &mut u64, data: &[u8]) {
    for word in data.chunks(8) {
        let mut padded = [0; 8];
        padded[..word.len()].copy_from_slice(word);
        *h = (*h ^ u64::from_le_bytes(padded)).wrapping_mul(0x100_0000_01b3);
    }
}

/// A zeroed contiguous array.
struct Array {
    dtype: DType,
    shape: Vec<usize>,
    strides: Vec<isize>,
    data: Vec<u128>,
}

fn row_major(shape: &[usize]) -> Vec<isize> {
    (0..shape.len()).map(|d| shape[d + 1..].iter().product::<usize>() as isize).collect()
}

impl Array {
    fn zeros(shape: &[usize], dtype: DType) -> Self {
        let words = (shape.iter().product::<usize>() * dtype.size()).div_ceil(16);
        Array { dtype, shape: shape.into(), strides: row_major(shape), data: vec![0; words] }
    }

    /// Elements given as doubles.
    fn of(shape: &[usize], dtype: DType, f: impl Fn(usize) -> f64) -> Self {
        let a = Self::zeros(shape, dtype);
        let p = a.view().ptr;
        for i in 0..a.view().numel() {
            let x = f(i);
            unsafe {
                match dtype {
                    DType::F32 => p.cast::<f32>().add(i).write(x as f32),
                    DType::F64 => p.cast::<f64>().add(i).write(x),
                    DType::F16 => p.cast::<f16>().add(i).write(f16::from_f64(x)),
                    _ => p.cast::<bf16>().add(i).write(bf16::from_f64(x)),
                }
            }
        }
        a
    }

    fn view(&self) -> Strided<'_> {
        Strided { ptr: self.data.as_ptr() as *mut u8, dtype: self.dtype, shape: &self.shape, strides: &self.strides }
    }

    fn bytes(&self) -> &[u8] {
        let v = self.view();
        unsafe { std::slice::from_raw_parts(v.ptr, v.numel() * self.dtype.size()) }
    }
}

fn probs(n: usize, d: DType) -> Array {
    Array::of(&[n], d, |i| (i % 16) as f64 / 16.0)
}

fn range(d: DType, from: i64, to: Option<i64>) -> IntRange {
    int_range(d, from, to).unwrap()
}

/// One fill by name.
fn fill(name: &str, out: &Strided<'_>, g: &Generator) {
    let d = out.dtype;
    match name {
        "uniform" => uniform(out, 0.0, 1.0, g),
        "uniform_range" => uniform(out, -2.3, 3.7, g),
        "normal" => normal(out, 0.0, 1.0, g),
        "normal_range" => normal(out, 0.7, 1.3, g),
        "random" => random_full(out, g),
        "random_to_2" => random(out, range(d, 0, Some(2)), g),
        "random_100" => random(out, range(d, 3, Some(103)), g),
        "random_signed" => random(out, range(d, -100, Some(27)), g),
        "random_2^28-1" => random(out, range(d, 0, Some((1 << 28) - 1)), g),
        "random_2^28" => random(out, range(d, 0, Some(1 << 28)), g),
        "random_2^41" => random(out, range(d, -(1 << 40), Some(1 << 40)), g),
        "random_from_1" => random(out, range(d, 1, None), g),
        "random_all" => random(out, range(d, i64::MIN, None), g),
        "random_ends" => {
            let (from, to) = match d {
                DType::F16 => (-2049, 60_001),
                DType::BF16 => (-1003, 70_001),
                DType::F32 => (-(1 << 25) - 1, (1 << 24) + 5),
                _ => ((1 << 55) + 1, (1 << 60) - 1),
            };
            random(out, range(d, from, Some(to)), g);
        }
        "randperm" => randperm(out, g),
        "bernoulli" => bernoulli(out, 0.3, g),
        "bernoulli_1" => bernoulli(out, 1.0, g),
        "bernoulli_into" => bernoulli_tensor(out, &probs(out.numel(), DType::F32).view(), g).unwrap(),
        "exponential" => exponential(out, 1.0, g),
        "exponential_1.3" => exponential(out, 1.3, g),
        "cauchy" => cauchy(out, 0.7, 1.3, g),
        "geometric" => geometric(out, 0.37, g),
        "geometric_rare" => geometric(out, 1e-9, g),
        "log_normal" => log_normal(out, 0.7, 1.3, g),
        _ => panic!("no case {name}"),
    }
}

/// Fills a view of a buffer and gives back the buffer.
fn fill_view(name: &str, kind: &str, n: usize, d: DType, g: &Generator) -> Array {
    let buffer = Array::zeros(&[8 * n], d);
    let m = n as isize;
    let (offset, shape, strides): (usize, Vec<usize>, Vec<isize>) = match kind {
        "step" => (1, vec![n], vec![2]),
        "t" => (0, vec![3, n], vec![1, 3]),
        "columns" => (1, vec![n, 2], vec![4, 1]),
        _ => (1, vec![2, 2, n], vec![1, 4 * m, 4]),
    };
    let ptr = unsafe { buffer.view().ptr.add(offset * d.size()) };
    let case = if matches!(name, "random_100" | "bernoulli") { name.to_owned() } else { format!("{name}_range") };
    let case = if name == "exponential" { "exponential_1.3" } else { &case };
    fill(case, &Strided { ptr, dtype: d, shape: &shape, strides: &strides }, g);
    buffer
}

/// The outputs of one call of a case.
fn draw(name: &str, n: usize, d: DType, g: &Generator) -> Vec<Array> {
    if let Some((name, kind)) = name.split_once('/') {
        return vec![fill_view(name, kind, n, d, g)];
    }
    let rates = |n: usize, shift: f64| Array::of(&[n], d, |i| (i % 61) as f64 / 2.0 - shift);
    let out = Array::zeros(&[n], d);
    match name {
        "bernoulli_p" => {
            let out = Array::zeros(&[n], DType::F32);
            bernoulli_tensor(&out.view(), &probs(n, d).view(), g).unwrap();
            return vec![out];
        }
        "multinomial" | "multinomial_3" => {
            let rows = if name == "multinomial" { 1 } else { 3 };
            let p = Array::of(&[rows, n], d, |i| (i % 13) as f64 + 0.25);
            let out = Array::zeros(&[rows, n + 3], DType::I64);
            multinomial_with_replacement(&p.view(), &out.view(), g).unwrap();
            return vec![out];
        }
        "poisson" => poisson(&rates(n, 0.0).view(), &out.view(), g).unwrap(),
        "binomial" => binomial(&Array::of(&[n], d, |i| (i % 97) as f64).view(), &probs(n, d).view(), &out.view(), g),
        "gamma" => standard_gamma(&Array::of(&[n], d, |i| (i % 40) as f64 / 8.0).view(), &out.view(), g),
        "dirichlet" => {
            let alpha = Array::of(&[n, 3], d, |i| (i % 40) as f64 / 8.0);
            let (gamma, out) = (Array::zeros(&[n, 3], DType::F64), Array::zeros(&[n, 3], d));
            standard_gamma(&alpha.view(), &gamma.view(), g);
            let row = |i| unsafe { std::slice::from_raw_parts(gamma.view().ptr.cast::<f64>().add(3 * i), 3) };
            let sum = Array::of(&[n], DType::F64, |i| row(i).iter().sum());
            let sums = Strided { ptr: sum.view().ptr, dtype: DType::F64, shape: &[n, 3], strides: &[1, 0] };
            dirichlet_normalize(&gamma.view(), &sums, &out.view());
            return vec![out];
        }
        "dropout_0.4" | "dropout_0.9" => {
            let keep = Array::zeros(&[n], DType::Bool);
            let p = if name == "dropout_0.4" { 0.4 } else { 0.9 };
            dropout(&rates(n, 7.0).view(), &out.view(), &keep.view(), p, g);
        }
        "dropout_t" => {
            let (x, y, keep) = (rates(3 * n, 0.0), Array::zeros(&[3 * n], d), Array::zeros(&[3 * n], DType::Bool));
            let shape = [3, n];
            let t = |a: &Array| Strided { ptr: a.view().ptr, dtype: a.dtype, shape: &shape, strides: &[1, 3] };
            dropout(&t(&x), &t(&y), &t(&keep), 0.3, g);
            return vec![y];
        }
        "rrelu" => {
            let noise = Array::zeros(&[n], d);
            rrelu(&rates(n, 14.0).view(), &out.view(), &noise.view(), 0.125, 1.0 / 3.0, g);
            return vec![out, noise];
        }
        _ => fill(name, &out.view(), g),
    }
    vec![out]
}

#[test]
fn recorded_draws() {
    let mut wrong = vec![];
    let mut count = 0;
    for line in include_str!("data/rng_vectors.txt").lines() {
        let mut words = line.split(' ');
        let (name, dtype) = (words.next().unwrap(), words.next().unwrap());
        let d = DType::ALL.into_iter().find(|d| d.name() == dtype).unwrap();
        for entry in words {
            let (n, want) = entry.split_once(':').unwrap();
            let n: usize = n.parse().unwrap();
            let g = Generator::new();
            let mut h = 0xcbf2_9ce4_8422_2325;
            for &seed in if n < LARGE { &SEEDS[..] } else { &SEEDS[1..2] } {
                g.manual_seed(seed);
                for _ in 0..2 {
                    draw(name, n, d, &g).iter().for_each(|a| fnv(&mut h, a.bytes()));
                }
                fnv(&mut h, &g.get_state());
            }
            count += 1;
            if format!("{:08x}", h as u32) != want {
                wrong.push(format!("{name} {dtype} {n}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {count} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count > 1000);
}
