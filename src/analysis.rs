//! A whole analysis, from a table to segments, without a terminal.
//!
//! A [`Spec`] says what to do. [`run`] does it and returns an [`Outcome`], which holds everything that a writer of
//! results needs: figures, segments, the labelled rows and the model.
//!
//! ```
//! use segmenta::analysis::{Compute, Fit, Silent, Source, Spec, run};
//! use segmenta::synth::Example;
//!
//! let table = Example::Learners.table(2_000, 0);
//! let spec = Spec { fit: Some(Fit { k: Some(4), ..Fit::default() }), ..Spec::default() };
//! let outcome = run(&spec, Source::from(table), &Compute::default(), &Silent)?;
//! for segment in outcome.segments.iter().flatten() {
//!     println!("segment {}: {} rows, {:.1} %", segment.segment, segment.size, 100.0 * segment.share);
//! }
//! assert_eq!(outcome.sizes.unwrap().iter().sum::<u64>(), 2_000);
//! # Ok::<(), segmenta::Error>(())
//! ```
//!
//! The stages can be called one by one, for a program that wants to look in between: [`load()`] reads the table,
//! [`Loaded::prepare`] makes the features, [`Prepared::begin`] opens the device, and [`Ready::run`] computes.

mod affinity_found;
mod answers;
mod changes;
mod charts;
mod choose_k;
mod compare;
mod compare_methods;
mod describe;
mod drift_since;
mod init;
mod linkage_found;
mod load;
mod memory;
mod method_found;
mod migration;
mod notice;
mod outcome;
mod pictures;
mod prepare;

mod previous;
mod print_recipe;
mod profile;
mod questions;
mod ready;
mod recipe_file;
mod reduction;
mod regroup;
mod reported;
mod responsibilities;
mod running;
mod spec;
mod stability;
mod work;

pub use affinity_found::{AffinityFound, Exemplar};
pub use changes::{ColumnChange, Relabelled, SegmentChange, Since, Sizes, relabel};
pub use charts::{ChartKind, ChartSpec, MOST_COLOURS};
pub use compare::{
    Came, Compared, Comparison, Correspondence, CountedBy, Cross, CrossTable, Flows, LabelMove, Left,
    MatchedBy, Moved, Part, Same, Side, compare as compare_labels,
};
pub use compare_methods::{MethodResult, MethodsCompared, OtherMethod};
pub use drift_since::{ColumnDriftSince, DriftSince};
pub use init::Init;
pub use linkage_found::{Cut, LINKAGE, LinkageFound, TreeNode};
pub use load::{Loaded, Source, load, read_table, sizeable};
pub use memory::{check_memory, default_limit};
pub use method_found::MethodFound;
pub use migration::{Followed, Joined, Migration, Move, Seen, State, follow};
pub use notice::{Notice, Observer, Silent};
pub use outcome::{
    Chosen, DeviceUsed, GateFound, Labelled, Outcome, PassedOver, Seconds, Segment, SourceFound,
    StructureFound, SweepLine, TendencyFound,
};
pub use pictures::{
    Boundary, ChartFound, ChartShows, Distribution, MOST_POINTS, MapAxis, MapFound, Member, Members,
    MethodMap, OUTLIERS, Pictures, Points, Shape,
};
pub use prepare::{Prepared, Weightless};
pub use previous::{COLUMNS as ASSIGNMENT_COLUMNS, Found, Previous, Search, find as find_previous, id_name};
pub use print_recipe::print_recipe;
pub use profile::{Described, describe};
pub use ready::Ready;
pub use reduction::{Component, ForShare, PcaFound, Reduction, UmapFound};
pub use regroup::{
    MOST_PARTS, Merge, Merged, Regroup, RegroupedFound, Renumbered, Split, SplitBy, SplitFound,
};
pub use responsibilities::Responsibilities;
pub use spec::{
    ChooseK, DEFAULT_FOLDER, DEFAULT_KS, Fit, Gates, Input, Ks, Output, Report, Spec, Sweep, Tendency,
    parse_delimiter, word_of,
};
pub use stability::{
    CohortFound, CohortSegment, Held, MovedFeature, SegmentStability, Stability, StabilityFound, hold,
};
pub use work::{Plan, Planned};

use crate::backend::cpu::Cpu;
use crate::backend::{Device, GpuUse};
use crate::error::Result;

/// Where an analysis computes.
#[derive(Debug, Clone)]
pub struct Compute {
    /// The device that is asked for.
    pub device: Device,
    /// The CPU, held to an instruction set; it also does what a GPU leaves to the host.
    pub cpu: Cpu,
    /// How a GPU may be used.
    pub gpu: GpuUse,
}

impl Default for Compute {
    /// A real GPU where there is one that is faster, else the CPU.
    fn default() -> Self {
        Compute { device: Device::Auto, cpu: Cpu::default(), gpu: GpuUse::default() }
    }
}

/// Does a whole analysis: reads the table, makes the features, opens the device and computes.
///
/// # Errors
/// Whatever is wrong with the specification, the table or the device; [`crate::Error::Interrupted`] where the observer
/// asked to stop.
pub fn run(spec: &Spec, source: Source, compute: &Compute, observer: &dyn Observer) -> Result<Outcome> {
    let prepared = load(spec, source, compute, observer)?.prepare(spec, compute, observer)?;
    prepared.begin(spec, compute, observer)?.run()
}
