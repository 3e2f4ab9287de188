// Floats as PyTorch sees them. `x != x` is false for NaN on Vulkan, drivers fold `x - x` to 0 and drop NaN in max, min,
// clamp and sign: tests of bits hold everywhere.
const NAN_BITS: u32 = 0x7fc00000u;
const INF_BITS: u32 = 0x7f800000u;

// The bits come from where no compiler looks: constants that are NaN or infinite are errors in WGSL.
fn is_nan(x: f32) -> bool {
    return (bitcast<u32>(x) & 0x7fffffffu) > INF_BITS;
}
fn is_inf(x: f32) -> bool {
    return (bitcast<u32>(x) & 0x7fffffffu) == INF_BITS;
}
fn is_negative(x: f32) -> bool {
    return (bitcast<u32>(x) >> 31u) == 1u;
}
fn from_bits(bits: u32) -> f32 {
    return bitcast<f32>(bits);
}
fn maximum(a: f32, b: f32) -> f32 {
    return select(select(b, a, a > b || is_nan(a)), b, is_nan(b));
}
fn minimum(a: f32, b: f32) -> f32 {
    return select(select(b, a, a < b || is_nan(a)), b, is_nan(b));
}
fn signum(x: f32) -> f32 {
    return select(select(0.0, 1.0, x > 0.0), -1.0, x < 0.0);
}
