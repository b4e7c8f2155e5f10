//! Which rows of a table have no segment, and why.

/// The rows that have no segment for a known reason, each list in ascending order. All other rows without a segment lack a
/// value that the model needs, or have been left out by the recipe.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LeftOut {
    /// The recipe left them out as outliers.
    pub outliers: Vec<u32>,
    /// They are not in the population that the segments are for.
    pub outside: Vec<u32>,
    /// The clustering method found that they belong to no segment.
    pub noise: Vec<u32>,
}

impl LeftOut {
    /// Adds the noise: rows that took part (all of them, where `kept` is `None`) and got no segment.
    pub fn with_noise<T>(mut self, rows: &[Option<T>], kept: Option<&[u32]>) -> Self {
        let is_noise = |row: &u32| rows.get(*row as usize).is_some_and(Option::is_none);
        self.noise = match kept {
            None => (0..rows.len() as u32).filter(is_noise).collect(),
            Some(kept) => kept.iter().copied().filter(is_noise).collect(),
        };
        self
    }
}
