//! Where the pure hub meets the tasks: a lock that is never held over a wait, and a bell that
//! rings when something has changed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::{clock::Now, hub::Hub};

/// The hub, shared by all tasks.
pub struct Hall {
    hub: Mutex<Hub>,
    bell: watch::Sender<()>,
}

impl Hall {
    /// Shares a hub.
    pub fn new(hub: Hub) -> Arc<Self> {
        Arc::new(Self { hub: Mutex::new(hub), bell: watch::Sender::new(()) })
    }

    /// Tells the hub something, and rings.
    pub fn tell<R>(&self, say: impl FnOnce(&mut Hub, Now) -> R) -> R {
        let result = say(&mut self.lock(), Now::read());
        self.bell.send_replace(());
        result
    }

    /// Asks the hub something, or takes what it has to send.
    pub fn ask<R>(&self, ask: impl FnOnce(&mut Hub) -> R) -> R {
        ask(&mut self.lock())
    }

    /// Hears the bell. What rang before this call is not heard.
    pub fn bell(&self) -> watch::Receiver<()> {
        self.bell.subscribe()
    }

    /// A panic in another task leaves a hub whose every queue is still whole.
    fn lock(&self) -> MutexGuard<'_, Hub> {
        self.hub.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
