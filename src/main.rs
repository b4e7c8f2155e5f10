//! The entry point: parses the command line, runs it and returns the exit code.

#![deny(unsafe_code)]

mod app;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    quiet_drivers();
    app::finish(app::run(app::Cli::parse()))
}

/// Keeps Mesa's Vulkan layer from printing `error: XDG_RUNTIME_DIR is invalid or not set` into a job's output.
///
/// The layer asks a Wayland display which GPU is the default one. It does so for every program that could show a
/// window, which wgpu always claims, and libwayland complains where the variable is not set: in cron jobs, containers
/// and services. With a folder that does not exist it finds no display and says nothing, and the order of the devices
/// stays what it was.
#[cfg(all(unix, not(target_vendor = "apple")))]
#[allow(unsafe_code)]
fn quiet_drivers() {
    const VARIABLE: &str = "XDG_RUNTIME_DIR";
    if std::env::var_os(VARIABLE).is_none_or(|dir| dir.is_empty()) {
        // SAFETY: main has just begun and nothing has started a thread yet, so nobody reads the environment meanwhile.
        unsafe { std::env::set_var(VARIABLE, "/nonexistent") };
    }
}

#[cfg(not(all(unix, not(target_vendor = "apple"))))]
fn quiet_drivers() {}
