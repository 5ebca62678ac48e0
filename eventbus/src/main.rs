//! The `eventbus` process; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    eventbus::run(std::env::args_os())
}
