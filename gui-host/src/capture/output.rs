//! Standard output, and the end of whoever reads it: a pipe tells that by itself, though nothing is written.

use std::io;

use tokio::io::{AsyncWriteExt, Stdout, stdout};

/// Standard output.
pub struct Output {
    stdout: Stdout,
    #[cfg(unix)]
    watch: Option<Watch>,
}

impl Output {
    /// Watches it, if it can be watched: what is a file has no reader.
    pub fn new() -> Self {
        Self {
            stdout: stdout(),
            #[cfg(unix)]
            watch: Watch::of(&io::stdout()).ok(),
        }
    }

    /// Writes all of it.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stdout.write_all(bytes).await?;
        self.stdout.flush().await
    }

    /// Waits until nobody reads any more; of what cannot be watched only writing tells.
    pub async fn gone(&self) {
        #[cfg(unix)]
        if let Some(watch) = &self.watch {
            return watch.gone().await;
        }
        std::future::pending::<()>().await;
    }
}

/// The end of a pipe that is written to, watched beside whoever writes. Its mode, which others share, stays as it is.
#[cfg(unix)]
struct Watch(tokio::net::unix::pipe::Sender);

#[cfg(unix)]
impl Watch {
    fn of(pipe: &impl std::os::fd::AsFd) -> io::Result<Self> {
        tokio::net::unix::pipe::Sender::from_owned_fd_unchecked(pipe.as_fd().try_clone_to_owned()?).map(Self)
    }

    async fn gone(&self) {
        // An error of waiting is told by writing.
        let _ = self.0.ready(tokio::io::Interest::ERROR).await;
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_reader_that_goes_is_noticed_though_nothing_is_written_and_not_before() {
        let (reader, writer) = io::pipe().unwrap();
        let watch = Watch::of(&writer).unwrap();
        assert!(tokio::time::timeout(Duration::from_millis(50), watch.gone()).await.is_err());
        drop(reader);
        tokio::time::timeout(Duration::from_secs(10), watch.gone()).await.expect("noticed");
    }

    #[tokio::test]
    async fn a_file_cannot_be_watched() {
        assert!(Watch::of(&tempfile::tempfile().unwrap()).is_err());
    }
}
