// The nearest rows of one query: a workgroup of 256 threads looks at rows, and keeps the `k` smallest pairs of a key and a
// row number, ordered by the key and then by the number. These pairs are the same in whatever order threads come.
//
// A key is a number whose order is that of the distances; the bits of an f32 that is not negative are one. All threads call
//     select_start(lane);
//     loop over rows, SELECT_OFFERS of them for each thread at a time {
//         select_offer(key, row);       // at most SELECT_OFFERS times, by any thread, in any control flow
//         select_settle(lane, k);       // by all threads together
//     }
//     select_finish(lane, k);
// and the pairs are then in `select_keys` and `select_rows`, the smallest first; places that are left have the key and the
// row SELECT_NONE. `k` is at most 64. A loop may begin with the pairs of an earlier one: they are offered before it, beside
// those of its first step.
//
// A thread runs through at most SELECT_ITERATIONS iterations of loops in one call of `select_settle` or `select_finish`.

const SELECT_THREADS: u32 = 256u;
const SELECT_OFFERS: u32 = 2u;
// Pairs that are kept or wait. A step of all threads takes up to half of them, and the other half is left to it.
const SELECT_ROOM: u32 = 1024u;
const SELECT_NONE: u32 = 0xffffffffu;
const SELECT_ITERATIONS: u32 = 192u;

var<workgroup> select_keys: array<u32, SELECT_ROOM>;
var<workgroup> select_rows: array<u32, SELECT_ROOM>;
var<workgroup> select_count: atomic<u32>;
// The same, where all threads can read it as one value.
var<workgroup> select_seen: u32;
// The last pair that was kept, if there were `k`. Only pairs before it are of interest.
var<workgroup> select_limit_key: u32;
var<workgroup> select_limit_row: u32;

fn select_before(key: u32, row: u32, other_key: u32, other_row: u32) -> bool {
    return key < other_key || (key == other_key && row < other_row);
}

fn select_start(lane: u32) {
    if (lane == 0u) {
        atomicStore(&select_count, 0u);
        select_limit_key = SELECT_NONE;
        select_limit_row = SELECT_NONE;
    }
    workgroupBarrier();
}

// A row with a larger key need not be offered.
fn select_limit() -> u32 {
    return select_limit_key;
}

fn select_offer(key: u32, row: u32) {
    if (select_before(key, row, select_limit_key, select_limit_row)) {
        let at = atomicAdd(&select_count, 1u);
        select_keys[at] = key;
        select_rows[at] = row;
    }
}

// Sorts the first `seen` pairs, and fills the places behind them up to `least` or a power of two. A bitonic sort (Batcher,
// 1968). All threads come here together with the same numbers.
fn select_sort(lane: u32, seen: u32, least: u32) {
    var size = 64u;
    while (size < max(seen, least)) {
        size *= 2u;
    }
    for (var i = seen + lane; i < size; i += SELECT_THREADS) {
        select_keys[i] = SELECT_NONE;
        select_rows[i] = SELECT_NONE;
    }
    for (var run = 2u; run <= size; run *= 2u) {
        for (var apart = run / 2u; apart > 0u; apart /= 2u) {
            workgroupBarrier();
            for (var pair = lane; pair < size / 2u; pair += SELECT_THREADS) {
                let one = (pair & ~(apart - 1u)) * 2u + (pair & (apart - 1u));
                let two = one + apart;
                let key = select_keys[one];
                let row = select_rows[one];
                let other_key = select_keys[two];
                let other_row = select_rows[two];
                if (select_before(other_key, other_row, key, row) == ((one & run) == 0u)) {
                    select_keys[one] = other_key;
                    select_rows[one] = other_row;
                    select_keys[two] = key;
                    select_rows[two] = row;
                }
            }
        }
    }
    workgroupBarrier();
}

// How many pairs there are, once all offers are in.
fn select_pairs(lane: u32) -> u32 {
    workgroupBarrier();
    if (lane == 0u) {
        select_seen = atomicLoad(&select_count);
    }
    return workgroupUniformLoad(&select_seen);
}

// Makes room for the next offers.
fn select_settle(lane: u32, k: u32) {
    let seen = select_pairs(lane);
    if (seen > SELECT_ROOM / 2u) {
        select_sort(lane, seen, k);
        if (lane == 0u) {
            atomicStore(&select_count, min(seen, k));
            select_limit_key = select_keys[k - 1u];
            select_limit_row = select_rows[k - 1u];
        }
        workgroupBarrier();
    }
}

fn select_finish(lane: u32, k: u32) {
    let seen = select_pairs(lane);
    select_sort(lane, seen, k);
}
