//! `run`, `copy` and `fill` over broadcast, permuted, strided and mixed operands against one element at a time.

use super::super::{Fun, Params, cast, copy, fill, has_zero, kernel, run};
use super::{Buffer, Rng};
use crate::tensor::DType;

/// An operand's layout over a common shape.
struct Layout {
    shape: Vec<usize>,
    strides: Vec<isize>,
    len: usize,
    offset: isize,
}

/// A random layout: permuted, with gaps, reversed, and for inputs with broadcast dims.
fn layout(shape: &[usize], input: bool, rng: &mut Rng) -> Layout {
    let mut order: Vec<usize> = (0..shape.len()).collect();
    if rng.below(2) == 0 {
        for i in (1..order.len()).rev() {
            order.swap(i, rng.below(i + 1));
        }
    }
    let mut strides = vec![0isize; shape.len()];
    let mut step = if rng.below(4) == 0 { 2 } else { 1 };
    let mut offset = 0;
    for &d in order.iter().rev() {
        if input && rng.below(4) == 0 {
            continue;
        }
        strides[d] = step as isize;
        let gap = if rng.below(5) == 0 { 1 } else { 0 };
        if rng.below(8) == 0 {
            offset += step * (shape[d].max(1) - 1);
            strides[d] = -strides[d];
        }
        step *= shape[d].max(1) + gap;
    }
    Layout { shape: shape.to_vec(), strides, len: step + 1, offset: offset as isize }
}

fn index(l: &Layout, mut i: usize) -> usize {
    let mut at = l.offset;
    for d in (0..l.shape.len()).rev() {
        at += (i % l.shape[d]) as isize * l.strides[d];
        i /= l.shape[d];
    }
    at as usize
}

const SHAPES: &[&[usize]] = &[
    &[],
    &[0],
    &[1],
    &[7],
    &[3, 0, 2],
    &[5, 3],
    &[300],
    &[2500],
    &[40, 33],
    &[3, 130],
    &[2, 3, 4, 5],
    &[17, 1, 19, 4],
    &[3, 2000],
    &[70, 65],
    &[70, 3, 131],
    &[2, 90, 40],
    &[260, 10],
];

#[test]
fn run_matches_element_by_element() {
    let mut rng = Rng(11);
    let funs = [
        (Fun::Add, DType::F32),
        (Fun::Add, DType::I64),
        (Fun::Mul, DType::F64),
        (Fun::Lt, DType::F32),
        (Fun::Where, DType::F32),
        (Fun::Where, DType::BF16),
        (Fun::Lerp, DType::F32),
        (Fun::Exp, DType::F32),
        (Fun::BitAnd, DType::U8),
        (Fun::Mul, DType::C128),
        (Fun::Abs, DType::C64),
        (Fun::BceWithLogitsPosBackward, DType::F32),
        (Fun::Sin, DType::F64),
    ];
    let p = Params { f: [1.0, 0.0, 0.0, 0.0], i: [1, 0, 0, 0] };
    for round in 0..40 {
        for &(fun, compute) in &funs {
            let shape = SHAPES[rng.below(SHAPES.len())];
            let n: usize = shape.iter().product();
            let plain = round % 2 == 0;
            let mut ins = Vec::new();
            for k in 0..fun.arity() {
                let wanted = fun.in_dtype(k, compute);
                let dtype = if plain || rng.below(2) == 0 { wanted } else { DType::ALL[rng.below(12)] };
                let l = layout(shape, true, &mut rng);
                ins.push((Buffer::random(dtype, l.len, &mut rng), l, wanted));
            }
            let kernel = kernel(fun, compute).unwrap();
            let out_dtype = if plain { kernel.out } else { DType::ALL[rng.below(DType::ALL.len())] };
            let l = layout(shape, false, &mut rng);
            let out = Buffer::random(out_dtype, l.len, &mut rng);
            let expected = out.clone();
            for i in 0..n {
                let mut one = [[0u128; 1]; 4];
                for (k, (b, l, wanted)) in ins.iter().enumerate() {
                    // SAFETY: one element within the buffer.
                    unsafe {
                        let from = b.ptr().add(index(l, i) * b.dtype.size());
                        cast(b.dtype, *wanted)(from, one[k].as_mut_ptr().cast(), 1);
                    }
                }
                let ptrs: [*const u8; 4] = std::array::from_fn(|k| one[k].as_ptr().cast());
                let mut y = 0u128;
                // SAFETY: as above.
                unsafe {
                    kernel.call(&ptrs, (&raw mut y).cast(), 1, &p);
                    let to = expected.ptr().add(index(&l, i) * out_dtype.size());
                    cast(kernel.out, out_dtype)((&raw const y).cast(), to, 1);
                }
            }
            let views: Vec<_> = ins.iter().map(|(b, l, _)| b.strided(l.offset, &l.shape, &l.strides)).collect();
            run(fun, compute, &views, &out.strided(l.offset, &l.shape, &l.strides), &p);
            assert_eq!(out.keys(), expected.keys(), "{fun:?} {compute:?} {shape:?}");
        }
    }
}

#[test]
fn an_input_may_be_the_output() {
    let mut rng = Rng(12);
    for (shape, strides) in [(vec![3000usize], vec![1isize]), (vec![50, 30], vec![1, 50]), (vec![40, 10], vec![20, 1])]
    {
        let a = Buffer::random(DType::F32, 3000, &mut rng);
        let b = Buffer::random(DType::F32, 3000, &mut rng);
        let apart = a.clone();
        let (va, vb) = (a.strided(0, &shape, &strides), b.strided(0, &shape, &strides));
        run(Fun::Sub, DType::F32, &[va, vb], &apart.strided(0, &shape, &strides), &Params::scalar(1.0));
        run(Fun::Sub, DType::F32, &[va, vb], &va, &Params::scalar(1.0));
        assert_eq!(a.keys(), apart.keys());
    }
}

#[test]
fn large_outputs_are_streamed() {
    // Odd length and offset: the edges of the streamed part are not whole lines.
    let n = (5 << 20) + 13;
    let x = Buffer::random(DType::F32, 1000, &mut Rng(13));
    let big = Buffer::zeros(DType::F32, n + 1);
    let (y, z) = (Buffer::zeros(DType::F32, n + 1), Buffer::zeros(DType::F32, n + 1));
    let rows = [n / 1000, 1000];
    let m = rows[0] * 1000;
    copy(&x.strided(0, &rows, &[0, 1]), &big.strided(1, &rows, &[1000, 1]));
    assert!((0..m).step_by(997).all(|i| big.key(i + 1) == x.key(i % 1000)));
    run(Fun::Neg, DType::F32, &[big.strided(1, &[n], &[1])], &y.strided(1, &[n], &[1]), &Params::default());
    run(Fun::Neg, DType::F32, &[y.strided(1, &[n], &[1])], &z.strided(1, &[n], &[1]), &Params::default());
    assert!(z.keys() == big.keys());
    copy(&y.strided(1, &[n], &[1]), &z.strided(1, &[n], &[1]));
    assert!(z.keys() == y.keys());
    let mut value = [0u8; 16];
    value[..4].copy_from_slice(&2.5f32.to_le_bytes());
    fill(&z.strided(1, &[n], &[1]), value);
    assert!((1..=n).all(|i| z.key(i) == (2.5f64).to_bits() as u128) && z.key(0) == 0);
}

#[test]
fn copy_matches_element_by_element() {
    let mut rng = Rng(14);
    for round in 0..600 {
        let shape = SHAPES[rng.below(SHAPES.len())];
        let n: usize = shape.iter().product();
        let from = DType::ALL[rng.below(15)];
        let to = if round % 2 == 0 { from } else { DType::ALL[rng.below(15)] };
        let (ls, ld) = (layout(shape, true, &mut rng), layout(shape, false, &mut rng));
        let (src, dst) = (Buffer::random(from, ls.len, &mut rng), Buffer::random(to, ld.len, &mut rng));
        let expected = dst.clone();
        for i in 0..n {
            // SAFETY: one element within each buffer.
            unsafe {
                let x = src.ptr().add(index(&ls, i) * from.size());
                cast(from, to)(x, expected.ptr().add(index(&ld, i) * to.size()), 1);
            }
        }
        copy(&src.strided(ls.offset, &ls.shape, &ls.strides), &dst.strided(ld.offset, &ld.shape, &ld.strides));
        assert_eq!(dst.keys(), expected.keys(), "{from:?} to {to:?} {shape:?} {:?} {:?}", ls.strides, ld.strides);
    }
}

#[test]
fn fill_keeps_the_gaps() {
    let b = Buffer::random(DType::I16, 64, &mut Rng(15));
    let before = b.clone();
    let mut value = [0u8; 16];
    value[..2].copy_from_slice(&1234i16.to_le_bytes());
    fill(&b.strided(1, &[6, 4], &[10, 2]), value);
    for i in 0..64 {
        let inside = i >= 1 && (i - 1) / 10 < 6 && (i - 1) % 10 < 8 && (i - 1) % 10 % 2 == 0;
        assert_eq!(b.key(i), if inside { 1234 } else { before.key(i) }, "{i}");
    }
}

#[test]
fn zeros_are_found() {
    let x = [1i32, 2, 0, 4, 5, 6];
    let view = |shape, strides, offset: usize| crate::tensor::Strided {
        ptr: x[offset..].as_ptr().cast_mut().cast(),
        dtype: DType::I32,
        shape,
        strides,
    };
    assert!(has_zero(&view(&[6], &[1], 0)));
    assert!(!has_zero(&view(&[3], &[2], 1)));
    assert!(has_zero(&view(&[2, 2], &[2, 1], 0)));
    assert!(!has_zero(&view(&[3], &[1], 3)));
    assert!(!has_zero(&view(&[0], &[1], 0)));
}

#[test]
fn constant_exponents_take_the_short_way() {
    let x = [-8f32, 0.0, 2.0, f32::NEG_INFINITY];
    let strided = |p: *const f32, strides| crate::tensor::Strided {
        ptr: p.cast_mut().cast(),
        dtype: DType::F32,
        shape: &[4],
        strides,
    };
    for (e, expected) in [(3f32, [-512f32, 0.0, 8.0, f32::NEG_INFINITY]), (-1.0, [-0.125, f32::INFINITY, 0.5, -0.0])] {
        let mut y = [0f32; 4];
        run(
            Fun::Pow,
            DType::F32,
            &[strided(x.as_ptr(), &[1]), strided(&e, &[0])],
            &strided(y.as_mut_ptr(), &[1]),
            &Params::default(),
        );
        assert_eq!(y, expected);
    }
    // A square root, not a power: NaN at -infinity.
    let mut y = [0f32; 4];
    run(
        Fun::Pow,
        DType::F32,
        &[strided(x.as_ptr(), &[1]), strided(&0.5, &[0])],
        &strided(y.as_mut_ptr(), &[1]),
        &Params::default(),
    );
    assert!(y[3].is_nan());
}
