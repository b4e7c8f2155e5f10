//! Figures of a column of numbers: counts, means, deviations and quartiles of each segment.

use super::inference::{Sample, mean_interval, wilson};
use super::members::Members;
use serde::{Deserialize, Serialize};

/// Sums are taken in blocks of this many rows, so that they do not depend on who adds them up.
const BLOCK: usize = 4096;

/// What a segment's numbers are like in one column, in the column's own units. Figures that need more values than there
/// are, are `None`.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct NumericFigures {
    /// The mean.
    pub mean: Option<f64>,
    /// The standard deviation of a sample, with divisor n - 1.
    pub sd: Option<f64>,
    /// The lower quartile, interpolated linearly between neighbouring values as in NumPy.
    pub q1: Option<f64>,
    /// The median.
    pub median: Option<f64>,
    /// The upper quartile.
    pub q3: Option<f64>,
    /// The lower end of the mean's 95 % interval: by Student's t, or by Wilson's method for a column of 0 and 1.
    pub low: Option<f64>,
    /// The upper end.
    pub high: Option<f64>,
    /// How many rows have no value.
    pub missing: u64,
}

/// Count, mean and sum of squares of the values of some rows.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Moments {
    /// The rows' weight in steps.
    pub(super) steps: u128,
    /// The sum of the squared steps.
    pub(super) step_squares: f64,
    pub(super) mean: f64,
    /// The sum of the squared distances to the mean, each times the row's steps.
    pub(super) squares: f64,
}

impl Moments {
    /// Of values and their weights in steps.
    fn of(values: &[f64], steps: Option<&[u64]>) -> Self {
        let count = match steps {
            None => values.len() as u128,
            Some(steps) => steps.iter().map(|&s| u128::from(s)).sum(),
        };
        let Some(&first) = values.first() else { return Moments::default() };
        let step_squares = match steps {
            None => values.len() as f64,
            Some(steps) => blocked(steps.len(), |i| (steps[i] as f64) * (steps[i] as f64)),
        };
        // A mean of equal values may round to another one.
        if values.iter().all(|&v| v == first) {
            return Moments { steps: count, step_squares, mean: first, squares: 0.0 };
        }
        let weighted = |f: &dyn Fn(f64) -> f64| match steps {
            None => blocked(values.len(), |i| f(values[i])),
            Some(steps) => blocked(values.len(), |i| f(values[i]) * steps[i] as f64),
        };
        let mean = match steps {
            None => blocked(values.len(), |i| values[i]) / count as f64,
            Some(_) => weighted(&|v| v) / count as f64,
        };
        let squares = match steps {
            None => blocked(values.len(), |i| (values[i] - mean) * (values[i] - mean)),
            Some(_) => weighted(&|v| (v - mean) * (v - mean)),
        };
        Moments { steps: count, step_squares, mean, squares }
    }

    /// Of the rows of both (Chan, Golub and LeVeque 1979).
    pub(super) fn with(self, other: Moments) -> Self {
        if self.steps == 0 || other.steps == 0 {
            return if self.steps == 0 { other } else { self };
        }
        let (a, b) = (self.steps as f64, other.steps as f64);
        let (share, apart) = (b / (a + b), other.mean - self.mean);
        Moments {
            steps: self.steps + other.steps,
            step_squares: self.step_squares + other.step_squares,
            mean: self.mean + apart * share,
            squares: self.squares + other.squares + apart * apart * a * share,
        }
    }

    /// The sample for intervals and tests.
    pub(super) fn sample(&self, members: &Members) -> Sample {
        let n = members.worth(self.steps, self.step_squares);
        let all = self.steps as f64;
        let variance = if n > 1.0 && all > 0.0 { self.squares / all * (n / (n - 1.0)) } else { 0.0 };
        Sample { n, mean: self.mean, variance }
    }

    /// Whether the values differ by no more than the rounding error of their mean.
    pub(super) fn is_constant(&self) -> bool {
        let deviation = libm::sqrt(self.squares / (self.steps as f64).max(1.0));
        deviation <= 8.0 * f64::EPSILON * self.mean.abs()
    }

    fn is_finite(&self) -> bool {
        self.mean.is_finite() && self.squares.is_finite()
    }
}

/// A sum over `0..n` in blocks.
fn blocked(n: usize, f: impl Fn(usize) -> f64) -> f64 {
    let mut sum = 0.0;
    for start in (0..n).step_by(BLOCK) {
        let end = n.min(start + BLOCK);
        sum += (start..end).fold(0.0, |block, i| block + f(i));
    }
    sum
}

/// A column of numbers, by segment.
pub(super) struct Numbers {
    /// Of each segment.
    pub(super) moments: Vec<Moments>,
    /// Of all members.
    pub(super) all: Moments,
    /// The figures of each segment.
    pub(super) figures: Vec<NumericFigures>,
    /// The figures of all members.
    pub(super) overall: NumericFigures,
    /// If all values are 0 or 1, the weight of the ones in steps, by segment.
    pub(super) ones: Option<Vec<u128>>,
}

impl Numbers {
    /// The figures of a column, whose missing values are NaN. `None` if its numbers are too large for a mean and a
    /// deviation.
    pub(super) fn of(values: &[f64], members: &Members) -> Option<Self> {
        let k = members.k();
        let mut moments = Vec::with_capacity(k);
        let mut figures = Vec::with_capacity(k);
        let mut ones = Some(Vec::with_capacity(k));
        let mut whole = Gathered::default();
        let mut part = Gathered::default();
        for segment in 0..k {
            part.gather(values, members, segment);
            let own = Moments::of(&part.values, part.steps());
            if !own.is_finite() {
                return None;
            }
            ones = ones.filter(|_| part.values.iter().all(|&v| v == 0.0 || v == 1.0));
            if let Some(ones) = &mut ones {
                ones.push(part.weight_of_ones());
            }
            whole.append(&part);
            let missing = (members.of(segment).len() - part.values.len()) as u64;
            figures.push(part.figures(&own, members, missing));
            moments.push(own);
        }
        let all = moments.iter().fold(Moments::default(), |all, own| all.with(*own));
        if !all.is_finite() {
            return None;
        }
        let missing = (members.rows() - whole.values.len()) as u64;
        let mut overall = whole.figures(&all, members, missing);
        if ones.is_some() {
            // The mean is a share.
            for (figures, moments) in figures.iter_mut().zip(&moments).chain([(&mut overall, &all)]) {
                let interval = wilson(moments.mean, members.worth(moments.steps, moments.step_squares));
                (figures.low, figures.high) = (interval.map(|(low, _)| low), interval.map(|(_, high)| high));
            }
        }
        Some(Numbers { moments, all, figures, overall, ones })
    }
}

/// The values of some rows that are not missing, and their weights.
#[derive(Default)]
struct Gathered {
    values: Vec<f64>,
    steps: Vec<u64>,
}

impl Gathered {
    fn gather(&mut self, values: &[f64], members: &Members, segment: usize) {
        self.values.clear();
        self.steps.clear();
        let rows = members.of(segment);
        match members.steps(segment) {
            None => self.values.extend(rows.iter().map(|&row| values[row as usize]).filter(|v| !v.is_nan())),
            Some(steps) => {
                for (&row, &step) in rows.iter().zip(steps) {
                    let value = values[row as usize];
                    if !value.is_nan() {
                        self.values.push(value);
                        self.steps.push(step);
                    }
                }
            }
        }
    }

    fn append(&mut self, other: &Gathered) {
        self.values.extend_from_slice(&other.values);
        self.steps.extend_from_slice(&other.steps);
    }

    fn steps(&self) -> Option<&[u64]> {
        (!self.steps.is_empty()).then_some(&self.steps[..])
    }

    fn weight_of_ones(&self) -> u128 {
        match self.steps() {
            None => self.values.iter().filter(|v| **v == 1.0).count() as u128,
            Some(steps) => {
                let ones = self.values.iter().zip(steps).filter(|(v, _)| **v == 1.0);
                ones.map(|(_, &s)| u128::from(s)).sum()
            }
        }
    }

    /// The figures of these values. Reorders them.
    fn figures(&mut self, moments: &Moments, members: &Members, missing: u64) -> NumericFigures {
        if self.values.is_empty() {
            return NumericFigures { missing, ..NumericFigures::default() };
        }
        let sample = moments.sample(members);
        let interval = mean_interval(&sample);
        let [q1, median, q3] = match self.steps.is_empty() {
            true => quartiles(&mut self.values),
            false => weighted_quartiles(&self.values, &self.steps, members),
        };
        NumericFigures {
            mean: Some(moments.mean),
            sd: (sample.n > 1.0).then(|| libm::sqrt(sample.variance)),
            q1: Some(q1),
            median: Some(median),
            q3: Some(q3),
            low: interval.map(|(low, _)| low),
            high: interval.map(|(_, high)| high),
            missing,
        }
    }
}

const QUARTERS: [f64; 3] = [0.25, 0.5, 0.75];

/// The quartiles of values, of which there is at least one. Reorders them.
fn quartiles(values: &mut [f64]) -> [f64; 3] {
    let last = values.len() - 1;
    let place = |q: f64| libm::floor(last as f64 * q) as usize;
    let mut places: Vec<usize> = QUARTERS.iter().flat_map(|&q| [place(q), last.min(place(q) + 1)]).collect();
    // Of few values, the places of a quartile may lie beyond those of the next.
    places.sort_unstable();
    places.dedup();
    // Whole numbers are selected faster than floats with a total order.
    let keys: &mut [i64] = bytemuck::cast_slice_mut(values);
    let turn = |keys: &mut [i64]| keys.iter_mut().for_each(|key| *key ^= ((*key >> 63) as u64 >> 1) as i64);
    turn(keys);
    select(keys, 0, &places);
    turn(keys);
    QUARTERS.map(|q| between(values[place(q)], values[last.min(place(q) + 1)], last as f64 * q))
}

/// Puts the values of these sorted places, counted from `first`, where they would stand if all were sorted.
fn select(keys: &mut [i64], first: usize, places: &[usize]) {
    let Some(&place) = places.get(places.len() / 2) else { return };
    let middle = places.len() / 2;
    let (below, _, above) = keys.select_nth_unstable(place - first);
    select(below, first, &places[..middle]);
    select(above, place + 1, &places[middle + 1..]);
}

/// The quartiles of values with weights, each value repeated as often as it has copies. Where copies are not whole
/// numbers, the value at a position is the first for which the sum of copies reaches the position, as in Hmisc's
/// `wtd.quantile`.
fn weighted_quartiles(values: &[f64], steps: &[u64], members: &Members) -> [f64; 3] {
    let mut sorted: Vec<(f64, u64)> = values.iter().copied().zip(steps.iter().copied()).collect();
    sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let reach = sorted.iter().scan(0u128, |sum, (_, steps)| {
        *sum += u128::from(*steps);
        Some(*sum)
    });
    let reach: Vec<u128> = reach.collect();
    let all = members.copies(reach.last().copied().unwrap_or(0));
    // Copies that are not whole are products with rounding errors.
    let slack = all * 1e-12;
    let at = |position: f64| {
        let index = reach.partition_point(|&steps| members.copies(steps) < position - slack);
        sorted[index.min(sorted.len() - 1)].0
    };
    QUARTERS.map(|q| {
        let place = (all - 1.0).max(0.0) * q;
        let below = libm::floor(place);
        between(at(below + 1.0), at(below + 2.0), place)
    })
}

/// The value at a place that lies between two, with the same rounding as NumPy.
fn between(low: f64, high: f64, place: f64) -> f64 {
    let share = place - libm::floor(place);
    let step = high - low;
    // Where the difference of two large numbers overflows, the nearer of the two is as good as it gets.
    if low == high || !step.is_finite() {
        return if share < 0.5 { low } else { high };
    }
    if share >= 0.5 { high - step * (1.0 - share) } else { low + step * share }
}
