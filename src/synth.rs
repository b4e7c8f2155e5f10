//! Seeded, made-up tables for demos, tests and benchmarks.
//!
//! The same arguments make the same bytes on every platform and with any number of threads: every draw depends
//! on the seed, its purpose and an index alone, and all functions beyond `+ - * / sqrt` come from `libm`.
//!
//! Each table has the shape of a published analysis: [`learners()`] and their pay, the [`first_day()`] of a site's users,
//! a [`survey()`] of practitioners, the [`enthusiasts()`] for a course; [`blobs()`] are for benchmarks. `table()` gives what
//! reading the written file gives.
//!
//! ```
//! let table = segmenta::synth::first_day(1_000, 0).table();
//! assert_eq!(table.columns[1].name, "signup_week");
//! ```

mod blobs;
mod enthusiasts;
mod example;
mod first_day;
mod learners;
mod permutation;
mod plan;
mod sheet;
mod survey;
mod titles;

pub use blobs::{Blobs, blobs};
pub use enthusiasts::{Enthusiast, Enthusiasts, enthusiasts};
pub use example::Example;
pub use first_day::{FirstDay, Newcomer, first_day};
pub use learners::{Learner, Learners, learners};
pub use survey::{Question, QuestionType, Survey, Topic, survey};
