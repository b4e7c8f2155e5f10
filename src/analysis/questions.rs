//! Answers the questions of a recipe once the rows have segments.

use super::notice::{Notice, Observer};
use super::prepare::Prepared;
use super::spec::Spec;
use crate::error::{Error, Result};
use crate::model::Assignment;
use crate::questions::{self, Answer, Context, Hidden};
use crate::recipe::Aliases;
use crate::table::Table;
use crate::weights::Weights;

/// Gives the table its aliases, and checks the questions against it. Returns the texts that the aliases stand for.
///
/// # Errors
/// Mistakes in the questions.
pub(super) fn begin(
    table: &mut Option<Table>,
    aliases: &Aliases,
    spec: &Spec,
    id: Option<&str>,
) -> Result<Hidden> {
    let Some(table) = table else { return Ok(Hidden::default()) };
    let hidden = if spec.questions.is_empty() { Hidden::default() } else { Hidden::new(table, aliases) };
    aliases.apply(table);
    questions::check(&spec.questions, table, &spec.recipe.source, id)?;
    Ok(hidden)
}

impl Prepared {
    /// The answers, if the table was kept. `rows` are those of the table.
    ///
    /// # Errors
    /// As [`questions::answer`].
    pub(super) fn answers(
        &self,
        rows: &[Option<Assignment>],
        names: &[Option<String>],
        spec: &Spec,
        observer: &dyn Observer,
    ) -> Result<Vec<Answer>> {
        if spec.questions.is_empty() {
            return Ok(Vec::new());
        }
        let Some(table) = &self.table else {
            let why = "there is not enough memory to keep the table beside its features, so the questions are not answered";
            observer.notice(&Notice::Data(why.into()));
            return Ok(Vec::new());
        };
        let segments: Vec<Option<u32>> = rows.iter().map(|row| row.map(|row| row.segment)).collect();
        let weights = self.weights_of_all_rows()?;
        let context = Context {
            source: &spec.recipe.source,
            segments: &segments,
            names,
            weights: weights.as_ref(),
            hidden: &self.hidden,
            topics: &self.topics,
        };
        questions::answer(&spec.questions, table, &context)
    }

    /// The weights of all rows of the table, those too that the fit left out, if rows have weights and the table was kept.
    ///
    /// # Errors
    /// As [`Weights::new`].
    pub(super) fn weights_of_all_rows(&self) -> Result<Option<Weights>> {
        let column = self.weight_column.as_deref().zip(self.table.as_ref());
        let column = column.and_then(|(name, table)| table.column(name));
        let weights = column.and_then(|column| column.values.numbers()).map(|numbers| Weights::new(&numbers));
        weights.transpose().map_err(Error::from)
    }
}
