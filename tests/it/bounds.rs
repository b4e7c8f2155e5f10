//! The proven error bounds of f32 arithmetic, compared with f64.

use segmenta::canonical::{Certificate, DotProductBound, Rounding};
use segmenta::random::{Draws, Purpose};

/// A row and a point that are related as `kind` says.
fn pair(d: usize, kind: u64, trial: u64) -> (Vec<f32>, Vec<f32>) {
    let mut draws = Draws::new(kind, Purpose::SynthTable).at(trial << 16 | d as u64);
    let row: Vec<f32> = (0..d).map(|_| (draws.normal() + if kind == 1 { 1e4 } else { 0.0 }) as f32).collect();
    let point = row
        .iter()
        .map(|&x| match kind {
            0 => draws.normal() as f32,
            // Near each other, far from the origin.
            1 => x + draws.normal() as f32,
            2 => x * (1.0 + 1e-6 * draws.normal() as f32),
            3 => 1e-12 * draws.normal() as f32,
            _ => -1e12 * x,
        })
        .collect();
    (row, point)
}

fn norm(values: &[f32]) -> f64 {
    values.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt()
}

#[test]
fn the_dot_product_bound_is_a_lower_bound_and_not_far_off() {
    let mut needed = 0;
    for d in [1, 2, 5, 26, 300, 3000] {
        let bounds = DotProductBound::new(d, Rounding::Nearest);
        for (kind, trial) in (0..5).flat_map(|kind| (0..60).map(move |trial| (kind, trial))) {
            let (row, point) = pair(d, kind, trial);
            let terms = bounds.point(point.iter().copied());
            let above = (norm(&row) as f32).next_up();
            let product: f64 = row.iter().zip(&point).map(|(&x, &c)| f64::from(x) * f64::from(c)).sum();
            let exact = norm(&point).powi(2) / 2.0 - product;
            let size = norm(&row) * norm(&point) + norm(&point).powi(2) / 2.0;
            let (mut fused, mut apart, mut plain) =
                (terms.start, terms.start, (norm(&point).powi(2) / 2.0) as f32);
            for (&x, &c) in row.iter().zip(&point) {
                fused = x.mul_add(-c, fused);
                apart += x * -c;
                plain = x.mul_add(-c, plain);
            }
            fused = above.mul_add(terms.slope, fused);
            apart += above * terms.slope;
            needed += u32::from(f64::from(plain) > exact);
            for bound in [fused, apart].map(f64::from) {
                let what = format!("d = {d}, kind {kind}, trial {trial}: {bound} for {exact}");
                // f64 errs too, by far less.
                assert!(bound <= exact + 1e-13 * size, "{what}");
                assert!(exact <= bound + f64::from(bounds.width) * size + f64::from(bounds.slack), "{what}");
            }
        }
    }
    assert!(needed > 100, "without its margin it would not be a bound: {needed}");
}

/// Two points whose difference in distance is about as small as the error that is allowed for.
#[test]
fn the_error_of_a_set_proves_only_what_is_true() {
    let (mut proved, mut open, mut needed) = (0, 0, 0);
    for d in [1, 2, 5, 26, 300, 3000] {
        let bounds = DotProductBound::new(d, Rounding::Nearest);
        for (kind, trial) in (0..5).flat_map(|kind| (0..60).map(move |trial| (kind, trial))) {
            let (row, a) = pair(d, kind, trial);
            for near in (0..8).map(|i| f64::powi(2.0, -3 * i)) {
                let mut draws = Draws::new(9, Purpose::SynthTable).at(trial << 16 | d as u64);
                let b: Vec<f32> = a.iter().map(|&v| v * (1.0 + near * draws.normal()) as f32).collect();
                let radius = |point: &[f32]| bounds.point(point.iter().copied()).radius;
                let error = bounds.error(radius(&a).max(radius(&b)));
                let above = (norm(&row) as f32).next_up();
                let error = above.mul_add(above.mul_add(error.quadratic, error.linear), error.constant);
                let value = |point: &[f32]| {
                    let start = bounds.point(point.iter().copied()).start;
                    row.iter().zip(point).fold(start, |sum, (&x, &c)| x.mul_add(-c, sum))
                };
                let exact = |point: &[f32]| -> f64 {
                    row.iter().zip(point).map(|(&x, &c)| (f64::from(x) - f64::from(c)).powi(2)).sum()
                };
                let (first, second) = if value(&a) <= value(&b) { (&a, &b) } else { (&b, &a) };
                if value(second) > value(first) + error {
                    proved += 1;
                    assert!(exact(first) < exact(second), "d = {d}, kind {kind}, trial {trial}, near {near}");
                } else {
                    open += 1;
                    needed += u32::from(exact(second) < exact(first));
                }
            }
        }
    }
    assert!(
        proved > 1000 && open > 100 && needed > 10,
        "{proved} proved, {open} not, {needed} would be wrong"
    );
}

#[test]
fn the_certificate_covers_every_order_of_rounding() {
    for d in [1, 2, 5, 26, 300, 3000] {
        let Certificate { low, high, slack } = Certificate::new(d);
        for (kind, trial) in (0..5).flat_map(|kind| (0..60).map(move |trial| (kind, trial))) {
            let (row, point) = pair(d, kind, trial);
            let differences = || row.iter().zip(&point).map(|(&x, &c)| x - c);
            let exact: f64 =
                row.iter().zip(&point).map(|(&x, &c)| (f64::from(x) - f64::from(c)).powi(2)).sum();
            let forward = differences().fold(0f32, |sum, v| v.mul_add(v, sum));
            let backward = differences().rev().fold(0f32, |sum, v| sum + v * v);
            for squared in [forward, backward].map(f64::from) {
                let what = format!("d = {d}, kind {kind}, trial {trial}: {squared} for {exact}");
                assert!(squared * f64::from(low) - f64::from(slack) <= exact, "{what}");
                assert!(squared * f64::from(high) + f64::from(slack) >= exact, "{what}");
            }
        }
    }
}
