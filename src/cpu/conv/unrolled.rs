//! Small planes: the pixels of many images, unrolled into one matrix.
//!
//! Where a plane fills its vectors badly, a vector holds pixels of several images instead. What their taps read is
//! copied side by side (im2col), in panels as wide as a tile: per panel, (channel, tap) by (channel, tap), one row of
//! pixels. The copy is made once for a group of images and read by the tiles of all output channels.

use super::axis::Tap;
use super::source::{Source, TapRow};
use crate::cpu::float::{Float, Scratch, Shared};
use crate::cpu::parallel;
use crate::error::Result;

/// Bytes of the copy of a group of images.
const ROOM: usize = 4 << 20;
/// Bytes of the copy of one image beyond which a plane is left alone: large kernels repeat each pixel too often.
const MOST: usize = 2 * ROOM;
/// Source elements of a group, which an index must reach.
const REACH: usize = i32::MAX as usize;

/// Does an unrolled copy of the source, of `c` channels in each group, serve `m` output channels better, when plain
/// products of each plane cost as much time as `cost` products of vectors of `width`? A copied element costs about as
/// much as one and a half of these.
pub(super) fn pays<F>(source: &Source, (groups, c): (usize, usize), m: usize, width: usize, cost: usize) -> bool {
    let plane: usize = source.axes.iter().map(|a| a.out).product();
    let image = source.axes.iter().map(|a| a.src).product::<usize>().saturating_mul(groups * c);
    let reached = (1..=REACH).contains(&image);
    let copy = (c * size_of::<F>()).saturating_mul(source.taps()).saturating_mul(plane);
    reached && copy <= MOST && source.band_count() == 1 && 2 * cost * width > (2 * m + 3 * width) * plane
}

/// The plan of the copies for one group of channels of all images.
pub(super) struct Unrolled {
    /// Pixels of a panel, and of an image.
    pub pixels: usize,
    pub plane: usize,
    /// Images of a group, and all images.
    pub images: usize,
    n: usize,
    /// Channels, taps, and elements of the source from one channel and image to the next.
    c: usize,
    taps: usize,
    src_plane: usize,
    src_image: usize,
    /// Per tap and pixel of an image: the source element, or -1 outside.
    table: Vec<i32>,
    /// Where rows of taps lie in a panel, and (channel, tap of a row).
    pub tap_rows: Vec<TapRow>,
    pub columns: Vec<usize>,
}

impl Unrolled {
    /// Plans for `n` images of `groups` groups of `c` channels; panels are of `pixels` pixels.
    pub fn new(source: &Source, (n, groups, c): (usize, usize, usize), pixels: usize, size: usize) -> Self {
        let axes = &source.axes;
        let taps: usize = axes.iter().map(|a| a.taps.len()).product();
        let plane: usize = axes.iter().map(|a| a.out).product();
        let src_plane: usize = axes.iter().map(|a| a.src).product();
        let src_image = groups * c * src_plane;
        let fit = (ROOM / size / (c * taps * plane)).min(REACH / src_image);
        let images = if fit >= n { n } else { n.div_ceil(n.div_ceil(fit.max(1))) };
        let mut table = crate::error::room(taps * plane);
        for td in &axes[0].taps {
            for th in &axes[1].taps {
                for tw in &axes[2].taps {
                    for i in 0..plane {
                        let at = [i / (axes[1].out * axes[2].out), i / axes[2].out % axes[1].out, i % axes[2].out];
                        let from = |d: usize, t: &Tap| {
                            let a = &axes[d];
                            let i = a.step as isize * (at[d] as isize + t.shift) + a.phases[t.phase] as isize;
                            (0..a.src as isize).contains(&i).then_some(i as usize)
                        };
                        table.push(match (from(0, td), from(1, th), from(2, tw)) {
                            (Some(d), Some(h), Some(w)) => ((d * axes[1].src + h) * axes[2].src + w) as i32,
                            _ => -1,
                        });
                    }
                }
            }
        }
        let row = source.row_taps();
        let tap_rows = source.tap_rows.iter().map(|t| TapRow { shift: t.index * row * pixels, ..*t }).collect();
        let columns = (0..source.columns.len()).map(|i| (i / row * taps + i % row) * pixels).collect();
        Unrolled { pixels, plane, images, n, c, taps, src_plane, src_image, table, tap_rows, columns }
    }

    /// Groups of images.
    pub fn groups(&self) -> usize {
        self.n.div_ceil(self.images)
    }

    /// The images of group `i`.
    pub fn group(&self, i: usize) -> std::ops::Range<usize> {
        i * self.images..self.n.min((i + 1) * self.images)
    }

    /// Panels of a group of `images` images.
    pub fn panels(&self, images: usize) -> usize {
        (images * self.plane).div_ceil(self.pixels)
    }

    /// Elements of a panel.
    pub fn panel(&self) -> usize {
        self.c * self.taps * self.pixels
    }

    /// Pixels of panel `i` of `images` images.
    pub fn count(&self, i: usize, images: usize) -> usize {
        self.pixels.min(images * self.plane - i * self.pixels)
    }

    /// Memory for the copy of the largest group.
    pub fn scratch<F: Float>(&self) -> Result<Scratch<F>> {
        Scratch::new(self.panels(self.images) * self.panel())
    }

    /// Copies a group of `images` images, the first at `src`, in parallel.
    ///
    /// # Safety
    /// The images exist, and `to` is [`Unrolled::scratch`].
    pub unsafe fn fill<F: Float>(&self, src: *const F, images: usize, to: *mut F) {
        const CHANNELS: usize = 16;
        let (src, to) = (Shared::new(src), Shared(to));
        let parts = self.c.div_ceil(CHANNELS);
        parallel::chunks(self.panels(images) * parts, 1, &|range| {
            let mut lanes = crate::error::room(self.taps * self.pixels);
            for i in range {
                let (panel, c0) = (i / parts, i % parts * CHANNELS);
                let channels = CHANNELS.min(self.c - c0);
                let count = self.count(panel, images);
                lanes.clear();
                for tap in 0..self.taps {
                    for j in 0..self.pixels {
                        let at = panel * self.pixels + j;
                        let inside = if j < count { self.table[tap * self.plane + at % self.plane] } else { -1 };
                        let image = (at / self.plane * self.src_image) as i32;
                        lanes.push(if inside < 0 { -1 } else { image + inside });
                    }
                }
                let from = src.at(c0 * self.src_plane);
                let to = to.at(panel * self.panel() + c0 * self.taps * self.pixels);
                // SAFETY: indices were checked against the source's extents; the panel's rows are this task's.
                unsafe { gather(from, self.src_plane, channels, &lanes, to) };
            }
        });
    }
}

crate::multiversion! {
    /// For every channel the elements that `lanes` names, zeros for negative indices.
    unsafe fn gather[F: Float](from: *const F, plane: usize, channels: usize, lanes: &[i32], to: *mut F) {
        for c in 0..channels {
            let (from, to) = (from.add(c * plane), to.add(c * lanes.len()));
            for (j, &i) in lanes.iter().enumerate() {
                *to.add(j) = if i < 0 { F::ZERO } else { *from.add(i as usize) };
            }
        }
    }
}
