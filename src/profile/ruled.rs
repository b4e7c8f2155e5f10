//! Adds to a profile the rule of each segment.

use super::rules::{Segmented, learn};
use super::{Context, Options, Profile, choose};
use crate::error::Result;
use crate::table::{Column, Table};
use crate::weights::Weights;

impl Profile {
    /// Learns a rule for each segment from the columns that describe the segments, but for those that say the same as another
    /// one. `segments` has each row's segment, `weights` its weight; rows of weight 0 do not count.
    ///
    /// # Errors
    /// A column of the options that the table does not have.
    pub fn learn_rules(
        &mut self,
        table: &Table,
        segments: &[Option<u32>],
        weights: Option<&Weights>,
        (options, context): (&Options, &Context),
        seed: u64,
    ) -> Result<()> {
        let (columns, _) = choose(table, options, &context.never)?;
        let own = |column: &&Column| self.alike.iter().all(|alike| alike.column != column.name);
        let columns: Vec<&Column> = columns.into_iter().filter(own).collect();
        let input = Segmented { columns: &columns, segments, k: self.segments.len(), weights };
        for (segment, learned) in self.segments.iter_mut().zip(learn(&input, seed)) {
            match learned {
                Ok(rule) => segment.rule = Some(rule),
                Err(why) => segment.no_rule = Some(why.to_string()),
            }
        }
        Ok(())
    }
}
