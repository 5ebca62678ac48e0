//! One binary for all processes of the border router: the name that it is called by picks one.
//!
//! It is installed once, and `serial-bridge`, `eventbus`, `ui-proxy` and `mq-inspect` are links to it. The kernel names a
//! process after the link, so that `pkill -x ui-proxy` finds what it means. It must never decide anything else: each
//! process is a library, and its arguments are its own.

pub mod applet;
// In a package's binary only: elsewhere there may be a stack to see.
#[cfg(all(panic = "abort", target_feature = "crt-static"))]
mod unwinder;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use applet::Applet;

/// The exit code of a wrong command line.
const WRONG_COMMAND_LINE: u8 = 2;

/// Runs the program that the first argument names, or else the second.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    match pick(args) {
        Some((applet, args)) => applet.run(args),
        None => explain(),
    }
}

/// Which program is meant, and the arguments for it, the first of which is its name.
fn pick(args: impl IntoIterator<Item = OsString>) -> Option<(Applet, Vec<OsString>)> {
    let mut args: Vec<OsString> = args.into_iter().collect();
    if let Some(applet) = args.first().and_then(|name| Applet::called(name)) {
        return Some((applet, args));
    }
    let applet = args.get(1).and_then(|name| Applet::called(name))?;
    args.remove(0);
    Some((applet, args))
}

fn explain() -> ExitCode {
    let names = Applet::ALL.map(Applet::name).join(", ");
    // Whoever does not read this does not miss it.
    let _ = writeln!(
        std::io::stderr(),
        "lbr {}: the border router's processes in one binary\n\nUsage: lbr PROGRAM [OPTIONS], or a link to it named after the program\n\nPrograms: {names}\n\nFor more: lbr PROGRAM --help",
        env!("CARGO_PKG_VERSION"),
    );
    ExitCode::from(WRONG_COMMAND_LINE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &[&str], expect: Option<(Applet, &[&str])>) {
        let picked = pick(line.iter().map(OsString::from));
        let expect = expect.map(|(applet, args)| (applet, args.iter().map(OsString::from).collect()));
        assert_eq!(picked, expect, "{line:?}");
    }

    #[test]
    fn the_name_that_it_is_called_by_picks_the_program() {
        check(&["/usr/sbin/eventbus", "--help"], Some((Applet::Eventbus, &["/usr/sbin/eventbus", "--help"])));
        check(&["mq-inspect"], Some((Applet::MqInspect, &["mq-inspect"])));
        // An argument is the program's own, even if it looks like another one's name.
        check(&["ui-proxy", "eventbus"], Some((Applet::UiProxy, &["ui-proxy", "eventbus"])));
    }

    #[test]
    fn called_by_its_own_name_it_takes_the_program_as_first_argument() {
        check(&["/usr/lib/lbr/lbr", "serial-bridge", "--port", "x"], Some((Applet::SerialBridge, &["serial-bridge", "--port", "x"])));
        check(&["lbr"], None);
        check(&["lbr", "--help", "eventbus"], None);
        check(&["lbr", ""], None);
        check(&[], None);
    }
}
