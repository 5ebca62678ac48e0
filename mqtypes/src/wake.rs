//! What a person, or the GUI host through SSH, asks of `ui-proxy`.

use bincode::{Decode, Encode};
use serde::Serialize;

/// A request to `ui-proxy`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProxyRequest {
    /// Connect to the GUI host, as `SIGUSR1` does.
    Wake {
        /// Port to dial instead of the configured one, for this connection.
        port: Option<u16>,
    },
    /// Tell its own figures once.
    TellHealth {
        /// Name of the tap they go to, as in [`crate::broker::Subscribe`]; see [`crate::queues::is_tap`].
        reply: String,
    },
}
