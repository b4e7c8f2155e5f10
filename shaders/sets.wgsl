//#import common
// Centroid sets as the kernels of a Lloyd pass see them.

// A centroid set.
struct Set {
    // For distances: the number of its first pack, and how many packs of four centroids it has; the packs of the next set
    // follow.
    first_pack: u32,
    packs: u32,
    // The number of its first centroid among the centroids of all sets, and how many it has.
    first_sum: u32,
    centroids: u32,
    // For distances: low, high, slack (`Certificate`). For dot products: width, unused, slack (`DotProductBound`).
    certificate: vec4<f32>,
    // The slots with the labels of the last pass and of this one.
    old_slot: u32,
    new_slot: u32,
    // 0, or all ones if there was no last pass: combined with any old label it gives "no label".
    ignore_old: u32,
    // Not 0 if the set takes no more passes: every kernel leaves it as it is.
    stopped: u32,
}
