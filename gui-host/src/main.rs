//! The program `gui-host`; all of it is in the library, so that a multi-call binary can hold it.

use std::process::ExitCode;

fn main() -> ExitCode {
    gui_host::run(std::env::args_os())
}
