//! The forces between two points of a layout: the gradient of the cross entropy of the fuzzy sets, of which each component
//! is cut at 4.

use super::curve::Curve;

/// So many terms of a sum are added side by side. The order of a sum is the same whatever the vectors of a machine.
pub(super) const LANES: usize = 8;

/// The most that a component of a force can be.
const MOST: f32 = 4.0;

/// Squared distances below this one count as this one where they are divided by.
const LEAST: f32 = 1e-30;

/// What keeps the push between points at one place finite.
const SOFT: f32 = 1e-3;

/// The constants of the forces.
#[derive(Debug, Clone, Copy)]
pub(super) struct Forces {
    a: f32,
    eighths: u32,
    /// `-2 a b`.
    pull: f32,
    /// `2 b`.
    push: f32,
}

/// `d2^(E / 8)`, a product of square roots.
#[inline(always)]
fn power<const E: u32>(d2: f32) -> f32 {
    let mut power = 1.0;
    for _ in 0..E / 8 {
        power *= d2;
    }
    let mut root = d2;
    for bit in [4, 2, 1] {
        if E & (2 * bit - 1) != 0 {
            root = root.sqrt();
        }
        if E & bit != 0 {
            power *= root;
        }
    }
    power
}

impl Forces {
    pub fn of(curve: Curve) -> Self {
        let (a, b) = (curve.a, curve.b());
        Forces { a: a as f32, eighths: curve.eighths, pull: (-2.0 * a * b) as f32, push: (2.0 * b) as f32 }
    }

    /// Puts in the place of squared distances what the differences are multiplied by: first for points that pull, then for
    /// points that push.
    pub fn coefficients(&self, squared: &mut [f32], pulling: usize) {
        match self.eighths {
            4 => self.with_power::<4>(squared, pulling),
            5 => self.with_power::<5>(squared, pulling),
            6 => self.with_power::<6>(squared, pulling),
            7 => self.with_power::<7>(squared, pulling),
            8 => self.with_power::<8>(squared, pulling),
            9 => self.with_power::<9>(squared, pulling),
            10 => self.with_power::<10>(squared, pulling),
            11 => self.with_power::<11>(squared, pulling),
            12 => self.with_power::<12>(squared, pulling),
            13 => self.with_power::<13>(squared, pulling),
            14 => self.with_power::<14>(squared, pulling),
            15 => self.with_power::<15>(squared, pulling),
            _ => self.with_power::<16>(squared, pulling),
        }
    }

    /// Loops without branches, so that the compiler computes several at once.
    fn with_power<const E: u32>(&self, squared: &mut [f32], pulling: usize) {
        let (pulling, pushing) = squared.split_at_mut(pulling);
        for value in pulling {
            *value = self.pulling(*value, power::<E>(*value));
        }
        for value in pushing {
            *value = self.pushing(*value, power::<E>(*value));
        }
    }

    /// The pull at a squared distance, as a factor of the difference.
    #[inline(always)]
    fn pulling(&self, d2: f32, power: f32) -> f32 {
        let divisor = if d2 > LEAST { d2 } else { LEAST };
        self.pull * power / (divisor * (self.a * power + 1.0))
    }

    /// The push at a squared distance, as a factor of the difference.
    #[inline(always)]
    fn pushing(&self, d2: f32, power: f32) -> f32 {
        self.push / ((SOFT + d2) * (self.a * power + 1.0))
    }

    /// Moves a point by the pull or the push of one other, times `rate`.
    pub fn step(&self, point: &mut [f32], other: &[f32], rate: f32, pull: bool) {
        let mut coefficient = [point.iter().zip(other).fold(0f32, |sum, (a, b)| sum + (a - b) * (a - b))];
        self.coefficients(&mut coefficient, usize::from(pull));
        for (own, other) in point.iter_mut().zip(other) {
            *own += rate * clip(coefficient[0] * (*own - other));
        }
    }
}

/// The sum of products that are cut, in a fixed order. Values beyond a whole number of lanes do not count.
#[inline(always)]
pub(super) fn cut_sum(coefficients: &[f32], differences: &[f32]) -> f32 {
    let mut sums = [0f32; LANES];
    let lanes = coefficients.as_chunks::<LANES>().0.iter().zip(differences.as_chunks::<LANES>().0);
    for (coefficients, differences) in lanes {
        for ((sum, coefficient), difference) in sums.iter_mut().zip(coefficients).zip(differences) {
            *sum += clip(coefficient * difference);
        }
    }
    let halves = [0, 1, 2, 3].map(|lane| sums[lane] + sums[lane + 4]);
    (halves[0] + halves[2]) + (halves[1] + halves[3])
}

#[inline(always)]
fn clip(v: f32) -> f32 {
    let v = if v > MOST { MOST } else { v };
    if v < -MOST { -MOST } else { v }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The slope of the logarithm of the curve, and of that of one minus it, by differences. At these distances nothing is cut.
    #[test]
    fn forces_are_slopes_of_the_cross_entropy() {
        for min_dist in [0.0, 0.1, 0.5] {
            let curve = Curve::fit(min_dist);
            let forces = Forces::of(curve);
            let near = |d: f64| 1.0 / (1.0 + curve.a * libm::pow(d, 2.0 * curve.b()));
            let slope = |f: &dyn Fn(f64) -> f64, d: f64| (f(d + 1e-5) - f(d - 1e-5)) / 2e-5;
            for d in [0.7, 1.0, 2.5, 7.0] {
                let start = [0.0f32, d as f32 * 0.6];
                let other = [d as f32 * 0.8, 0.0];
                let moved = |pull: bool| {
                    let mut point = start;
                    forces.step(&mut point, &other, 1.0, pull);
                    // Along the direction away from the other point.
                    let away = [-0.8, 0.6];
                    (0..2).map(|k| f64::from(point[k] - start[k]) * away[k]).sum::<f64>()
                };
                let pull = slope(&|d| libm::log(near(d)), d);
                let push = slope(&|d| libm::log(1.0 - near(d)), d) * (d * d / (d * d + 1e-3));
                assert!(
                    (moved(true) - pull).abs() < 1e-3 * pull.abs(),
                    "{min_dist} {d}: {} {pull}",
                    moved(true)
                );
                assert!(
                    (moved(false) - push).abs() < 1e-3 * push.abs(),
                    "{min_dist} {d}: {} {push}",
                    moved(false)
                );
            }
        }
    }
}
