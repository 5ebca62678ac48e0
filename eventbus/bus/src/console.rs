//! A line for the person who called a program, when that is no log.
//!
//! Whoever reads may have gone, as `head` does: that is nobody's fault, and never ends a process by a panic.

use std::io::{self, Write};

/// On standard output.
pub fn tell(line: &str) {
    write(io::stdout(), line);
}

/// On standard error.
pub fn complain(line: &str) {
    write(io::stderr(), line);
}

/// One write, and nobody to tell when it fails.
fn write(mut to: impl Write, line: &str) {
    let _ = to.write_all(format!("{line}\n").as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_has_gone_is_nobodys_fault() {
        let (mut reader, writer) = io::pipe().expect("made");
        write(&writer, "heard");
        let mut heard = [0; 6];
        io::Read::read_exact(&mut reader, &mut heard).expect("read");
        assert_eq!(&heard, b"heard\n");
        drop(reader);
        write(&writer, "unheard");
    }
}
