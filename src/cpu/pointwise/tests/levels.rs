//! Every function and conversion at every level gives the bits of the portable loop.

use super::super::cast::cast_at;
use super::super::{Fun, Params, kernel_at};
use super::{Buffer, Rng};
use crate::cpu::simd::{Level, available};
use crate::tensor::DType;

fn params() -> Params {
    Params { f: [0.75, 1.25, 0.5, 2.0], i: [-2, 3, 0, 0] }
}

#[test]
fn functions_agree_between_levels_and_in_place() {
    let mut rng = Rng(1);
    for &fun in Fun::ALL {
        for dtype in DType::ALL {
            let Some(portable) = kernel_at(fun, dtype, Level::Portable) else {
                continue;
            };
            for n in [1, 67, 300] {
                let ins: Vec<Buffer> =
                    (0..fun.arity()).map(|k| Buffer::random(fun.in_dtype(k, dtype), n, &mut rng)).collect();
                let ptrs: [*const u8; 4] =
                    std::array::from_fn(|k| ins.get(k).map_or(std::ptr::null(), |b| b.ptr().cast_const()));
                let expected = Buffer::zeros(portable.out, n);
                // SAFETY: buffers of n elements.
                unsafe { portable.call(&ptrs, expected.ptr(), n, &params()) };
                for level in available() {
                    let kernel = kernel_at(fun, dtype, level).unwrap();
                    let got = Buffer::zeros(kernel.out, n);
                    // SAFETY: as above.
                    unsafe { kernel.call(&ptrs, got.ptr(), n, &params()) };
                    for i in 0..n {
                        let args: Vec<String> = ins.iter().map(|b| format!("{:x}", b.key(i))).collect();
                        assert_eq!(got.key(i), expected.key(i), "{fun:?} {dtype:?} {level:?} at {i} of {n}: {args:?}");
                    }
                    if kernel.works_in_place() {
                        let both = ins[0].clone();
                        let mut ptrs = ptrs;
                        ptrs[0] = both.ptr();
                        // SAFETY: as above.
                        unsafe { kernel.call_in_place(&ptrs, both.ptr(), n, &params()) };
                        assert_eq!(both.keys(), expected.keys(), "{fun:?} {dtype:?} {level:?} in place");
                    }
                }
            }
        }
    }
}

#[test]
fn conversions_agree_between_levels() {
    let mut rng = Rng(2);
    for from in DType::ALL {
        for to in DType::ALL {
            for n in [1, 77] {
                let x = Buffer::random(from, n, &mut rng);
                let expected = Buffer::zeros(to, n);
                // SAFETY: buffers of n elements.
                unsafe { cast_at(from, to, Level::Portable)(x.ptr(), expected.ptr(), n) };
                for level in available() {
                    let got = Buffer::zeros(to, n);
                    // SAFETY: as above.
                    unsafe { cast_at(from, to, level)(x.ptr(), got.ptr(), n) };
                    assert_eq!(got.keys(), expected.keys(), "{from:?} to {to:?} at {level:?}");
                }
            }
        }
    }
}

#[test]
fn half_conversions_match_the_half_crate_for_every_value() {
    let all: Vec<u16> = (0..=u16::MAX).collect();
    let n = all.len();
    for level in available() {
        let mut wide = vec![0f32; n];
        let mut back = vec![0u16; n];
        // SAFETY: vectors of n elements.
        unsafe {
            cast_at(DType::F16, DType::F32, level)(all.as_ptr().cast(), wide.as_mut_ptr().cast(), n);
            cast_at(DType::F32, DType::F16, level)(wide.as_ptr().cast(), back.as_mut_ptr().cast(), n);
        }
        for i in 0..n {
            let h = half::f16::from_bits(all[i]);
            assert!(wide[i] == h.to_f32() || wide[i].is_nan() && h.is_nan(), "{h}");
            assert!(back[i] == all[i] || h.is_nan() && half::f16::from_bits(back[i]).is_nan(), "{h}");
        }
        // Every rounding case: neighbours and midpoints of f16 and bf16 values.
        let mut rng = Rng(3);
        let x: Vec<f32> = (0..1 << 16)
            .map(|i| {
                let near = match i % 3 {
                    0 => half::f16::from_bits(rng.bits() as u16).to_f32().to_bits(),
                    1 => half::f16::from_bits(rng.bits() as u16).to_f32().to_bits() + 0x1000,
                    _ => rng.bits() as u32,
                };
                f32::from_bits(near.wrapping_add(rng.below(3) as u32).wrapping_sub(1))
            })
            .collect();
        let (mut h, mut b) = (vec![0u16; x.len()], vec![0u16; x.len()]);
        // SAFETY: as above.
        unsafe {
            cast_at(DType::F32, DType::F16, level)(x.as_ptr().cast(), h.as_mut_ptr().cast(), x.len());
            cast_at(DType::F32, DType::BF16, level)(x.as_ptr().cast(), b.as_mut_ptr().cast(), x.len());
        }
        for i in 0..x.len() {
            let (eh, eb) = (half::f16::from_f32_const(x[i]), half::bf16::from_f32(x[i]));
            assert!(h[i] == eh.to_bits() || eh.is_nan() && half::f16::from_bits(h[i]).is_nan(), "{:e}", x[i]);
            assert!(b[i] == eb.to_bits() || eb.is_nan() && half::bf16::from_bits(b[i]).is_nan(), "{:e}", x[i]);
        }
    }
}

#[test]
fn floats_out_of_range_convert_as_on_x86() {
    let x = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -1.5, 300.7, -300.2, 3e9, -3e9, 1e10, 1e20, 70000.5];
    fn to<T: crate::tensor::Element>(x: &[f32]) -> Vec<T> {
        let mut y = vec![std::mem::MaybeUninit::<T>::uninit(); x.len()];
        // SAFETY: vectors of equal length; the conversion writes every element.
        unsafe {
            super::super::cast(DType::F32, T::DTYPE)(x.as_ptr().cast(), y.as_mut_ptr().cast(), x.len());
            y.into_iter().map(|y| y.assume_init()).collect()
        }
    }
    // torch 2.13 on x86-64, element by element.
    assert_eq!(to::<u8>(&x), [0, 0, 0, 255, 44, 212, 0, 0, 0, 0, 112]);
    assert_eq!(to::<i16>(&x), [0, 0, 0, -1, 300, -300, 0, 0, 0, 0, 4464]);
    let min = i32::MIN;
    assert_eq!(to::<i32>(&x), [min, min, min, -1, 300, -300, min, min, min, min, 70000]);
    let min = i64::MIN;
    let big = [3_000_000_000, -3_000_000_000, 10_000_000_000];
    assert_eq!(to::<i64>(&x), [min, min, min, -1, 300, -300, big[0], big[1], big[2], min, 70000]);
    assert_eq!(to::<u32>(&x), [0, 0, 0, 4294967295, 300, 4294966996, 3000000000, 1294967296, 1410065408, 0, 70000]);
    let top = 1u64 << 63;
    assert_eq!(
        to::<u64>(&x),
        [
            top,
            0,
            top,
            u64::MAX,
            300,
            300u64.wrapping_neg(),
            3000000000,
            (-3_000_000_000i64) as u64,
            10000000000,
            0,
            70000
        ]
    );
}
