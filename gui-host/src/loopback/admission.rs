//! The door of a listener: how many strangers may stand in it, and for how long.
//!
//! A connection is a stranger until its peer has proved itself. Strangers are few and are shown
//! out after a while, so a user of the router who opens connections and says nothing can neither
//! grow this process nor use up its descriptors. Who has proved itself is `settled` and counted
//! by the hub instead.
//!
//! A connection that we close while its peer is still sending is read dry for a moment: closing
//! with unread bytes makes the kernel send a reset, which can destroy the close frame that says why.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::{TcpListener, TcpStream},
    runtime,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Sleep, sleep, timeout},
};

/// Most bytes and longest time that a closed connection is read on for.
const LINGER_BYTES: u64 = 4 << 20;
const LINGER_TIME: Duration = Duration::from_secs(1);

/// Pause after an `accept` that failed, as when the process has no descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(500);

/// How strangers are treated.
#[derive(Debug, Clone, Copy)]
pub struct House {
    /// Most of them at once, on all addresses of the listener together.
    pub strangers: usize,
    /// How long one may take to prove itself.
    pub patience: Duration,
}

/// A listener with a door.
pub struct Door {
    listener: TcpListener,
    places: Arc<Semaphore>,
    patience: Duration,
}

impl Door {
    /// One door for each listener; they share the places.
    pub fn all(listeners: Vec<TcpListener>, house: House) -> Vec<Self> {
        let places = Arc::new(Semaphore::new(house.strangers));
        let door = |listener| Self { listener, places: places.clone(), patience: house.patience };
        listeners.into_iter().map(door).collect()
    }
}

impl Listener for Door {
    type Io = Visitor;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Visitor, SocketAddr) {
        loop {
            let place = self.places.clone().acquire_owned().await;
            let place = place.expect("the semaphore is never closed");
            match self.listener.accept().await {
                Ok((stream, peer)) => {
                    // Small messages, each wanted at once. A failure only costs time.
                    let _ = stream.set_nodelay(true);
                    return (Visitor::new(stream, place, self.patience), peer);
                }
                Err(_) => sleep(ACCEPT_PAUSE).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// Lets the handler of a connection say that its peer has proved itself.
#[derive(Debug, Clone)]
pub struct Pass(Arc<Mutex<Standing>>);

#[derive(Debug)]
enum Standing {
    /// Its place is free again when this is dropped.
    Stranger {
        _place: OwnedSemaphorePermit,
    },
    Settled,
}

impl Pass {
    /// The peer has proved itself: its place is free for the next, and its time unlimited.
    pub fn settle(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Standing::Settled;
    }

    fn is_stranger(&self) -> bool {
        let standing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match *standing {
            Standing::Stranger { .. } => true,
            Standing::Settled => false,
        }
    }
}

impl Connected<IncomingStream<'_, Door>> for Pass {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        stream.io().pass.clone()
    }
}

/// An accepted connection.
pub struct Visitor {
    /// Taken only when dropped.
    stream: Option<TcpStream>,
    pass: Pass,
    /// Until when a stranger may stay.
    deadline: Pin<Box<Sleep>>,
}

impl Visitor {
    fn new(stream: TcpStream, place: OwnedSemaphorePermit, patience: Duration) -> Self {
        Self {
            stream: Some(stream),
            pass: Pass(Arc::new(Mutex::new(Standing::Stranger { _place: place }))),
            deadline: Box::pin(sleep(patience)),
        }
    }

    fn stream(&mut self) -> Pin<&mut TcpStream> {
        Pin::new(self.stream.as_mut().expect("taken only when dropped"))
    }
}

impl AsyncRead for Visitor {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.pass.is_stranger() && self.deadline.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        self.stream().poll_read(context, buffer)
    }
}

impl AsyncWrite for Visitor {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.stream().poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_shutdown(context)
    }
}

impl Drop for Visitor {
    fn drop(&mut self) {
        let (Some(stream), Ok(runtime)) = (self.stream.take(), runtime::Handle::try_current()) else {
            return;
        };
        // The stranger's place stays taken while it is shown out.
        let pass = self.pass.clone();
        runtime.spawn(async move {
            read_dry(stream).await;
            drop(pass);
        });
    }
}

/// Reads and forgets what a peer still sends, for a bounded time.
async fn read_dry(mut stream: TcpStream) {
    let reading = async {
        // Either failure means that the peer is gone already, which is what we wait for.
        let _ = stream.shutdown().await;
        let mut rest = stream.take(LINGER_BYTES);
        let _ = tokio::io::copy(&mut rest, &mut tokio::io::sink()).await;
    };
    // A peer that goes on sending after this gets the reset.
    let _ = timeout(LINGER_TIME, reading).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn door(strangers: usize, patience: Duration) -> (Door, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let door = Door::all(vec![listener], House { strangers, patience }).remove(0);
        (door, address)
    }

    #[tokio::test]
    async fn a_silent_stranger_is_shown_out_and_a_settled_peer_stays() {
        let (mut door, address) = door(2, Duration::from_millis(20)).await;
        let _silent = TcpStream::connect(address).await.unwrap();
        let (mut stranger, _) = door.accept().await;
        let error = stranger.read_u8().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);

        let mut peer = TcpStream::connect(address).await.unwrap();
        let (mut settled, _) = door.accept().await;
        settled.pass.settle();
        settled.deadline.as_mut().await;
        peer.write_u8(7).await.unwrap();
        assert_eq!(settled.read_u8().await.unwrap(), 7);
    }

    #[tokio::test]
    async fn a_full_door_waits_until_a_stranger_has_settled_or_left() {
        let (mut door, address) = door(1, Duration::from_mins(1)).await;
        let _first = TcpStream::connect(address).await.unwrap();
        let second = TcpStream::connect(address).await.unwrap();
        let (settling, _) = door.accept().await;
        assert!(futures_util::FutureExt::now_or_never(door.accept()).is_none());
        settling.pass.settle();
        let (leaving, peer) = door.accept().await;
        assert_eq!(peer, second.local_addr().unwrap());
        drop((leaving, second));
        let _third = TcpStream::connect(address).await.unwrap();
        door.accept().await;
    }
}
