//! The state of a GPU's random numbers: a seed, and how many blocks of the counter-based Philox4x32-10 are used up
//! (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011, doi:10.1145/2063384.2063405).
//!
//! Each block of four words depends on the seed and its number alone, so that every device draws the same.

use crate::error::Result;
use crate::fail;

/// Bytes of a saved state: the seed, and the number of the next block.
pub const STATE_BYTES: usize = 16;

/// A place in a seed's stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Philox {
    /// The key.
    pub seed: u64,
    /// The next block.
    pub block: u64,
}

impl Philox {
    /// The start of a seed's stream.
    pub fn new(seed: u64) -> Self {
        Philox { seed, block: 0 }
    }

    /// Where `blocks` blocks begin that nobody else gets.
    pub fn draw(&mut self, blocks: usize) -> Philox {
        let here = *self;
        self.block = self.block.wrapping_add(blocks as u64);
        here
    }

    pub(super) fn to_bytes(self) -> Vec<u8> {
        [self.seed.to_le_bytes(), self.block.to_le_bytes()].concat()
    }

    pub(super) fn from_bytes(b: &[u8]) -> Result<Self> {
        let &[a, b, c, d, e, f, g, h, ref block @ ..] = b else { return wrong_size(b.len()) };
        let Ok(block) = <[u8; 8]>::try_from(block) else { return wrong_size(block.len() + 8) };
        Ok(Philox { seed: u64::from_le_bytes([a, b, c, d, e, f, g, h]), block: u64::from_le_bytes(block) })
    }
}

#[cold]
fn wrong_size<T>(n: usize) -> Result<T> {
    fail!(Runtime, torch: ("RNG state is wrong size"), expected: ("set_state: expected the {STATE_BYTES} bytes of a GPU's generator"), got: ("{n}"), fix: ("Pass what get_state or get_rng_state returned."))
}
