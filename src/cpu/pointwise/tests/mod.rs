//! What Python cannot see: levels against each other, error bounds, layouts, conversions.

mod accuracy;
mod layouts;
mod levels;

use crate::tensor::dtype::{C64, C128};
use crate::tensor::{Bool8, DType, Strided};

/// A small generator (splitmix64).
pub(super) struct Rng(pub u64);

impl Rng {
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e3779b97f4a7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58476d1ce4e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d049bb133111eb);
        z ^ (z >> 31)
    }

    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.bits() % n as u64) as usize
    }
}

/// Values that functions trip over.
pub(super) const SPECIAL: [f64; 24] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -0.5,
    2.0,
    -2.0,
    3.0,
    -3.0,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
    1e-40,
    -1e-40,
    1e-310,
    88.8,
    -104.5,
    710.0,
    3e38,
    1e300,
    -1e300,
    1e6,
    123456789.0,
];

/// Owned elements of any dtype, 64 bits of slack on both sides.
#[derive(Clone)]
pub(super) struct Buffer {
    pub dtype: DType,
    pub bytes: Vec<u128>,
    pub n: usize,
}

impl Buffer {
    pub fn zeros(dtype: DType, n: usize) -> Self {
        Buffer { dtype, bytes: vec![0; (n * dtype.size()).div_ceil(16) + 1], n }
    }

    /// Special values first, then magnitudes from 1e-8 to 1e8, for integers small numbers and random bits.
    pub fn random(dtype: DType, n: usize, rng: &mut Rng) -> Self {
        let mut b = Buffer::zeros(dtype, n);
        for i in 0..n {
            let x = if rng.below(8) == 0 {
                SPECIAL[rng.below(SPECIAL.len())]
            } else {
                let sign = if rng.below(2) == 0 { 1.0 } else { -1.0 };
                sign * 10f64.powf(rng.unit() * if rng.below(4) == 0 { 16.0 } else { 2.0 } - 1.0)
            };
            let k = if rng.below(4) == 0 { rng.bits() as i64 } else { rng.below(13) as i64 - 6 };
            let y = SPECIAL[rng.below(SPECIAL.len())] * 0.25;
            b.set(i, x, y, k);
        }
        b
    }

    fn set(&mut self, i: usize, x: f64, y: f64, k: i64) {
        let p: *mut u8 = self.bytes.as_mut_ptr().cast();
        // SAFETY: i < n.
        unsafe {
            match self.dtype {
                DType::Bool => *p.cast::<u8>().add(i) = (k & 1) as u8 * (1 + (i % 3) as u8),
                DType::U8 => *p.cast::<u8>().add(i) = k as u8,
                DType::I8 => *p.cast::<i8>().add(i) = k as i8,
                DType::I16 => *p.cast::<i16>().add(i) = k as i16,
                DType::U16 => *p.cast::<u16>().add(i) = k as u16,
                DType::I32 => *p.cast::<i32>().add(i) = k as i32,
                DType::U32 => *p.cast::<u32>().add(i) = k as u32,
                DType::I64 => *p.cast::<i64>().add(i) = k,
                DType::U64 => *p.cast::<u64>().add(i) = k as u64,
                DType::F16 => *p.cast::<half::f16>().add(i) = half::f16::from_f64(x),
                DType::BF16 => *p.cast::<half::bf16>().add(i) = half::bf16::from_f64(x),
                DType::F32 => *p.cast::<f32>().add(i) = x as f32,
                DType::F64 => *p.cast::<f64>().add(i) = x,
                DType::C64 => *p.cast::<C64>().add(i) = C64::new(x as f32, y as f32),
                DType::C128 => *p.cast::<C128>().add(i) = C128::new(x, y),
            }
        }
    }

    pub fn ptr(&self) -> *mut u8 {
        self.bytes.as_ptr().cast::<u8>().cast_mut()
    }

    /// Element i as bits; NaNs are all one, as their payloads depend on operand order. Bools are 0 or 1.
    pub fn key(&self, i: usize) -> u128 {
        fn real(x: f64) -> u64 {
            if x.is_nan() { f64::NAN.to_bits() } else { x.to_bits() }
        }
        let p = self.ptr();
        // SAFETY: i < n.
        unsafe {
            match self.dtype {
                DType::Bool => (*p.cast::<Bool8>().add(i)).get() as u128,
                DType::F16 => real((*p.cast::<half::f16>().add(i)).to_f64()) as u128,
                DType::BF16 => real((*p.cast::<half::bf16>().add(i)).to_f64()) as u128,
                DType::F32 => real(*p.cast::<f32>().add(i) as f64) as u128,
                DType::F64 => real(*p.cast::<f64>().add(i)) as u128,
                DType::C64 => {
                    let z = *p.cast::<C64>().add(i);
                    ((real(z.re as f64) as u128) << 64) | real(z.im as f64) as u128
                }
                DType::C128 => {
                    let z = *p.cast::<C128>().add(i);
                    ((real(z.re) as u128) << 64) | real(z.im) as u128
                }
                d => {
                    let mut bytes = [0u8; 16];
                    bytes.as_mut_ptr().copy_from_nonoverlapping(p.add(i * d.size()), d.size());
                    u128::from_le_bytes(bytes)
                }
            }
        }
    }

    pub fn keys(&self) -> Vec<u128> {
        (0..self.n).map(|i| self.key(i)).collect()
    }

    pub fn strided<'a>(&self, offset: isize, shape: &'a [usize], strides: &'a [isize]) -> Strided<'a> {
        // SAFETY: the tests keep within the buffer.
        let ptr = unsafe { self.ptr().offset(offset * self.dtype.size() as isize) };
        Strided { ptr, dtype: self.dtype, shape, strides }
    }
}
