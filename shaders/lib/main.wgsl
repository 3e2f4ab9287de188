// The entry of a kernel, up to its body: which workgroup of the grid this is (`group_index` numbers them), and
// which invocation of it.
#include "lib/grid.wgsl"
@compute @workgroup_size($GROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
)
