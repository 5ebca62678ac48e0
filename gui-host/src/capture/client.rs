//! `gui-host capture`: asks the host that runs on this computer for packets, and hands them to Wireshark.
//!
//! It ends with standard output's reader. A FIFO outlives its readers: each of them gets a capture of its own, and while
//! nobody reads, nothing is asked for.

use std::{
    fs::File,
    io::{self, ErrorKind, IsTerminal, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, anyhow, bail};
use clap::Args;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    runtime,
};

use super::{
    PATH,
    output::Output,
    page_file::{self, Address},
    question::Question,
};
use crate::{failure::Failure, stop::StopSignals};

/// Longest head of an answer, bytes.
const MAX_HEAD: usize = 8 * 1024;

/// Bytes read at once.
const PIECE: usize = 16 * 1024;

/// Longest time for the host to answer.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);

/// Options of `gui-host capture`.
#[derive(Debug, Args)]
#[command(after_help = "\
Live in Wireshark, and through a FIFO, whose readers may come and go:

  gui-host capture - | wireshark -k -i - -o 6lowpan.context0:bbbb::/64
  mkfifo mesh; gui-host capture mesh & wireshark -k -i mesh

A root hands packets up without MAC header: the one in the capture is made up, and each packet's
comment says so. Wireshark needs the network's prefix as context 0 to see IPv6 addresses in it; with
--expand it needs nothing.

Programs can ask the host themselves, with the token of the page's address. The query has the names
of the options, joined by `&`:

  curl -N -H 'Authorization: Bearer TOKEN' 'http://127.0.0.1:8080/capture?router=ID'")]
pub struct CaptureOptions {
    /// Where to: a file that is not there yet, a FIFO, or - for standard output.
    #[arg(value_name = "FILE")]
    file: PathBuf,

    #[command(flatten)]
    question: Question,

    /// Where the running host has left its address
    /// [default: $XDG_RUNTIME_DIR/openwsn-lbr/page].
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    page_file: Option<PathBuf>,

    /// Write over a FILE that is there.
    #[arg(long)]
    force: bool,
}

/// Runs until it is told to stop, or nobody reads any more.
pub fn run(options: &CaptureOptions) -> Result<(), Failure> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build().context("cannot start").map_err(Failure::Environment)?;
    let done = runtime.block_on(async {
        let mut stop = StopSignals::new()?;
        tokio::select! {
            done = capture(options) => done,
            () = stop.wait() => Ok(()),
        }
    });
    // A reader that does not read would be waited for.
    runtime.shutdown_background();
    done.map_err(Failure::Environment)
}

async fn capture(options: &CaptureOptions) -> anyhow::Result<()> {
    let page_file = options.page_file.clone().or_else(page_file::default_path);
    refuse_terminal(&options.file)?;
    let existing = if options.force { Existing::Replaced } else { Existing::Kept };
    let page_file = page_file.context("XDG_RUNTIME_DIR is not set: start gui-host with --page-file FILE, and name it here too")?;
    loop {
        let fifo = Reader::wait_for(&options.file).await?;
        let address = page_file::read(&page_file).map_err(|error| anyhow!(error))?;
        let (mut host, begun) = ask(&address, &options.question).await?;
        // A file is begun only when there is something to be written.
        let mut reader = fifo.map_or_else(|| Reader::open(&options.file, existing), Ok)?;
        hand_on(&mut host, begun, &mut reader).await?;
        if !reader.has_successors() {
            return Ok(());
        }
    }
}

/// May a file that is there be written over?
#[derive(Clone, Copy)]
enum Existing {
    /// No.
    Kept,
    /// Yes.
    Replaced,
}

/// Who reads the capture.
enum Reader {
    /// Standard output.
    Output(Output),
    /// A file.
    File(File),
    /// Somebody at the other end of a FIFO.
    #[cfg(unix)]
    Fifo(tokio::net::unix::pipe::Sender),
}

impl Reader {
    /// Waits until somebody reads, where nobody may be there yet: at a FIFO.
    #[cfg(unix)]
    async fn wait_for(path: &Path) -> anyhow::Result<Option<Self>> {
        if path != Path::new("-") && is_fifo(path) {
            return Self::wait_for_fifo(path).await.map(Some).with_context(|| unwritable(path));
        }
        Ok(None)
    }

    /// Windows has no FIFOs among its files.
    #[cfg(not(unix))]
    #[expect(clippy::unused_async, reason = "its callers wait where there are some")]
    async fn wait_for(_path: &Path) -> anyhow::Result<Option<Self>> {
        Ok(None)
    }

    /// Opens whatever is no FIFO.
    fn open(path: &Path, existing: Existing) -> anyhow::Result<Self> {
        if path == Path::new("-") {
            return Ok(Self::Output(Output::new()));
        }
        let made = match File::create_new(path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => match existing {
                Existing::Kept if path.is_file() => {
                    bail!("{}: is there already; name another file, or say --force to write over it", path.display())
                }
                Existing::Kept | Existing::Replaced => File::create(path),
            },
            made => made,
        };
        made.map(Self::File).with_context(|| unwritable(path))
    }

    #[cfg(unix)]
    async fn wait_for_fifo(path: &Path) -> io::Result<Self> {
        use tokio::net::unix::pipe::OpenOptions;
        /// How often a reader is looked for: nothing tells when one comes.
        const LOOK_EVERY: Duration = Duration::from_millis(200);
        /// `ENXIO`, which has no name in std: nobody reads it.
        const NO_READER: i32 = 6;
        loop {
            match OpenOptions::new().open_sender(path) {
                Ok(fifo) => return Ok(Self::Fifo(fifo)),
                Err(error) if error.raw_os_error() == Some(NO_READER) => tokio::time::sleep(LOOK_EVERY).await,
                Err(error) => return Err(error),
            }
        }
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Output(output) => output.write(bytes).await,
            Self::File(file) => file.write_all(bytes),
            #[cfg(unix)]
            Self::Fifo(fifo) => fifo.write_all(bytes).await,
        }
    }

    /// Can somebody else read when nobody reads any more?
    fn has_successors(&self) -> bool {
        match self {
            Self::Output(_) | Self::File(_) => false,
            #[cfg(unix)]
            Self::Fifo(_) => true,
        }
    }

    /// Waits until nobody reads any more.
    async fn gone(&self) {
        match self {
            Self::Output(output) => output.gone().await,
            Self::File(_) => std::future::pending().await,
            #[cfg(unix)]
            Self::Fifo(fifo) => {
                // An error of waiting is told by writing.
                let _ = fifo.ready(tokio::io::Interest::ERROR).await;
            }
        }
    }
}

/// A capture would garble a person's terminal.
fn refuse_terminal(path: &Path) -> anyhow::Result<()> {
    if path == Path::new("-") && io::stdout().is_terminal() {
        bail!("a capture is not for a terminal: name a file, or pipe it, as in gui-host capture - | wireshark -k -i -");
    }
    Ok(())
}

fn unwritable(path: &Path) -> String {
    format!("cannot write the capture to {}", path.display())
}

#[cfg(unix)]
fn is_fifo(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    std::fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_fifo())
}

/// Asks the host, and gives what has come of the capture with the head of its answer.
async fn ask(address: &Address, question: &Question) -> anyhow::Result<(TcpStream, Vec<u8>)> {
    let port = address.port;
    let away = || format!("no gui-host answers on port {port} of 127.0.0.1; is it running?");
    let mut host = TcpStream::connect(("127.0.0.1", port)).await.with_context(away)?;
    // In HTTP/1.0 a body is as it is, and ends with its connection.
    let request =
        format!("GET {PATH}?{} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {}\r\n\r\n", question.query(), address.token);
    host.write_all(request.as_bytes()).await.with_context(away)?;
    let answer = tokio::time::timeout(ANSWERS_WITHIN, read_head(&mut host)).await.with_context(away)?;
    let (head, begun) = answer.with_context(away)?;
    match head.split(' ').nth(1) {
        Some("200") => Ok((host, begun)),
        _refused => {
            let mut text = String::from_utf8_lossy(&begun).into_owned();
            let _ = tokio::time::timeout(ANSWERS_WITHIN, host.take(1024).read_to_string(&mut text)).await;
            bail!("gui-host refuses: {}: {}", head.lines().next().unwrap_or_default(), text.trim())
        }
    }
}

/// The head of an answer, and what has come behind it.
async fn read_head(host: &mut TcpStream) -> anyhow::Result<(String, Vec<u8>)> {
    const END: &[u8] = b"\r\n\r\n";
    let mut bytes = Vec::new();
    loop {
        if let Some(at) = bytes.windows(END.len()).position(|window| window == END) {
            let begun = bytes.split_off(at + END.len());
            return Ok((String::from_utf8_lossy(&bytes).into_owned(), begun));
        }
        if bytes.len() > MAX_HEAD || host.read_buf(&mut bytes).await? == 0 {
            bail!("its answer is no HTTP");
        }
    }
}

/// Goes on until nobody reads any more.
async fn hand_on(host: &mut TcpStream, begun: Vec<u8>, reader: &mut Reader) -> anyhow::Result<()> {
    let mut bytes = begun;
    loop {
        match reader.write(&bytes).await {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
            Err(error) => return Err(error).context("cannot write the capture"),
        }
        bytes.resize(PIECE, 0);
        let read = tokio::select! {
            read = host.read(&mut bytes) => read.context("the link to gui-host is lost")?,
            () = reader.gone() => return Ok(()),
        };
        if read == 0 {
            bail!("gui-host has ended, or it has let this capture go");
        }
        bytes.truncate(read);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_is_not_touched_when_no_host_runs() {
        let folder = tempfile::tempdir().unwrap();
        let [file, page_file] = ["capture", "page"].map(|name| folder.path().join(name));
        std::fs::write(&file, "of yesterday").unwrap();
        let question = Question::parse("").expect("everything");
        let options = CaptureOptions { file: file.clone(), question, page_file: Some(page_file), force: true };
        let error = capture(&options).await.expect_err("no host");
        assert!(error.to_string().contains("start gui-host first"), "{error}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "of yesterday");
    }

    #[test]
    fn a_file_that_is_there_is_kept_unless_it_may_be_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("capture");
        std::fs::write(&file, "of yesterday").unwrap();
        let refused = Reader::open(&file, Existing::Kept).err().expect("it is there").to_string();
        assert!(refused.contains("is there already") && refused.contains("--force"), "{refused}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "of yesterday");
        assert!(matches!(Reader::open(&file, Existing::Replaced), Ok(Reader::File(_))));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "");
        assert!(matches!(Reader::open(&folder.path().join("another"), Existing::Kept), Ok(Reader::File(_))));
    }
}
