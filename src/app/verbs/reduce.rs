//! `segmenta reduce`: few columns for many.

use super::super::console::Console;
use super::super::files::{EmbeddingFile, Pending};
use super::super::set_up;
use super::analyse::{loaded, print};
use crate::app::cli::Reduce;

/// `segmenta reduce`.
pub fn reduce(args: &Reduce) -> anyhow::Result<()> {
    let (compute, console) = (set_up(&args.run)?, Console::new(&args.run.talk));
    let mut spec = args.input.spec();
    spec.seed = args.run.seed();
    (spec.fit, spec.structure) = (None, false);
    spec.recipe.reductions = vec![args.spec()?];
    let mut file = EmbeddingFile::open(args.embedding_out.as_deref(), args.force)?;
    let loaded = loaded(&mut spec, &args.input, Some(&args.features), (&compute, &console))?;
    // A glob such as * means columns of the table, not the components.
    let names = spec.recipe.reductions.iter().map(|reduction| reduction.name.clone());
    let components = names.flat_map(|name| (1..=args.components).map(move |i| format!("{name}_{i}")));
    spec.recipe.features.options.drop.extend(components.collect::<Vec<_>>());
    let prepared = loaded.prepare(&spec, &compute, &console)?;
    let mut outcome = prepared.outcome(&spec);
    prepared.judge_components(&mut outcome, &console)?;
    file.write(&prepared)?;
    file.into_file().map_or(Ok(()), Pending::keep)?;
    print("reduce", &outcome, None, &args.run.talk, &console)?;
    if let Some(path) = &args.embedding_out {
        console.note(&format!("wrote the components to {}", path.display()));
    }
    Ok(())
}
