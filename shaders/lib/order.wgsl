// Words whose order as u32 is that of the elements: of floats with NaN above all and -0 equal to 0, and of int32.
// With `reversed` the order is the other way round.
#include "lib/float.wgsl"

fn key_f32(bits: u32, reversed: bool) -> u32 {
    let x = bitcast<f32>(bits);
    if (is_nan(x)) {
        return select(0xffffffffu, 0u, reversed);
    }
    let u = select(bits, 0u, (bits & 0x7fffffffu) == 0u);
    let key = u ^ select(0x80000000u, 0xffffffffu, u >> 31u == 1u);
    return select(key, ~key, reversed);
}
fn key_i32(bits: u32, reversed: bool) -> u32 {
    let key = bits ^ 0x80000000u;
    return select(key, ~key, reversed);
}
fn key_u32(bits: u32, reversed: bool) -> u32 {
    return select(bits, ~bits, reversed);
}
// NaN is above all both ways.
fn extreme_f32(bits: u32, least: bool) -> u32 {
    return select(key_f32(bits, least), 0xffffffffu, is_nan(bitcast<f32>(bits)));
}
