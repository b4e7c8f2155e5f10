//! Axes: what numbers are measured in, where ticks go, and how they read.

/// What numbers are measured in, which says how they read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Unit {
    /// Plain numbers with four significant digits.
    #[default]
    Number,
    /// Whole numbers: rows, segments.
    Count,
    /// Shares from 0 to 1, read as percent.
    Share,
    /// Differences of shares from -1 to 1, read as percentage points with a sign.
    Points,
    /// Scores such as silhouettes, with three decimals.
    Score,
}

/// An axis of a chart.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Axis {
    /// What it measures, with its unit: `ctc_lpa`, `rows`, `PC 1 (21.4 % of the variance)`.
    pub title: String,
    /// How its numbers read.
    pub unit: Unit,
    /// Whether the axis is logarithmic; only for numbers above 0.
    pub log: bool,
    /// Whether the axis begins at 0 although all numbers are larger.
    pub zero: bool,
}
