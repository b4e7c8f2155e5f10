//! The verbs of the command line, one file each.

pub mod analyse;
pub mod assign;
pub mod bench;
pub mod compare;
pub mod doctor;
pub mod drift;
pub mod inspect;
pub mod name;
pub mod profile;
pub mod reduce;
pub mod report;
pub mod run;
pub mod stability;
pub mod synth;
