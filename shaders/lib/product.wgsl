// What kernels of matrix products share: parameters, bindings, and elements of C = alpha A B + beta C + bias, or of a
// function of that.
#include "lib/dtype.wgsl"
#include "lib/grid.wgsl"
#if ACTIVATION
#include "lib/math.wgsl"
#include "lib/functions.wgsl"
#endif

struct Params {
    a: u32,
    b: u32,
#if BIAS
    bias: u32,
#endif
    c: u32,
    m: u32,
    n: u32,
    k: u32,
    tiles_n: u32,
    // Sums are cut into parts of `run`, whose results lie c_ps apart; group.z is the matrix and the part.
    parts: u32,
    run: u32,
    a_rs: i32,
    a_cs: i32,
    a_bs: i32,
    b_rs: i32,
    b_cs: i32,
    b_bs: i32,
    c_rs: i32,
    c_cs: i32,
    c_bs: i32,
    c_ps: i32,
    alpha: f32,
    beta: f32,
#if ACTIVATION
    f0: f32,
    f1: f32,
    f2: f32,
    f3: f32,
#endif
}
$PARAMS params: Params;
$BINDING var<storage, read> in_a: array<u32>;
$BINDING var<storage, read> in_b: array<u32>;
#if BIAS
$BINDING var<storage, read> bias: array<u32>;
#endif
$BINDING var<storage, read_write> out: array<f32>;

fn load_a(e: u32) -> f32 {
    return $LOAD_A;
}
fn load_b(e: u32) -> f32 {
    return $LOAD_B;
}

#if ACTIVATION
fn activation(a: f32) -> f32 {
    let f0 = params.f0;
    let f1 = params.f1;
    let f2 = params.f2;
    let f3 = params.f3;
    return $ACTIVATION;
}
#endif

// Element (row, col) of C from its product; `place` says which bias it gets.
fn put(z: u32, row: u32, col: u32, place: u32, product: f32) {
    let matrix = i32(z / params.parts) * params.c_bs + i32(z % params.parts) * params.c_ps;
    let at = u32(i32(params.c) + matrix + i32(row) * params.c_rs + i32(col) * params.c_cs);
    var r = params.alpha * product;
#if ACCUMULATE
    r += params.beta * out[at];
#endif
#if BIAS
    let e = params.bias + place;
    r += $LOAD_BIAS;
#endif
#if ACTIVATION
    r = activation(r);
#endif
    out[at] = r;
}
