//#import common
// The inner loop of `assign` by distances: one row against packs of points. A pack holds four points feature by feature, so that
// one vec4 has the same feature of all four.
//
// A shader that imports this file must define two functions that say where the values are:
//     fn row_feature(start: u32, j: u32) -> f32      // feature j of the row whose feature 0 is at `start`
//     fn pack_feature(at: u32) -> vec4<f32>          // entry `at` of the packs
// It must also have `params.features`, the number of features.

// Adds one feature to the sums of a row and the four points of a pack.
fn add_feature(sums: vec4<f32>, x: f32, points: vec4<f32>) -> vec4<f32> {
    let difference = vec4<f32>(x) - points;
    return fma(difference, difference, sums);
}

// The sums of a row and four packs.
struct FourPacks {
    a: vec4<f32>,
    b: vec4<f32>,
    c: vec4<f32>,
    d: vec4<f32>,
}

// Adds all features to `sums`, which have their starting values. The row's values are read from memory once for all 16
// points. `at` says where feature 0 of each pack is, `stride` how far apart a pack's features are.
fn add_row(sums: FourPacks, start: u32, at: vec4<u32>, stride: u32) -> FourPacks {
    var out = sums;
    for (var j = 0u; j < params.features; j++) {
        let x = row_feature(start, j);
        let here = at + vec4<u32>(j * stride);
        out.a = add_feature(out.a, x, pack_feature(here.x));
        out.b = add_feature(out.b, x, pack_feature(here.y));
        out.c = add_feature(out.c, x, pack_feature(here.z));
        out.d = add_feature(out.d, x, pack_feature(here.w));
    }
    return out;
}
