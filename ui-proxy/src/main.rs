//! The program `ui-proxy`; all of it is in the library, so that a multi-call binary can hold it.

use std::process::ExitCode;

fn main() -> ExitCode {
    ui_proxy::run(std::env::args_os())
}
