// Which workgroup this is: a grid of more than 65535 is cut into rows.
fn group_index(group: vec3<u32>, groups: vec3<u32>) -> u32 {
    return group.y * groups.x + group.x;
}
