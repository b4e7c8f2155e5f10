//! The elbow of a falling curve by Kneedle (Satopaa, Albrecht, Irwin and Raghavan, 2011), with sensitivity 1.

/// The position of the first elbow of a curve that falls ever more slowly, such as inertia over k; `x` ascends. None if the
/// curve has fewer than three points, does not fall, or has no elbow that stands out.
///
/// Both axes are scaled to 0 to 1 and the curve is turned over, so that its elbow is where it rises furthest above the
/// diagonal. A local maximum of that difference is an elbow once the difference falls, before the next local maximum, by the
/// mean step of `x`.
pub fn elbow(x: &[f64], y: &[f64]) -> Option<usize> {
    let difference = difference(x, y)?;
    let last = difference.len() - 1;
    // The ends have one neighbour, which they are compared with twice.
    let neighbours = |i: usize| (difference[i.saturating_sub(1)], difference[(i + 1).min(last)]);
    let is_maximum = |i: usize| neighbours(i).0 <= difference[i] && neighbours(i).1 <= difference[i];
    let is_minimum = |i: usize| neighbours(i).0 >= difference[i] && neighbours(i).1 >= difference[i];
    let step = 1.0 / last as f64;
    let (mut found, mut threshold) = (None, 0.0);
    for i in 0..last {
        if is_maximum(i) {
            (found, threshold) = (Some(i), difference[i] - step);
        }
        if is_minimum(i) {
            threshold = 0.0;
        }
        if found.is_some() && difference[i + 1] < threshold {
            return found;
        }
    }
    None
}

/// How far each point of a falling curve lies below the straight line from its first to its last, as Kneedle scales it.
/// None if the curve has fewer than three points or is flat.
pub fn difference(x: &[f64], y: &[f64]) -> Option<Vec<f64>> {
    let range = |v: &[f64]| {
        let (low, high) =
            v.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), &v| (l.min(v), h.max(v)));
        (low, high - low)
    };
    let ((x_low, x_range), (y_low, y_range)) = (range(x), range(y));
    let usable = x.len() == y.len() && x.len() > 2 && x_range > 0.0 && y_range > 0.0;
    if !usable || !(x_range + y_range).is_finite() {
        return None;
    }
    let points = x.iter().zip(y);
    Some(points.map(|(x, y)| 1.0 - (y - y_low) / y_range - (x - x_low) / x_range).collect())
}
