// Numbers of 64 bits as two words, the low one first: WGSL has no such type, and not every device has an extension.
fn i64_of_i32(x: i32) -> vec2<u32> {
    return vec2<u32>(bitcast<u32>(x), bitcast<u32>(x >> 31u));
}
fn i64_of_u32(x: u32) -> vec2<u32> {
    return vec2<u32>(x, 0u);
}
// Towards zero; what does not fit, and NaN, is the least number, as on x86.
fn i64_of_f32(x: f32) -> vec2<u32> {
    let bits = bitcast<u32>(x);
    let e = i32((bits >> 23u) & 0xffu) - 150;
    let m = (bits & 0x7fffffu) | 0x800000u;
    if (e >= 40) {
        return vec2<u32>(0u, 0x80000000u);
    }
    if (e < -23) {
        return vec2<u32>(0u);
    }
    var r = vec2<u32>(m >> u32(max(-e, 0)), 0u);
    if (e > 0) {
        r = shl64(vec2<u32>(m, 0u), u32(e));
    }
    if (bits >> 31u == 1u) {
        r = neg64(r);
    }
    return r;
}
// Rounded once: the words below the first 24 bits leave behind whether they are 0.
fn f32_of_i64(x: vec2<u32>) -> f32 {
    let small = bitcast<i32>(x.x);
    if (bitcast<i32>(x.y) == small >> 31u) {
        return f32(small);
    }
    let a = abs64(x);
    let sign = select(1.0, -1.0, is_negative64(x));
    let lead = countLeadingZeros(a.y);
    let whole = shl64(a, lead);
    let top = whole.y | select(0u, 1u, whole.x != 0u);
    return sign * f32(top) * bitcast<f32>((159u - lead) << 23u);
}
fn is_negative64(x: vec2<u32>) -> bool {
    return x.y >> 31u == 1u;
}
fn eq64(a: vec2<u32>, b: vec2<u32>) -> bool {
    return a.x == b.x && a.y == b.y;
}
fn lt64(a: vec2<u32>, b: vec2<u32>) -> bool {
    let left = bitcast<i32>(a.y);
    let right = bitcast<i32>(b.y);
    return left < right || (left == right && a.x < b.x);
}
fn below64(a: vec2<u32>, b: vec2<u32>) -> bool {
    return a.y < b.y || (a.y == b.y && a.x < b.x);
}
fn some64(a: vec2<u32>) -> bool {
    return (a.x | a.y) != 0u;
}
fn add64(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    let low = a.x + b.x;
    return vec2<u32>(low, a.y + b.y + select(0u, 1u, low < a.x));
}
fn sub64(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    return vec2<u32>(a.x - b.x, a.y - b.y - select(0u, 1u, a.x < b.x));
}
fn neg64(a: vec2<u32>) -> vec2<u32> {
    return sub64(vec2<u32>(0u), a);
}
fn abs64(a: vec2<u32>) -> vec2<u32> {
    return select(a, neg64(a), is_negative64(a));
}
fn sign64(a: vec2<u32>) -> vec2<u32> {
    return select(vec2<u32>(select(0u, 1u, some64(a)), 0u), vec2<u32>(0xffffffffu), is_negative64(a));
}
fn min64(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    return select(b, a, lt64(a, b));
}
fn max64(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    return select(a, b, lt64(a, b));
}
// All 64 bits of a product of words, by their halves.
fn product64(a: u32, b: u32) -> vec2<u32> {
    let al = a & 0xffffu;
    let ah = a >> 16u;
    let bl = b & 0xffffu;
    let bh = b >> 16u;
    let low = al * bl;
    let first = ah * bl + (low >> 16u);
    let second = al * bh + (first & 0xffffu);
    return vec2<u32>((second << 16u) | (low & 0xffffu), ah * bh + (first >> 16u) + (second >> 16u));
}
fn mul64(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    let p = product64(a.x, b.x);
    return vec2<u32>(p.x, p.y + a.x * b.y + a.y * b.x);
}
// By less than 64.
fn shl64(a: vec2<u32>, n: u32) -> vec2<u32> {
    if (n == 0u) {
        return a;
    }
    if (n >= 32u) {
        return vec2<u32>(0u, a.x << (n - 32u));
    }
    return vec2<u32>(a.x << n, (a.y << n) | (a.x >> (32u - n)));
}
fn shr64(a: vec2<u32>, n: u32) -> vec2<u32> {
    let high = bitcast<i32>(a.y);
    if (n == 0u) {
        return a;
    }
    if (n >= 32u) {
        return vec2<u32>(bitcast<u32>(high >> (n - 32u)), bitcast<u32>(high >> 31u));
    }
    return vec2<u32>((a.x >> n) | (a.y << (32u - n)), bitcast<u32>(high >> n));
}
// By any amount: at 64 and above, and below 0, all bits are gone.
fn shift_left64(a: vec2<u32>, n: vec2<u32>) -> vec2<u32> {
    return select(vec2<u32>(0u), shl64(a, n.x & 63u), n.y == 0u && n.x < 64u);
}
fn shift_right64(a: vec2<u32>, n: vec2<u32>) -> vec2<u32> {
    return shr64(a, select(63u, n.x, n.y == 0u && n.x < 64u));
}
// Quotient (x, y) and remainder (z, w) of numbers without a sign; 0 of a division by 0.
fn divide_unsigned64(a: vec2<u32>, b: vec2<u32>) -> vec4<u32> {
    if (!some64(b)) {
        return vec4<u32>(0u);
    }
    if ((a.y | b.y) == 0u) {
        let q = a.x / b.x;
        return vec4<u32>(q, 0u, a.x - q * b.x, 0u);
    }
    var q = vec2<u32>(0u);
    var r = vec2<u32>(0u);
    for (var k = 0u; k < 64u; k++) {
        let bit = select(a.x >> ((63u - k) & 31u), a.y >> ((63u - k) & 31u), k < 32u) & 1u;
        // A remainder of 2^63 and more is above b whatever leaves it at the top.
        let over = r.y >> 31u == 1u;
        r = shl64(r, 1u);
        r.x |= bit;
        q = shl64(q, 1u);
        if (over || !below64(r, b)) {
            r = sub64(r, b);
            q.x |= 1u;
        }
    }
    return vec4<u32>(q, r);
}
// Quotient rounded to zero, and remainder with the sign of a.
fn divide64(a: vec2<u32>, b: vec2<u32>) -> vec4<u32> {
    let d = divide_unsigned64(abs64(a), abs64(b));
    let q = select(d.xy, neg64(d.xy), is_negative64(a) != is_negative64(b));
    let r = select(d.zw, neg64(d.zw), is_negative64(a));
    return vec4<u32>(q, r);
}
fn div_floor64(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    let d = divide64(a, b);
    let down = some64(d.zw) && is_negative64(d.zw) != is_negative64(b);
    return select(d.xy, sub64(d.xy, vec2<u32>(1u, 0u)), down);
}
fn rem_floor64(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    let r = divide64(a, b).zw;
    return select(r, add64(r, b), some64(r) && is_negative64(r) != is_negative64(b));
}
fn pow64(a: vec2<u32>, e: vec2<u32>) -> vec2<u32> {
    if (is_negative64(e)) {
        let one = vec2<u32>(1u, 0u);
        let minus = all(a == vec2<u32>(0xffffffffu));
        return select(select(vec2<u32>(0u), one, eq64(a, one)), select(one, a, (e.x & 1u) == 1u), minus);
    }
    var base = a;
    var r = vec2<u32>(1u, 0u);
    for (var k = 0u; k < 64u; k++) {
        if ((select(e.x, e.y, k >= 32u) >> (k & 31u) & 1u) == 1u) {
            r = mul64(r, base);
        }
        base = mul64(base, base);
    }
    return r;
}
fn gcd64(x: vec2<u32>, y: vec2<u32>) -> vec2<u32> {
    var a = abs64(x);
    var b = abs64(y);
    // Euclid's steps on 64 bits: the Fibonacci numbers need the most, 92.
    for (var k = 0u; k < 96u && some64(b); k++) {
        let r = divide64(a, b).zw;
        a = b;
        b = r;
    }
    return abs64(a);
}
fn lcm64(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    return abs64(mul64(divide64(a, gcd64(a, b)).xy, b));
}
