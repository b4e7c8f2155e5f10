//! Numbers with fewer digits, so that they are nobody's in particular.

use crate::profile::{NumericFigures, Profile};

/// The largest power of ten that is no larger than a size; 0 if there is none.
pub(super) fn unit(size: f64) -> f64 {
    if size.is_finite() && size > 0.0 { libm::pow(10.0, libm::floor(libm::log10(size))) } else { 0.0 }
}

/// The unit that numbers of a column are rounded to: about a tenth of how far the column spreads.
pub(super) fn unit_of(profile: Option<&Profile>, column: &str) -> f64 {
    profile.and_then(|profile| profile.overall.get(column)).map_or(0.0, unit_among)
}

/// The same by the figures of the column.
pub(super) fn unit_among(figures: &NumericFigures) -> f64 {
    let quartiles = figures.q3.zip(figures.q1).map(|(q3, q1)| q3 - q1).filter(|range| *range > 0.0);
    unit(quartiles.or(figures.sd).unwrap_or(0.0) / 10.0)
}

/// The multiple of a unit that is nearest to a value; the value itself without a unit.
pub(super) fn to_unit(value: f64, unit: f64) -> f64 {
    if unit >= 1.0 {
        return (value / unit).round() * unit;
    }
    // By a whole number, so that the result is the shortest decimal fraction.
    let parts = (1.0 / unit).round();
    let rounded = (value * parts).round() / parts;
    if rounded.is_finite() { rounded } else { value }
}
