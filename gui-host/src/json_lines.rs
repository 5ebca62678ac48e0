//! `--json`: the messages of the links as lines on standard output, commands as lines on standard
//! input.
//!
//! A message of a router is printed as it came, on one line; one to a router bears
//! `"dir":"tx","lbr":"<id>"` in front. A slow reader loses lines (told on standard error), a closed
//! pipe ends the printing; neither makes a link wait.

use std::{
    collections::VecDeque,
    io::{self, BufRead, Read, Write},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use tokio::sync::watch;

use crate::{hall::Hall, terminal};

/// Most bytes that wait for a slow reader.
const MAX_WAITING: usize = 16 << 20;

/// Longest line from standard input, bytes.
const MAX_LINE: usize = 64 * 1024;

/// Longest time at the end for the last lines to go out.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Prints lines on standard output, in a thread of its own.
#[derive(Clone)]
pub struct Printer(Arc<Shared>);

struct Shared {
    queue: Mutex<Queue>,
    /// Rung when the queue has changed.
    bell: Condvar,
    /// Becomes true when nobody reads any more.
    closed: watch::Sender<bool>,
}

#[derive(Default)]
struct Queue {
    lines: VecDeque<String>,
    bytes: usize,
    dropped: u64,
    end: End,
}

/// How far the printing is.
#[derive(Default, PartialEq, Eq)]
enum End {
    #[default]
    Open,
    /// No more lines come; those that wait are printed.
    Finishing,
    /// Nothing is printed any more.
    Closed,
}

impl Printer {
    /// Starts printing to `output`.
    pub fn start(output: impl Write + Send + 'static) -> Self {
        let shared = Arc::new(Shared { queue: Mutex::default(), bell: Condvar::new(), closed: watch::Sender::new(false) });
        let printing = shared.clone();
        thread::spawn(move || printing.print(output));
        Self(shared)
    }

    /// A message of a router.
    pub fn received(&self, text: &str) {
        self.0.push(one_line(text));
    }

    /// A message to a router.
    pub fn sent(&self, lbr: &str, text: &str) {
        let lbr = serde_json::Value::from(lbr);
        let rest = text.strip_prefix('{').unwrap_or(text);
        self.0.push(one_line(&format!(r#"{{"dir":"tx","lbr":{lbr},{rest}"#)));
    }

    /// Waits until nobody reads any more.
    pub async fn closed(&self) {
        // The sender lives as long as `self`.
        let _ = self.0.closed.subscribe().wait_for(|&closed| closed).await;
    }

    /// Lets the last lines go out, for a bounded time.
    pub fn finish(&self) {
        let mut queue = self.0.lock();
        if queue.end == End::Open {
            queue.end = End::Finishing;
        }
        self.0.bell.notify_all();
        // Who reads too slowly loses the rest.
        let _ = self.0.bell.wait_timeout_while(queue, LAST_LINES, |q| q.end != End::Closed);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, line: String) {
        let mut queue = self.lock();
        if queue.end != End::Open {
            return;
        }
        if queue.bytes + line.len() > MAX_WAITING {
            queue.dropped += 1;
            return;
        }
        queue.bytes += line.len();
        queue.lines.push_back(line);
        self.bell.notify_all();
    }

    fn print(&self, mut output: impl Write) {
        while let Some((line, dropped)) = self.next() {
            if dropped > 0 {
                terminal::line(format_args!("json: standard output is read too slowly; {dropped} lines were dropped"));
            }
            if output.write_all(line.as_bytes()).and_then(|()| output.flush()).is_err() {
                terminal::line(format_args!("json: standard output is closed"));
                break;
            }
        }
        let mut queue = self.lock();
        queue.end = End::Closed;
        queue.lines.clear();
        drop(queue);
        self.bell.notify_all();
        self.closed.send_replace(true);
    }

    /// The next line and how many were dropped since the last; `None` at the end.
    fn next(&self) -> Option<(String, u64)> {
        let waiting = |queue: &mut Queue| queue.lines.is_empty() && queue.end == End::Open;
        let mut queue = self.bell.wait_while(self.lock(), waiting).unwrap_or_else(PoisonError::into_inner);
        let line = queue.lines.pop_front()?;
        queue.bytes -= line.len();
        Some((line, std::mem::take(&mut queue.dropped)))
    }
}

/// JSON text on one line: raw line ends can only be white space between its tokens.
fn one_line(text: &str) -> String {
    let mut line = text.replace(['\n', '\r'], " ");
    line.push('\n');
    line
}

/// Takes commands from standard input, in a thread of its own; its end changes nothing.
pub fn read_commands(hall: Arc<Hall>) {
    thread::spawn(move || {
        for_each_line(io::stdin().lock(), |line| {
            let done = match line {
                Line::Whole(line) if line.trim().is_empty() => Ok(()),
                Line::Whole(line) => hall.tell(|hub, _| hub.handle_script_line(&line)),
                Line::TooLong => Err(format!("longer than {MAX_LINE} bytes")),
            };
            if let Err(why) = done {
                terminal::line(format_args!("json: a line on standard input was refused: {why}"));
            }
        });
    });
}

/// A line of input.
#[derive(Debug, PartialEq, Eq)]
enum Line {
    Whole(String),
    TooLong,
}

fn for_each_line(mut input: impl BufRead, mut handle: impl FnMut(Line)) {
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        let read = input.by_ref().take(MAX_LINE as u64).read_until(b'\n', &mut bytes);
        match read {
            Ok(0) | Err(_) => return,
            Ok(_) if bytes.len() < MAX_LINE || bytes.ends_with(b"\n") => {
                handle(Line::Whole(String::from_utf8_lossy(&bytes).into_owned()));
            }
            Ok(_) => {
                handle(Line::TooLong);
                if input.skip_until(b'\n').is_err() {
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    struct Output(mpsc::Sender<String>);

    impl Write for Output {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let text = String::from_utf8(bytes.to_vec()).unwrap();
            self.0.send(text).map_err(|_| io::ErrorKind::BrokenPipe)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn each_message_is_one_line_with_its_direction() {
        let (sender, lines) = mpsc::channel();
        let printer = Printer::start(Output(sender));
        printer.received("{\n  \"type\": \"x\"\r\n}");
        printer.sent("a\"b", r#"{"type":"refresh"}"#);
        printer.finish();
        let printed: String = lines.iter().collect();
        assert_eq!(printed, "{   \"type\": \"x\"  }\n{\"dir\":\"tx\",\"lbr\":\"a\\\"b\",\"type\":\"refresh\"}\n");
    }

    #[tokio::test]
    async fn a_closed_output_is_told_and_does_not_panic() {
        let (sender, lines) = mpsc::channel();
        drop(lines);
        let printer = Printer::start(Output(sender));
        printer.received("{}");
        printer.closed().await;
        printer.received("{}");
        printer.finish();
        assert!(printer.0.lock().lines.is_empty());
    }

    #[test]
    fn a_reader_that_does_not_read_costs_a_bounded_amount() {
        struct Stuck(mpsc::Receiver<()>);
        impl Write for Stuck {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                let _ = self.0.recv();
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let (release, stuck) = mpsc::channel();
        let printer = Printer::start(Stuck(stuck));
        let message = "x".repeat(1 << 20);
        for _ in 0..40 {
            printer.received(&message);
        }
        let queue = printer.0.lock();
        assert!(queue.bytes <= MAX_WAITING && queue.dropped >= 20);
        drop((queue, release));
    }

    #[test]
    fn long_lines_of_input_are_passed_over() {
        let input = format!("a\n{}\nb", "x".repeat(3 * MAX_LINE));
        let mut lines = Vec::new();
        for_each_line(input.as_bytes(), |line| lines.push(line));
        let whole = |text: &str| Line::Whole(text.to_owned());
        assert_eq!(lines, [whole("a\n"), Line::TooLong, whole("b")]);
    }
}
