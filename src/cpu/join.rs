//! Rows of several dense sources side by side.

use super::parallel;

/// A source whose rows of `bytes` bytes lie one after the other.
pub struct Rows {
    /// The first row.
    pub ptr: *const u8,
    /// Bytes of a row.
    pub bytes: usize,
}
// SAFETY: sources are only read.
unsafe impl Sync for Rows {}

struct Out(*mut u8);
// SAFETY: tasks write disjoint rows.
unsafe impl Sync for Out {}

/// Bytes that one task moves at least.
const GRAIN: usize = 256 << 10;

/// Writes `outer` rows to `out`, each made of one row of every source in turn.
///
/// Dispatch has checked that the sources hold `outer` rows, that `out` has room for them and overlaps none of them.
pub fn rows(sources: &[Rows], out: *mut u8, outer: usize) {
    let total: usize = sources.iter().map(|s| s.bytes).sum();
    let out = Out(out);
    let out = &out;
    parallel::chunks(outer, GRAIN.div_ceil(total.max(1)), &|range| {
        let mut to = out.0.wrapping_add(range.start * total);
        for r in range {
            for s in sources {
                // SAFETY: row `r` of a source and its place in `out`.
                unsafe { move_bytes(s.ptr.add(r * s.bytes), to, s.bytes) };
                to = to.wrapping_add(s.bytes);
            }
        }
    });
}

/// Copies a short row without the cost of a call, a longer one with memcpy.
///
/// # Safety
/// As `copy_nonoverlapping`.
#[inline(always)]
unsafe fn move_bytes(from: *const u8, to: *mut u8, n: usize) {
    macro_rules! whole {
        ($t:ty) => {
            // SAFETY: the caller's; the element has `n` bytes.
            unsafe { to.cast::<$t>().write_unaligned(from.cast::<$t>().read_unaligned()) }
        };
    }
    match n {
        1 => whole!(u8),
        2 => whole!(u16),
        4 => whole!(u32),
        8 => whole!(u64),
        16 => whole!([u64; 2]),
        // SAFETY: passed on.
        _ => unsafe { to.copy_from_nonoverlapping(from, n) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_alternate() {
        for widths in [vec![1, 2, 3], vec![4, 8, 16], vec![0, 5], vec![100, 1]] {
            let outer = 3000;
            let data: Vec<Vec<u8>> =
                widths.iter().enumerate().map(|(k, &w)| (0..w * outer).map(|i| (i * 7 + k) as u8).collect()).collect();
            let sources: Vec<Rows> =
                data.iter().zip(&widths).map(|(d, &bytes)| Rows { ptr: d.as_ptr(), bytes }).collect();
            let mut out = vec![0u8; widths.iter().sum::<usize>() * outer];
            rows(&sources, out.as_mut_ptr(), outer);
            let want: Vec<u8> = (0..outer)
                .flat_map(|r| data.iter().zip(&widths).flat_map(move |(d, &w)| d[r * w..(r + 1) * w].to_vec()))
                .collect();
            assert_eq!(out, want);
        }
    }
}
