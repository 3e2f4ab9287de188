// What kernels of matrix products share: parameters, bindings, and elements of C = alpha A B + beta C + bias, or of a
// function of that. They are float32, or with WHOLE int32 and with WIDE int64.
#include "lib/dtype.wgsl"
#if ACTIVATION
#include "lib/math.wgsl"
#include "lib/functions.wgsl"
#endif
#if WIDE
#include "lib/int64.wgsl"
alias Number = vec2<u32>;
#else
#if WHOLE
alias Number = i32;
#else
alias Number = f32;
#endif
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
    // Two words each, as int64 has.
    alpha_low: u32,
    alpha_high: u32,
    beta_low: u32,
    beta_high: u32,
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
$BINDING var<storage, read_write> out: array<Number>;

fn load_a(e: u32) -> Number {
    return $LOAD_A;
}
fn load_b(e: u32) -> Number {
    return $LOAD_B;
}

#if WIDE
fn times(a: Number, b: Number) -> Number {
    return mul64(a, b);
}
fn plus(a: Number, b: Number) -> Number {
    return add64(a, b);
}
fn factor(low: u32, high: u32) -> Number {
    return vec2<u32>(low, high);
}
#else
fn times(a: Number, b: Number) -> Number {
    return a * b;
}
fn plus(a: Number, b: Number) -> Number {
    return a + b;
}
fn factor(low: u32, high: u32) -> Number {
    return bitcast<Number>(low);
}
#endif

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
fn put(z: u32, row: u32, col: u32, place: u32, product: Number) {
    let matrix = i32(z / params.parts) * params.c_bs + i32(z % params.parts) * params.c_ps;
    let at = u32(i32(params.c) + matrix + i32(row) * params.c_rs + i32(col) * params.c_cs);
    var r = times(factor(params.alpha_low, params.alpha_high), product);
#if ACCUMULATE
    r = plus(r, times(factor(params.beta_low, params.beta_high), out[at]));
#endif
#if BIAS
    let e = params.bias + place;
    r = plus(r, $LOAD_BIAS);
#endif
#if ACTIVATION
    r = activation(r);
#endif
    out[at] = r;
}
