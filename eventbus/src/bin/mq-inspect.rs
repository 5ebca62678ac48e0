//! The `mq-inspect` tool; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    eventbus::inspect::run(std::env::args_os())
}
