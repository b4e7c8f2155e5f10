//! The flags of `segmenta name`.

use super::Talk;
use clap::Args;
use std::path::PathBuf;

const AFTER_NAME: &str = "\
The names are saved in model.json. From then on assign and drift show them, new
assignments have them in the column called name, and a refit that starts from the
model (fit --init) keeps them. Nothing else in the file changes. Assignments that
were written earlier stay as they are; run segmenta assign again to update them.

A recipe can name its segments too, under [names], as in 0 = \"Beginners\".

Examples:
  segmenta name model.json                                 list the segments
  segmenta name model.json 2 \"Senior specialists\"         name one segment
  segmenta name model.json 0=Beginners 2=\"Senior specialists\"
  segmenta name model.json --remove 0,2                    remove two names";

#[derive(Debug, Args)]
#[command(after_help = AFTER_NAME)]
pub struct Name {
    /// The model.json that a fit wrote
    pub model: PathBuf,
    /// Names to give, as NUMBER=NAME (any number of them) or as a number followed by a name; without any, the segments
    /// are listed
    #[arg(value_name = "NUMBER=NAME")]
    pub names: Vec<String>,
    /// Remove the names of these segments
    #[arg(long, value_delimiter = ',', value_name = "NUMBER,...")]
    pub remove: Vec<u32>,
    #[command(flatten)]
    pub talk: Talk,
}

/// The new name of each segment that changes, by number; `None` removes the name.
pub type Named = std::collections::BTreeMap<u32, Option<String>>;

impl Name {
    /// The changes that were asked for.
    ///
    /// # Errors
    /// An argument that is not a number with a name, or a segment that occurs twice.
    pub fn named(&self) -> Result<Named, String> {
        let mut pairs: Vec<(u32, Option<String>)> =
            self.remove.iter().map(|&segment| (segment, None)).collect();
        match &self.names[..] {
            [number, name] if !number.contains('=') => pairs.push((segment(number)?, Some(name.clone()))),
            [number] if number.trim().parse::<u32>().is_ok() => {
                return Err(format!(
                    "no name was given for segment {number}; write {number}=NAME, or --remove {number}"
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
    text.trim().parse().map_err(|_| format!("expected a segment number, found {text:?}"))
}
