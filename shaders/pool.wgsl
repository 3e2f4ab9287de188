// Pools of planes, one thread per output, and their gradients, one thread per input: it looks for the windows that hold it.
//
// Windows have a fixed size, or with ADAPTIVE output o of m covers the inputs from floor(o n / m) to ceil((o + 1) n / m).
// With MAX the largest value, and its place in the plane if INDICES; else the average. With BACKWARD the gradient.
#include "lib/float.wgsl"

struct Params {
#if BACKWARD
    g: u32,
#if MAX
    index: u32,
#endif
    dx: u32,
#else
    x: u32,
    y: u32,
#if INDICES
    index: u32,
#endif
#endif
    total: u32,
    // Depth, height, width.
    n0: u32, n1: u32, n2: u32,
    m0: u32, m1: u32, m2: u32,
    kernel0: u32, kernel1: u32, kernel2: u32,
    stride0: u32, stride1: u32, stride2: u32,
    padding0: u32, padding1: u32, padding2: u32,
    dilation0: u32, dilation1: u32, dilation2: u32,
    // What an average is divided by: 0 taps in the padded input, 1 taps in the input, 2 a number.
    form: u32,
    divisor: f32,
}
$PARAMS params: Params;
#if BACKWARD
$BINDING var<storage, read> g: array<f32>;
#if MAX
$BINDING var<storage, read> index: array<u32>;
#endif
$BINDING var<storage, read_write> dx: array<f32>;
#else
$BINDING var<storage, read> x: array<f32>;
$BINDING var<storage, read_write> y: array<f32>;
#if INDICES
$BINDING var<storage, read_write> index: array<u32>;
#endif
#endif

// A dim: extents before and after, and how its windows lie.
struct Dim {
    n: u32,
    m: u32,
    kernel: u32,
    stride: u32,
    padding: u32,
    dilation: u32,
}
fn depth() -> Dim {
    return Dim(params.n0, params.m0, params.kernel0, params.stride0, params.padding0, params.dilation0);
}
fn height() -> Dim {
    return Dim(params.n1, params.m1, params.kernel1, params.stride1, params.padding1, params.dilation1);
}
fn width() -> Dim {
    return Dim(params.n2, params.m2, params.kernel2, params.stride2, params.padding2, params.dilation2);
}

// The inputs of a window: from `head` below `last` in steps of the dilation, and how many places it has in the padded input.
struct Window {
    head: u32,
    last: u32,
    padded: u32,
}
fn window(d: Dim, o: u32) -> Window {
#if ADAPTIVE
    let head = o * d.n / d.m;
    let last = ((o + 1u) * d.n + d.m - 1u) / d.m;
    return Window(head, last, last - head);
#else
    let start = i32(o * d.stride) - i32(d.padding);
    let skipped = select(0u, (u32(-start) + d.dilation - 1u) / d.dilation, start < 0);
    let head = start + i32(skipped * d.dilation);
    // Kernels far larger than the input must not overflow.
    let taps = min(d.kernel, (d.n + 2u * d.padding) / d.dilation + 1u);
    let end = min(start + i32((taps - 1u) * d.dilation) + 1, i32(d.n));
    let reach = min(start + i32(taps), i32(d.n + d.padding));
    return Window(u32(max(head, 0)), u32(max(end, 0)), u32(max(reach - start, 0)));
#endif
}
fn taps_in(w: Window) -> u32 {
    return select(0u, w.last - w.head, w.last > w.head);
}

// The windows that may hold an input: from `head` to `last`.
fn holders(d: Dim, i: u32) -> Window {
#if ADAPTIVE
    return Window(i * d.m / d.n, min(((i + 1u) * d.m - 1u) / d.n, d.m - 1u), 0u);
#else
    let reach = (min(d.kernel, (d.n + 2u * d.padding) / d.dilation + 1u) - 1u) * d.dilation;
    let before = select(0u, i + d.padding - reach, i + d.padding > reach);
    return Window((before + d.stride - 1u) / d.stride, min((i + d.padding) / d.stride, d.m - 1u), 0u);
#endif
}

// A window's sum divided, as it is in torch.
fn share(sum: f32, a: Window, b: Window, c: Window) -> f32 {
#if ADAPTIVE
    return sum / f32(taps_in(a)) / f32(taps_in(b)) / f32(taps_in(c));
#else
    let inside = f32(taps_in(a)) * f32(taps_in(b)) * f32(taps_in(c));
    if (inside == 0.0) {
        return sum;
    }
    if (params.form == 0u) {
        return sum / (f32(a.padded) * f32(b.padded) * f32(c.padded));
    }
    return sum / select(inside, params.divisor, params.form == 2u);
#endif
}

#include "lib/main.wgsl"
{
    let i = group_index(group, groups) * $GROUPu + lane;
    if (i >= params.total) {
        return;
    }
    let d0 = depth();
    let d1 = height();
    let d2 = width();
#if BACKWARD
    let inputs = d0.n * d1.n * d2.n;
    let place = i % inputs;
    let plane = i / inputs * (d0.m * d1.m * d2.m);
    let h0 = holders(d0, place / (d1.n * d2.n));
    let h1 = holders(d1, place / d2.n % d1.n);
    let h2 = holders(d2, place % d2.n);
    var sum = 0.0;
    for (var a = h0.head; a <= h0.last; a++) {
        for (var b = h1.head; b <= h1.last; b++) {
            for (var c = h2.head; c <= h2.last; c++) {
                let o = plane + (a * d1.m + b) * d2.m + c;
#if MAX
                // The high word is 0: places lie below 2^31, or are -1.
                if (index[2u * (params.index + o)] == place) {
                    sum += g[params.g + o];
                }
#else
                sum += share(g[params.g + o], window(d0, a), window(d1, b), window(d2, c));
#endif
            }
        }
    }
    dx[params.dx + i] = sum;
#else
    let outputs = d0.m * d1.m * d2.m;
    let place = i % outputs;
    let plane = params.x + i / outputs * (d0.n * d1.n * d2.n);
    let w0 = window(d0, place / (d1.m * d2.m));
    let w1 = window(d1, place / d2.m % d1.m);
    let w2 = window(d2, place % d2.m);
#if MAX
    var best = from_bits(0xff800000u);
    var found = (w0.head * d1.n + w1.head) * d2.n + w2.head;
    let nothing = w0.head >= w0.last || w1.head >= w1.last || w2.head >= w2.last;
#else
    var sum = 0.0;
#endif
    for (var a = w0.head; a < w0.last; a += d0.dilation) {
        for (var b = w1.head; b < w1.last; b += d1.dilation) {
            for (var c = w2.head; c < w2.last; c += d2.dilation) {
                let at = (a * d1.n + b) * d2.n + c;
                let v = x[plane + at];
#if MAX
                if (is_nan(v) || (!is_nan(best) && v > best)) {
                    best = v;
                    found = at;
                }
#else
                sum += v;
#endif
            }
        }
    }
#if MAX
    y[params.y + i] = best;
#if INDICES
    index[2u * (params.index + i)] = select(found, 0xffffffffu, nothing);
    index[2u * (params.index + i) + 1u] = select(0u, 0xffffffffu, nothing);
#endif
#else
    y[params.y + i] = share(sum, w0, w1, w2);
#endif
#endif
}
