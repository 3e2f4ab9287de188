// A chain of pointwise functions in float32, see src/gpu/fuse.rs: the host writes the parameters, the bindings (as words),
// a function for each call of the chain, and what is done for element i.
#include "lib/dtype.wgsl"
#include "lib/math.wgsl"
#include "lib/functions.wgsl"

struct Params {
    n: u32,
$CHAIN_FIELDS
}
$PARAMS params: Params;
$CHAIN_BINDINGS

$CHAIN_FUNCTIONS

fn element(i: u32) {
$CHAIN_BODY
}

#include "lib/main.wgsl"
{
    let base = group_index(group, groups) * (4u * $GROUPu);
    for (var j = 0u; j < 4u; j++) {
        let i = base + j * $GROUPu + lane;
        if (i < params.n) {
            element(i);
        }
    }
}
