//! The program `lbr`; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    lbr::run(std::env::args_os())
}
