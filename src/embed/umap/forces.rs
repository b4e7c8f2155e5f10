//! The forces between two points of a layout: the gradient of the cross entropy of the fuzzy sets, of which each component
//! is cut at 4.

use super::curve::Curve;

/// So many points are looked at together. Each lane's arithmetic is that of one point alone, so a machine's vectors make no
/// difference.
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

type Lanes = [f32; LANES];

impl Forces {
    pub fn of(curve: Curve) -> Self {
        let (a, b) = (curve.a, curve.b());
        Forces { a: a as f32, eighths: curve.eighths, pull: (-2.0 * a * b) as f32, push: (2.0 * b) as f32 }
    }

    /// `d2^b`, a product of square roots.
    #[inline(always)]
    fn power(&self, d2: &Lanes) -> Lanes {
        let mut power = [1f32; LANES];
        let times = |power: &mut Lanes, by: &Lanes| {
            power.iter_mut().zip(by).for_each(|(p, by)| *p *= by);
        };
        (0..self.eighths / 8).for_each(|_| times(&mut power, d2));
        let mut root = *d2;
        for bit in [4, 2, 1] {
            if self.eighths & (2 * bit - 1) == 0 {
                break;
            }
            root.iter_mut().for_each(|v| *v = v.sqrt());
            if self.eighths & bit != 0 {
                times(&mut power, &root);
            }
        }
        power
    }

    /// The differences between point `i` and these, and their squared distances.
    #[inline(always)]
    fn differences<const C: usize>(
        at: &[f32],
        own: &[f32],
        points: &[u32; LANES],
        differences: &mut [Lanes],
    ) -> Lanes {
        let dims = if C == 0 { own.len() } else { C };
        let mut d2 = [0f32; LANES];
        for (lane, &point) in points.iter().enumerate() {
            let other = &at[point as usize * dims..][..dims];
            for (k, other) in other.iter().enumerate() {
                differences[k][lane] = own[k] - other;
            }
        }
        for differences in &differences[..dims] {
            d2.iter_mut().zip(differences).for_each(|(d2, v)| *d2 += v * v);
        }
        d2
    }

    /// Adds `factor * clip(coefficient * difference)`, component by component.
    #[inline(always)]
    fn add(sums: &mut [Lanes], differences: &[Lanes], coefficients: &Lanes, factor: f32) {
        for (sums, differences) in sums.iter_mut().zip(differences) {
            for ((sum, v), coefficient) in sums.iter_mut().zip(differences).zip(coefficients) {
                *sum += factor * clip(coefficient * v);
            }
        }
    }

    /// Adds the pull of these points on point `i`. It is doubled, since the other end of the edge does not move for it.
    #[inline(always)]
    pub fn pull<const C: usize>(
        &self,
        at: &[f32],
        i: usize,
        points: &[u32],
        sums: &mut [Lanes],
        differences: &mut [Lanes],
    ) {
        let dims = if C == 0 { sums.len() } else { C };
        let own = &at[i * dims..][..dims];
        for points in points.as_chunks::<LANES>().0 {
            let d2 = Self::differences::<C>(at, own, points, differences);
            let power = self.power(&d2);
            let mut coefficients = [0f32; LANES];
            for ((coefficient, d2), power) in coefficients.iter_mut().zip(&d2).zip(&power) {
                *coefficient = self.pulling(*d2, *power);
            }
            Self::add(&mut sums[..dims], &differences[..dims], &coefficients, 2.0);
        }
    }

    /// Adds the push of these points on point `i`.
    #[inline(always)]
    pub fn push<const C: usize>(
        &self,
        at: &[f32],
        i: usize,
        points: &[u32],
        sums: &mut [Lanes],
        differences: &mut [Lanes],
    ) {
        let dims = if C == 0 { sums.len() } else { C };
        let own = &at[i * dims..][..dims];
        for points in points.as_chunks::<LANES>().0 {
            let d2 = Self::differences::<C>(at, own, points, differences);
            let power = self.power(&d2);
            let mut coefficients = [0f32; LANES];
            for ((coefficient, d2), power) in coefficients.iter_mut().zip(&d2).zip(&power) {
                *coefficient = self.pushing(*d2, *power);
            }
            Self::add(&mut sums[..dims], &differences[..dims], &coefficients, 1.0);
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

    /// Moves a point by the pull of one other, times `rate`.
    pub fn step(&self, point: &mut [f32], other: &[f32], rate: f32, pull: bool) {
        let d2 = point.iter().zip(other).map(|(a, b)| (a - b) * (a - b)).fold(0f32, |sum, v| sum + v);
        let power = self.power(&[d2; LANES])[0];
        let coefficient = if pull { self.pulling(d2, power) } else { self.pushing(d2, power) };
        for (own, other) in point.iter_mut().zip(other) {
            *own += rate * clip(coefficient * (*own - other));
        }
    }
}

#[inline(always)]
fn clip(v: f32) -> f32 {
    let v = if v > MOST { MOST } else { v };
    if v < -MOST { -MOST } else { v }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The slope of the logarithm of the curve, and of that of one minus it, by differences.
    #[test]
    fn forces_are_slopes_of_the_cross_entropy() {
        for min_dist in [0.0, 0.1, 0.5] {
            let curve = Curve::fit(min_dist);
            let forces = Forces::of(curve);
            let near = |d: f64| 1.0 / (1.0 + curve.a * libm::pow(d, 2.0 * curve.b()));
            let slope = |f: &dyn Fn(f64) -> f64, d: f64| (f(d + 1e-5) - f(d - 1e-5)) / 2e-5;
            for d in [0.3, 1.0, 2.5, 7.0] {
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
