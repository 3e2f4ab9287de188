//! One spatial dim of a convolution: where the taps of an output lie in the source.

/// A tap of the kernel: its index, the stride phase of the source that it reads, and where it lies there, relative to
/// the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tap {
    /// Index in the kernel.
    pub index: usize,
    /// Index into [`Axis::phases`].
    pub phase: usize,
    /// Output o reads element `o + shift` of the phase.
    pub shift: isize,
}

/// One spatial dim: output `o` of `out` is the sum over taps of `phase[o + shift]`, element j of phase r being
/// element `step * j + r` of the source, zero outside.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    /// The extent of the source.
    pub src: usize,
    /// The distance of a phase's elements in the source.
    pub step: usize,
    /// The phases that any tap reads.
    pub phases: Vec<usize>,
    /// The taps, in the order of the kernel.
    pub taps: Vec<Tap>,
    /// Outputs.
    pub out: usize,
    /// Output `o` goes to element `dst_step * o + dst_start` of the destination.
    pub dst_start: usize,
    /// See `dst_start`.
    pub dst_step: usize,
}

impl Axis {
    /// Output o reads `stride * o + dilation * tap - padding`.
    pub fn forward(src: usize, out: usize, kernel: usize, stride: usize, padding: usize, dilation: usize) -> Axis {
        let at = |t: usize| (t * dilation) as isize - padding as isize;
        let s = stride as isize;
        let mut phases: Vec<usize> = (0..kernel.min(stride)).map(|t| at(t).rem_euclid(s) as usize).collect();
        phases.sort_unstable();
        phases.dedup();
        // Phases repeat with a period of at most the stride, so the first taps meet all of them.
        let tap = |t: usize| {
            let phase = phases.binary_search(&(at(t).rem_euclid(s) as usize)).unwrap_or(0);
            Tap { index: t, phase, shift: at(t).div_euclid(s) }
        };
        let taps = (0..kernel).map(tap).collect();
        Axis { src, step: stride, phases, taps, out, dst_start: 0, dst_step: 1 }
    }

    /// The inputs `stride * q + r` of a convolution, from its outputs: output `(i + padding - dilation * tap) / stride`
    /// where that is whole. Here the source has `output` elements and the destination `input`.
    pub fn backward(
        input: usize,
        output: usize,
        kernel: usize,
        stride: usize,
        padding: usize,
        dilation: usize,
        r: usize,
    ) -> Axis {
        let s = stride as isize;
        let at = |t: usize| (r + padding) as isize - (t * dilation) as isize;
        let taps = (0..kernel)
            .filter(|&t| at(t).rem_euclid(s) == 0)
            .map(|t| Tap { index: t, phase: 0, shift: at(t).div_euclid(s) })
            .collect();
        let out = (input - r).div_ceil(stride);
        Axis { src: output, step: 1, phases: vec![0], taps, out, dst_start: r, dst_step: stride }
    }

    /// The smallest and the largest shift.
    pub fn shifts(&self) -> (isize, isize) {
        let shifts = || self.taps.iter().map(|t| t.shift);
        (shifts().min().unwrap_or(0), shifts().max().unwrap_or(0))
    }

    /// Elements of a phase that `out` adjacent outputs read.
    pub fn span(&self, out: usize) -> usize {
        let (lo, hi) = self.shifts();
        out - 1 + (hi - lo) as usize + 1
    }

    /// Does every tap of every output lie in the source, side by side for adjacent outputs?
    pub fn in_place(&self) -> bool {
        let (lo, hi) = self.shifts();
        self.step == 1 && lo >= 0 && self.out as isize + hi <= self.src as isize
    }
}
