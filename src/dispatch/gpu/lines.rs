//! Lines of a tensor, as `shaders/lib/lines.wgsl` walks them.

/// Lines of at most this many elements have one invocation each.
const SHORT: usize = 32;
/// Neighbouring columns that a workgroup makes.
const COLUMNS: usize = 32;
/// Elements of an invocation in one part.
const RUN: usize = 64;
/// With at least so many workgroups, lines are not cut.
const FEW: usize = 256;
/// Workgroups that cut lines are shared out to.
const MANY: usize = 1024;
/// Invocations of a workgroup.
const GROUP: usize = 256;

/// Line `l` begins at `(l / inner) * outer_step + (l % inner) * inner_step`, and element `k` of it lies
/// `(k / run) * step + k % run` behind.
#[derive(Clone, Copy)]
pub struct Lines {
    /// How many there are.
    pub count: usize,
    /// Elements of each.
    pub length: usize,
    /// Elements that lie side by side.
    run: usize,
    /// From one such run to the next.
    step: usize,
    /// Lines that are `inner_step` apart.
    inner: usize,
    /// From `inner` lines to the next.
    outer_step: usize,
    /// From a line to the next.
    inner_step: usize,
    /// Lines of a workgroup.
    width: usize,
    /// Parts of a line.
    pub parts: usize,
}

impl Lines {
    fn new([count, length, run, step, inner, outer_step, inner_step]: [usize; 7]) -> Lines {
        let side_by_side = inner_step == 1 && inner > 1;
        let width = match (length <= SHORT, side_by_side) {
            (true, _) => GROUP,
            (false, true) => COLUMNS.min(inner.next_power_of_two()),
            (false, false) => 1,
        };
        // No dim of 0 elements is divided by.
        let (run, inner) = (run.max(1), inner.max(1));
        Lines { count, length, run, step, inner, outer_step, inner_step, width, parts: 1 }
    }

    /// Rows of a matrix.
    pub fn rows(count: usize, length: usize) -> Lines {
        Lines::new([count, length, length, 0, 1, length, 0])
    }

    /// The middle of (outer, dim, inner).
    pub fn along((outer, dim, inner): (usize, usize, usize)) -> Lines {
        if inner == 1 {
            return Lines::rows(outer, dim);
        }
        Lines::new([outer * inner, dim, 1, inner, inner, dim * inner, 1])
    }

    /// The outer dims of (n, c, s): a line for each of c.
    pub fn across((n, c, s): (usize, usize, usize)) -> Lines {
        Lines::new([c, n * s, s, c * s, c, 0, s])
    }

    /// The same, with few long lines cut for more workgroups. The cut depends on the shape alone.
    pub fn cut(self) -> Lines {
        let groups = self.count.div_ceil(self.width).max(1);
        if groups >= FEW {
            return self;
        }
        let wanted = self.length.div_ceil(GROUP / self.width * RUN);
        let parts = wanted.min(MANY / groups).max(1);
        // Without parts that stay empty.
        Lines { parts: self.length.div_ceil(self.length.div_ceil(parts).max(1)).max(1), ..self }
    }

    /// The member `at` of a kernel's parameters.
    pub fn words(&self) -> [usize; 10] {
        let cut = self.length.div_ceil(self.parts);
        let Lines { count, width, length, run, step, inner, outer_step, inner_step, parts } = *self;
        [count, width, length, run, step, inner, outer_step, inner_step, parts, cut]
    }

    /// Workgroups that make all of them.
    pub fn groups(&self) -> usize {
        self.count.div_ceil(self.width) * self.parts
    }
}
