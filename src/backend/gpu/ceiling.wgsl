// What a device can do at most, for `segmenta bench`. The results mean nothing; they are written so that the compiler
// cannot leave the work out. `//@each` is explained in shaders/README.md; here the host asks for 32 copies of the line.

struct Params {
    // How often the values are read, or how many rounds of multiply-adds are done.
    rounds: u32,
    // How many vectors there are to read.
    count: u32,
    // How many threads the dispatch has.
    threads: u32,
    by: f32,
    plus: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> values: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> sums: array<f32>;

@compute @workgroup_size(64)
fn read_all(@builtin(global_invocation_id) id: vec3<u32>) {
    var sum = vec4<f32>(0.0);
    for (var round = 0u; round < params.rounds; round++) {
        for (var i = id.x; i < params.count; i += 4u * params.threads) {
            sum += (values[i] + values[i + params.threads])
                + (values[i + 2u * params.threads] + values[i + 3u * params.threads]);
        }
    }
    sums[id.x] = sum.x + sum.y + sum.z + sum.w;
}

@compute @workgroup_size(64)
fn multiply_add(@builtin(global_invocation_id) id: vec3<u32>) {
    let by = vec4<f32>(params.by);
    let plus = vec4<f32>(params.plus + f32(id.x));
    // Four sums that do not depend on each other, so that none has to wait.
    var a = plus;
    var b = plus + 1.0;
    var c = plus + 2.0;
    var d = plus + 3.0;
    for (var round = 0u; round < params.rounds; round++) {
        //@each a = fma(a, by, plus); b = fma(b, by, plus); c = fma(c, by, plus); d = fma(d, by, plus);
    }
    let sum = a + b + c + d;
    sums[id.x] = sum.x + sum.y + sum.z + sum.w;
}
