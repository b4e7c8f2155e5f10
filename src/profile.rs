//! What the segments are: each segment described in the table's own columns and units.

pub mod rules;
