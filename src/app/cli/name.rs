//! The flags of `segmenta name`.

use super::Talk;
use clap::Args;
use std::path::PathBuf;

const AFTER_NAME: &str = "\
Names are kept in the model: assign and drift show them, assignments get them in
their column name, and a refit that starts from the model (fit --init) keeps
them. Only the names in the file change. Assignments that were written before
stay as they are; segmenta assign writes them anew.

A recipe can name its segments too: [names] with lines such as 0 = \"Beginners\".

Examples:
  segmenta name model.json                                 list the segments
  segmenta name model.json 2 \"Senior specialists\"         name one
  segmenta name model.json 0=Beginners 2=\"Senior specialists\"
  segmenta name model.json --remove 0,2                    take names away";

#[derive(Debug, Args)]
#[command(after_help = AFTER_NAME)]
pub struct Name {
    /// The model.json of a fit
    pub model: PathBuf,
    /// A segment's number and its name, or any number of NUMBER=NAME; none: list the segments
    #[arg(value_name = "NUMBER=NAME")]
    pub names: Vec<String>,
    /// Take the names of these segments away
    #[arg(long, value_delimiter = ',', value_name = "NUMBER,...")]
    pub remove: Vec<u32>,
    #[command(flatten)]
    pub talk: Talk,
}

/// What becomes of the names, by the segments' numbers: a name, or none.
pub type Named = std::collections::BTreeMap<u32, Option<String>>;

impl Name {
    /// The names that are asked for.
    ///
    /// # Errors
    /// What is no number with its name, and a segment that is said twice.
    pub fn named(&self) -> Result<Named, String> {
        let mut pairs: Vec<(u32, Option<String>)> =
            self.remove.iter().map(|&segment| (segment, None)).collect();
        match &self.names[..] {
            [number, name] if !number.contains('=') => pairs.push((segment(number)?, Some(name.clone()))),
            [number] if number.trim().parse::<u32>().is_ok() => {
                return Err(format!(
                    "segment {number} has no name here; say {number}=NAME, or --remove {number}"
                ));
            }
            all => {
                for text in all {
                    let (number, name) = text.split_once('=').ok_or_else(|| {
                        format!("expected NUMBER=NAME, such as 2=\"Senior specialists\", found {text:?}")
                    })?;
                    pairs.push((segment(number)?, Some(name.to_string())));
                }
            }
        }
        let mut named = Named::new();
        for (segment, name) in pairs {
            if named.insert(segment, name.map(|name| name.trim().to_string())).is_some() {
                return Err(format!("segment {segment} is named twice"));
            }
        }
        Ok(named)
    }
}

fn segment(text: &str) -> Result<u32, String> {
    text.trim().parse().map_err(|_| format!("expected the number of a segment, found {text:?}"))
}
