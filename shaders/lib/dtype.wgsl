// Elements in words of 32 bits: what lies at element `e` of a word, and elements as they are stored.
fn load_f32(word: u32, e: u32) -> f32 {
    return bitcast<f32>(word);
}
fn load_i32(word: u32, e: u32) -> i32 {
    return bitcast<i32>(word);
}
fn load_u32(word: u32, e: u32) -> u32 {
    return word;
}
// The low word, which is what a cast to 32 bits and below keeps.
fn load_i64(word: u32, e: u32) -> i32 {
    return bitcast<i32>(word);
}
fn load_i64_f32(low: u32, high: u32) -> f32 {
    let small = bitcast<i32>(low);
    if (bitcast<i32>(high) == small >> 31u) {
        return f32(small);
    }
    let below = bitcast<i32>(high) < 0;
    let sign = select(1.0, -1.0, below);
    let l = select(low, 0u - low, below);
    let h = select(high, ~high + select(0u, 1u, low == 0u), below);
    if (h == 0u) {
        return sign * f32(l);
    }
    // Rounded once: the bits below the first 32 leave behind whether they are 0.
    let lead = countLeadingZeros(h);
    let top = (h << lead) | select(l >> ((32u - lead) & 31u), 0u, lead == 0u);
    let rest = select(0u, 1u, (l << lead) != 0u);
    return sign * f32(top | rest) * bitcast<f32>((159u - lead) << 23u);
}
fn load_f16(word: u32, e: u32) -> f32 {
    let both = unpack2x16float(word);
    return select(both.x, both.y, (e & 1u) == 1u);
}
fn load_bf16(word: u32, e: u32) -> f32 {
    return bitcast<f32>(select(word << 16u, word & 0xffff0000u, (e & 1u) == 1u));
}
fn load_i16(word: u32, e: u32) -> i32 {
    return extractBits(bitcast<i32>(word), (e & 1u) * 16u, 16u);
}
fn load_u8(word: u32, e: u32) -> u32 {
    return extractBits(word, (e & 3u) * 8u, 8u);
}
fn load_bool(word: u32, e: u32) -> u32 {
    return min(extractBits(word, (e & 3u) * 8u, 8u), 1u);
}
fn load_i8(word: u32, e: u32) -> i32 {
    return extractBits(bitcast<i32>(word), (e & 3u) * 8u, 8u);
}

// The bits of an element, in the low end of a word.
fn bits_f32(x: f32) -> u32 {
    return bitcast<u32>(x);
}
fn bits_i32(x: i32) -> u32 {
    return bitcast<u32>(x);
}
fn bits_u32(x: u32) -> u32 {
    return x;
}
fn bits_i64(x: i32) -> u32 {
    return bitcast<u32>(x);
}
// Rounded to nearest, ties to even, by integer arithmetic: drivers may round pack2x16float as they like.
fn bits_f16(x: f32) -> u32 {
    let u = bitcast<u32>(x);
    let sign = (u >> 16u) & 0x8000u;
    let a = u & 0x7fffffffu;
    if (a > 0x7f800000u) {
        return sign | 0x7e00u;
    }
    if (a >= 0x477ff000u) {
        return sign | 0x7c00u;
    }
    if (a < 0x38800000u) {
        // Below the normal numbers: a multiple of 2^-24.
        let e = a >> 23u;
        if (e < 102u) {
            return sign;
        }
        let m = (a & 0x7fffffu) | 0x800000u;
        let shift = 126u - e;
        let half = 1u << (shift - 1u);
        let kept = m >> shift;
        let rest = m & ((1u << shift) - 1u);
        let up = rest > half || (rest == half && (kept & 1u) == 1u);
        return sign | (kept + select(0u, 1u, up));
    }
    return sign | (((a - 0x38000000u) + 0xfffu + ((a >> 13u) & 1u)) >> 13u);
}
fn bits_bf16(x: f32) -> u32 {
    let u = bitcast<u32>(x);
    if ((u & 0x7fffffffu) > 0x7f800000u) {
        return (u >> 16u) | 0x40u;
    }
    return (u + 0x7fffu + ((u >> 16u) & 1u)) >> 16u;
}
fn bits_i16(x: i32) -> u32 {
    return bitcast<u32>(x) & 0xffffu;
}
fn bits_u8(x: u32) -> u32 {
    return x & 0xffu;
}
fn bits_i8(x: i32) -> u32 {
    return bitcast<u32>(x) & 0xffu;
}
fn bits_bool(x: u32) -> u32 {
    return min(x, 1u);
}
