//! Who is typical of a segment, and whose segment is in doubt.

use super::{Members, Profile};

/// Where a row lies in the space of the features.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// The distance to its segment's centroid.
    pub distance: f64,
    /// How much farther away the second-nearest centroid is.
    pub margin: f64,
}

/// A row is in doubt where its own centroid is less than this share nearer than the second-nearest one.
pub const DOUBT: f64 = 0.1;

impl Place {
    fn in_doubt(&self) -> bool {
        self.margin < DOUBT * (self.distance + self.margin)
    }
}

impl Profile {
    /// Counts the rows in doubt, and names the `typical` rows of each segment: those nearest to its centroid, the first one
    /// on ties. `places` has each row of the table; `name` says what a row is called.
    pub fn add_places(
        &mut self,
        members: &Members,
        places: &[Option<Place>],
        typical: usize,
        name: impl Fn(usize) -> String,
    ) {
        for (s, segment) in self.segments.iter_mut().enumerate() {
            let own =
                || members.of(s).iter().filter_map(|&row| Some((row, places.get(row as usize).copied()??)));
            segment.in_doubt = Some(own().filter(|(_, place)| place.in_doubt()).count() as u64);
            let mut nearest: Vec<(f64, u32)> = own().map(|(row, place)| (place.distance, row)).collect();
            let order = |a: &(f64, u32), b: &(f64, u32)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
            if nearest.len() > typical && typical > 0 {
                nearest.select_nth_unstable_by(typical - 1, order);
            }
            nearest.truncate(typical);
            nearest.sort_unstable_by(order);
            segment.typical = nearest.into_iter().map(|(_, row)| name(row as usize)).collect();
        }
    }
}
