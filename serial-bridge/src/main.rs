//! The `serial-bridge` process; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    serial_bridge::run(std::env::args_os())
}
