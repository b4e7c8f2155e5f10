//! `shaders/exact.wgsl` compared with the host's own f64, on random and on adversarial values.

use super::buffer::{Output, upload};
use super::context::Context;
use super::interface::{Binding, EntryPoint, shared_struct};
use super::kernel::{Kernel, WORKGROUP};
use super::{Options, adapters};
use crate::random::{Draws, Purpose, Stream};
use rayon::prelude::*;

shared_struct! {
    struct Params {
        cases: u32,
        unused: [u32; 3],
    }
}

shared_struct! {
    #[derive(Debug)]
    struct Case {
        x: u32,
        c: u32,
        a: [u32; 2],
        b: [u32; 2],
        sum_low: u32,
        sum_mid: u32,
        sum_high: u32,
        weight_low: u32,
        weight_high: u32,
        exponent: u32,
    }
}

shared_struct! {
    #[derive(Debug, PartialEq)]
    struct Answer {
        difference: [u32; 2],
        square: [u32; 2],
        sum: [u32; 2],
        added: [u32; 2],
        order: u32,
        mean: u32,
    }
}

const PARAMS: Binding = Binding::uniform::<Params>(0, "params");
const CASES: Binding = Binding::read::<Case>(1, "cases");
const ANSWERS: Binding = Binding::read_write::<Answer>(2, "answers");

pub(super) static EXACT_OPERATIONS: EntryPoint = EntryPoint {
    file: "exact_tests",
    name: "exact_operations",
    threads: WORKGROUP,
    params: PARAMS,
    bindings: &[CASES, ANSWERS],
    overrides: &[],
    constants: &[],
};

/// A dispatch' cases, and how many dispatches there are on every adapter.
const CASES_OF_A_DISPATCH: usize = 1 << 17;
const DISPATCHES: usize = 4;

fn words(bits: u64) -> [u32; 2] {
    [bits as u32, (bits >> 32) as u32]
}

fn double([low, high]: [u32; 2]) -> f64 {
    f64::from_bits(u64::from(high) << 32 | u64::from(low))
}

/// Bits that are random, all clear, all set, a run of ones at either end, or a single one.
fn pattern(draws: &mut Stream, bits: u32) -> u64 {
    let at = draws.below(bits.into());
    let bits = (1u64 << bits) - 1;
    bits & match draws.below(6) {
        0 => 0,
        1 => bits,
        2 => u64::MAX << at,
        3 => (1 << at) - 1,
        4 => 1 << at,
        _ => draws.bits(),
    }
}

/// Any f32 below 2^50, subnormal ones and both zeros among them.
fn single(draws: &mut Stream) -> u32 {
    let field = if draws.below(6) == 0 { draws.below(3) } else { draws.below(177) };
    (draws.below(2) << 31 | field << 23 | pattern(draws, 23)) as u32
}

/// A value and one that is related to it: equal, its opposite, next to it, in the same range, or smaller by about as many
/// bits as make a difference to the rounding.
fn related(draws: &mut Stream) -> (u32, u32) {
    const SIGN: u32 = 1 << 31;
    let x = single(draws);
    let field = x >> 23 & 0xff;
    let (near, apart) = (draws.below(3) as u32, draws.below(70) as u32);
    let in_range = |draws: &mut Stream, field: u32| {
        (draws.below(2) << 31) as u32 | field << 23 | pattern(draws, 23) as u32
    };
    let c = match draws.below(8) {
        0 => single(draws),
        1 => x,
        2 => x ^ SIGN,
        3 => x & SIGN | ((x & !SIGN) + near),
        4 => x & SIGN | (x & !SIGN).saturating_sub(near),
        5 => in_range(draws, field),
        6 => in_range(draws, field.saturating_sub(24 + apart % 9)),
        _ => in_range(draws, field.saturating_sub(apart)),
    };
    if draws.below(2) == 0 { (x, c) } else { (c, x) }
}

/// Two f64 between 2^-298 and 2^101, or 0.
fn doubles(draws: &mut Stream) -> (f64, f64) {
    const LEAST: u64 = 1023 - 298;
    let of = |draws: &mut Stream, field: u64| f64::from_bits(field.max(LEAST) << 52 | pattern(draws, 52));
    let field = LEAST + draws.below(399);
    let a = of(draws, field);
    let b = match draws.below(8) {
        0 => 0.0,
        1 => a,
        2 => a.next_up(),
        3 => {
            let field = LEAST + draws.below(399);
            of(draws, field)
        }
        // Half of a's last bit, and its neighbours.
        4 => {
            let half = f64::from_bits((field - 53.min(field - LEAST)) << 52);
            [half, half.next_up(), half.next_down()][draws.below(3) as usize].max(f64::from_bits(LEAST << 52))
        }
        5 => {
            let field = field.saturating_sub(50 + draws.below(8));
            of(draws, field)
        }
        _ => {
            let field = field.saturating_sub(draws.below(70));
            of(draws, field)
        }
    };
    if draws.below(2) == 0 { (a, b) } else { (b, a) }
}

/// A sum of at most 31 bits for each unit of weight, the weight of its rows, and the exponent of a step.
fn sum(draws: &mut Stream) -> (i128, u64, i32) {
    // 32 bits for the number of rows, and 16 for a weight.
    let most = if draws.below(2) == 0 { 32 } else { 48 };
    let bits = 1 + draws.below(most) as u32;
    let weight = match draws.below(4) {
        0 => 1 << (bits - 1),
        1 => 1 + draws.below(300),
        _ => pattern(draws, bits).max(1),
    };
    let most = i128::from(weight) << 31;
    let odd = |draws: &mut Stream| i128::from(pattern(draws, 24) | 1 << 24 | 1);
    let sum = match draws.below(6) {
        0 => (i128::from(draws.bits()) << draws.below(16)) % most,
        1 => i128::from(draws.bits() >> draws.below(64)) % most,
        // Means halfway between two f32, and their neighbours.
        2 => (odd(draws) * i128::from(weight)) << draws.below(7),
        3 => ((odd(draws) * i128::from(weight)) << draws.below(7)) + i128::from(draws.below(3)) - 1,
        // Sums halfway between two f64.
        4 => i128::from(pattern(draws, 53) | 1 << 52) << 10 | 1 << 9,
        _ => most,
    };
    let exponent = match draws.below(3) {
        0 => -126,
        1 => -126 + draws.below(30) as i32,
        _ => -126 + draws.below(140) as i32,
    };
    let sum = sum.clamp(0, most);
    (if draws.below(2) == 0 { sum } else { -sum }, weight, exponent)
}

fn case(draws: &mut Stream) -> Case {
    let ((x, c), (a, b)) = (related(draws), doubles(draws));
    let (sum, weight, exponent) = sum(draws);
    let [weight_low, weight_high] = words(weight);
    Case {
        x,
        c,
        a: words(a.to_bits()),
        b: words(b.to_bits()),
        sum_low: sum as u32,
        sum_mid: (sum >> 32) as u32,
        sum_high: (sum >> 64) as u32,
        weight_low,
        weight_high,
        exponent: exponent as u32,
    }
}

/// What the host's f64 says.
fn answer(case: &Case) -> Answer {
    let [x, c] = [case.x, case.c].map(|bits| f64::from(f32::from_bits(bits)));
    let (a, b, moved) = (double(case.a), double(case.b), x - c);
    let whole =
        i128::from(case.sum_high as i32) << 64 | i128::from(case.sum_mid) << 32 | i128::from(case.sum_low);
    let weight = u64::from(case.weight_high) << 32 | u64::from(case.weight_low);
    let step = libm::ldexp(1.0, case.exponent as i32);
    Answer {
        difference: words(moved.abs().to_bits()),
        square: words((moved * moved).to_bits()),
        sum: words((a + b).to_bits()),
        added: words((a + moved * moved).to_bits()),
        order: u32::from(a < b) | u32::from(b < a) << 1,
        mean: ((whole as f64 / weight as f64 * step) as f32 + 0.0).to_bits(),
    }
}

#[test]
fn whole_numbers_round_as_f64_does() {
    let mut rounded = [0usize; 4];
    for index in 0..adapters().len() {
        for checked in [false, true] {
            let options = Options { guards: true, checked, ..Options::default() };
            let context = pollster::block_on(Context::open(index, options)).unwrap();
            let kernel = Kernel::new(&context, &EXACT_OPERATIONS, 1);
            for dispatch in 0..DISPATCHES as u64 {
                let cases: Vec<Case> = (0..64)
                    .into_par_iter()
                    .flat_map_iter(|part| {
                        let of = Draws::new(dispatch + 10 * u64::from(checked), Purpose::SynthTable);
                        let mut draws = of.at(part);
                        (0..CASES_OF_A_DISPATCH / 64).map(move |_| case(&mut draws))
                    })
                    .collect();
                let given = upload(&context, &cases);
                let answers = Output::new(&context, cases.len() * size_of::<Answer>() / 4);
                let params = Params { cases: cases.len() as u32, unused: [0; 3] };
                let bindings = [CASES.to(&given), ANSWERS.to(&answers)];
                kernel.dispatch(&context, params, &bindings, [cases.len() / WORKGROUP, 1, 1]);
                let answers: Vec<Answer> = pollster::block_on(answers.read(&context, cases.len())).unwrap();
                for (case, got) in cases.iter().zip(answers) {
                    let expected = answer(case);
                    assert!(got == expected, "{case:x?}: {got:x?}, not {expected:x?}");
                    let [x, c] = [case.x, case.c].map(f32::from_bits);
                    let mean = f32::from_bits(expected.mean);
                    rounded[0] += usize::from(x.is_subnormal() || c.is_subnormal());
                    rounded[1] += usize::from(mean.is_subnormal());
                    rounded[2] += usize::from(expected.order == 0);
                    rounded[3] += usize::from(case.x << 1 == 0 || case.c << 1 == 0);
                }
            }
        }
    }
    if !adapters().is_empty() {
        assert!(rounded.iter().all(|&cases| cases > 1000), "{rounded:?} cases of some kinds");
    }
}
