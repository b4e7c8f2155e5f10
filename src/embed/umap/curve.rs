//! How strongly two points of a layout belong together, by their distance: `1 / (1 + a d^2b)`.

/// The exponents `b` that are tried, in eighths. With them a power is a product of square roots, which round alike on
/// every machine.
const EIGHTHS: std::ops::RangeInclusive<u32> = 4..=16;

/// The curve is fitted at so many distances, from 0 to 3.
const POINTS: usize = 300;

/// The constants of the curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Curve {
    pub a: f64,
    /// Eight times `b`.
    pub eighths: u32,
}

impl Curve {
    /// The least squares fit to the curve that is 1 up to `min_dist` and falls as `exp(min_dist - d)` beyond, as umap-learn
    /// has it for a spread of 1.
    pub fn fit(min_dist: f64) -> Curve {
        let points: Vec<(f64, f64)> = (0..POINTS)
            .map(|i| 3.0 * i as f64 / (POINTS - 1) as f64)
            .map(|d| (d * d, if d < min_dist { 1.0 } else { libm::exp(min_dist - d) }))
            .collect();
        let best = |eighths: u32| {
            let powers: Vec<(f64, f64)> = points.iter().map(|&(d2, y)| (power(d2, eighths), y)).collect();
            let error = |log_a: f64| {
                let a = libm::exp(log_a);
                powers.iter().map(|&(p, y)| (1.0 / (1.0 + a * p) - y).powi(2)).sum::<f64>()
            };
            let log_a = lowest(error, -12.0, 6.0);
            (error(log_a), Curve { a: libm::exp(log_a), eighths })
        };
        let fits = EIGHTHS.map(best);
        fits.min_by(|x, y| x.0.total_cmp(&y.0)).map_or(Curve { a: 1.0, eighths: 8 }, |fit| fit.1)
    }

    /// The curve with these constants, unless they are beyond what a fit can give.
    pub fn of(a: f64, b: f64) -> Option<Curve> {
        let eighths = EIGHTHS.into_iter().find(|&e| f64::from(e) == 8.0 * b)?;
        (1e-6..=1e6).contains(&a).then_some(Curve { a, eighths })
    }

    pub fn b(self) -> f64 {
        f64::from(self.eighths) / 8.0
    }
}

/// `d2^(eighths / 8)`.
fn power(d2: f64, eighths: u32) -> f64 {
    let half = d2.sqrt();
    let quarter = half.sqrt();
    let bit = |bit: u32, root: f64| if eighths & bit == 0 { 1.0 } else { root };
    let whole = (0..eighths / 8).fold(1.0, |p, _| p * d2);
    whole * bit(4, half) * bit(2, quarter) * bit(1, quarter.sqrt())
}

/// Where a function with one valley is lowest (golden-section search).
fn lowest(f: impl Fn(f64) -> f64, mut from: f64, mut to: f64) -> f64 {
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    for _ in 0..100 {
        let (left, right) = (to - GOLDEN * (to - from), from + GOLDEN * (to - from));
        if f(left) <= f(right) {
            to = right;
        } else {
            from = left;
        }
    }
    0.5 * (from + to)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// tests/peers/umap.py makes it.
    #[derive(serde::Deserialize)]
    struct Golden {
        curves: Vec<(f64, f64, f64)>,
    }

    #[test]
    fn the_curve_is_near_umap_learns() {
        let golden: Golden = serde_json::from_str(include_str!("../../../tests/peers/umap.json")).unwrap();
        for (min_dist, a, b) in golden.curves {
            let found = Curve::fit(min_dist);
            assert!((found.b() - b).abs() <= 0.0625, "{min_dist}: {found:?}");
            for i in 0..=30 {
                let d = f64::from(i) / 10.0;
                let own = 1.0 / (1.0 + found.a * power(d * d, found.eighths));
                let theirs = 1.0 / (1.0 + a * libm::pow(d, 2.0 * b));
                assert!((own - theirs).abs() < 0.02, "{min_dist}, {d}: {own} {theirs}");
            }
            assert_eq!(Curve::of(found.a, found.b()), Some(found));
        }
        assert_eq!(Curve::of(1.0, 0.8), None);
        assert_eq!(Curve::of(f64::NAN, 1.0), None);
    }
}
