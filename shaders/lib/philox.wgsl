// Philox4x32-10: a block of four random words for each counter and key (Salmon et al., SC 2011, section 5.3).
// The upper word of a product, from halves of 16 bits.
fn high_product(a: u32, b: u32) -> u32 {
    let al = a & 0xffffu;
    let ah = a >> 16u;
    let bl = b & 0xffffu;
    let bh = b >> 16u;
    let middle = ah * bl + ((al * bl) >> 16u);
    let rest = al * bh + (middle & 0xffffu);
    return ah * bh + (middle >> 16u) + (rest >> 16u);
}

fn philox(counter: vec4<u32>, key: vec2<u32>) -> vec4<u32> {
    var c = counter;
    var k = key;
    for (var round = 0u; round < 10u; round++) {
        let p = high_product(0xd2511f53u, c.x);
        let q = high_product(0xcd9e8d57u, c.z);
        c = vec4<u32>(q ^ c.y ^ k.x, 0xcd9e8d57u * c.z, p ^ c.w ^ k.y, 0xd2511f53u * c.x);
        k += vec2<u32>(0x9e3779b9u, 0xbb67ae85u);
    }
    return c;
}

// The block with this number, counted from `first`.
fn philox_block(first: vec4<u32>, i: u32, key: vec2<u32>) -> vec4<u32> {
    let low = first.x + i;
    return philox(vec4<u32>(low, first.y + select(0u, 1u, low < i), first.zw), key);
}

// Numbers of 24 bits in [0, 1).
fn unit(w: u32) -> f32 {
    return f32(w >> 8u) * 5.9604645e-8;
}

// In (0, 1], with small numbers as fine as large ones.
fn positive(w: u32) -> f32 {
    return f32(w) * 2.3283064e-10 + 1.1641532e-10;
}

// Two normal numbers, by Box & Muller 1958.
fn pair(w: vec2<u32>) -> vec2<f32> {
    let r = sqrt(max(-2.0 * log(positive(w.x)), 0.0));
    let t = (unit(w.y) - 0.5) * 6.2831855;
    return vec2<f32>(r * cos(t), r * sin(t));
}
