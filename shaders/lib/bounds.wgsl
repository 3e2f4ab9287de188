// Indices from int64 tensors: one that is out of bounds leaves $FAULT behind, for the next call that waits, and is 0.
$BINDING var<storage, read_write> found: array<atomic<u32>>;

// A dim's index from the two words of a number; with `wraps` below 0 counts from the end.
fn index_in(low: u32, high: u32, size: u32, wraps: bool) -> u32 {
    let i = bitcast<i32>(low);
    let fits = bitcast<i32>(high) == i >> 31u;
    if (fits && i >= 0 && low < size) {
        return low;
    }
    if (wraps && fits && i < 0 && 0u - low <= size) {
        return size + low;
    }
    atomicMax(&found[0], $FAULT);
    return 0u;
}
