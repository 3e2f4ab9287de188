// Classes of rows, from the binding `targets` (int64) and the parameters `targets`, `classes` and `ignore` (two words).
// To be included after all other bindings.
#include "lib/bounds.wgsl"

// The class of a row, below 0 if it does not count.
fn class_of(row: u32) -> i32 {
    let at = 2u * (params.targets + row);
    let low = targets[at];
    let high = targets[at + 1u];
    if (low == params.ignore_low && high == params.ignore_high) {
        return -1;
    }
    let class_index = index_in(low, high, params.classes, false);
    return select(i32(class_index), -1, params.classes == 0u);
}

fn weight_of(class_index: u32) -> f32 {
#if WEIGHT
    return weight[params.weight + class_index];
#else
    return 1.0;
#endif
}
