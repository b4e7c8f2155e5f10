//! Made-up tables from a seed, for demos, tests and benchmarks.
//!
//! The same arguments produce the same bytes on every platform and with any number of threads. For this, every random
//! draw depends only on the seed, its purpose and an index, and all functions other than `+ - * / sqrt` come from
//! `libm`.
//!
//! Each table imitates the data of a published analysis: [`learners()`] are users of a learning platform with their
//! pay, [`first_day()`] is the first day of users on a site, [`survey()`] questions people who work with data, and
//! [`enthusiasts()`] sign up for a course. [`blobs()`] are plain clusters for benchmarks. The method `table()` returns
//! the same table as writing the file and reading it back.
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
