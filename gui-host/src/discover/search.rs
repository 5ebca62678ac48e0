//! A search for the page: one at a time, whoever asks, and not again within a few seconds. The page shows what is found
//! and the command to copy; it cannot have the host connect, since what announces itself is not yet known to be a router.

use std::time::Duration;

use serde::Serialize;
use tokio::{sync::Mutex, task::spawn_blocking};

use super::{announcement::Announcement, listen};
use crate::{
    clock::Now,
    hub::{
        history::Unanswered,
        model::{Text, to_text},
    },
};

/// Routers answer within a second, as RFC 6762 (section 6) has it; a second more for a slow network.
const LISTEN: Duration = Duration::from_secs(2);

/// So long the last answer is given again: a page that is loaded anew does not ask the whole network.
const FRESH: Duration = Duration::from_secs(5);

/// Searches, and remembers what was found last.
#[derive(Default)]
pub struct Searcher {
    last: Mutex<Option<(Now, Text)>>,
}

#[derive(Serialize)]
struct Found<'a> {
    routers: Vec<Offer<'a>>,
}

/// A router as the page offers it.
#[derive(Serialize)]
struct Offer<'a> {
    #[serde(flatten)]
    announcement: &'a Announcement,
    /// What connects to it; none while it has not told an address.
    command: Option<String>,
}

impl Searcher {
    /// The routers of the local network: `{"routers":[{"name","id","version","host","port","addresses","command"}]}`.
    pub async fn search(&self) -> Result<Text, Unanswered> {
        let mut last = self.last.lock().await;
        if let Some((at, found)) = &*last
            && Now::read().since(*at) < FRESH
        {
            return Ok(found.clone());
        }
        let listened = spawn_blocking(|| listen(LISTEN)).await.map_err(|error| Unanswered(error.to_string()))?;
        let heard = listened.map_err(|error| Unanswered(format!("{error:#}")))?;
        let found = offers(heard.values());
        *last = Some((Now::read(), found.clone()));
        Ok(found)
    }
}

fn offers<'a>(announcements: impl Iterator<Item = &'a Announcement>) -> Text {
    let offer = |announcement: &'a Announcement| Offer { announcement, command: announcement.command() };
    to_text(&Found { routers: announcements.map(offer).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_router_is_offered_with_the_command_that_connects_to_it() {
        let info =
            mdns_sd::ServiceInfo::new(super::super::SERVICE, "lbr-roof", "roof.local.", "192.0.2.7", 22, &[("id", "a1")][..]).unwrap();
        let found = offers([Announcement::of(&info.as_resolved_service())].iter());
        assert_eq!(
            found.get(),
            r#"{"routers":[{"name":"lbr-roof","id":"a1","version":null,"host":"roof.local","port":22,"addresses":["192.0.2.7"],"command":"gui-host --lbr USER@192.0.2.7"}]}"#
        );
    }
}
