//! Where viewers' questions about history are answered: outside the hub, since a disk can be slow,
//! one after the other, since none is urgent. A search of the local network takes seconds, and goes beside them.
//!
//! Exports go over HTTP, since a file of a hundred megabytes has no place in a WebSocket. The page
//! cannot show its token there without writing it into an address, so it is given a ticket instead:
//! 128 random bits that are good for one download, for a minute.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::json;
use tokio::task::spawn_blocking;

use super::{
    archive::State,
    question::{Charts, Export, Kept, Recent},
    reading,
    store::{Store, StoreError},
};
use crate::{
    clock::Now,
    discover::search::Searcher,
    hall::Hall,
    hub::{
        Hub,
        history::{Asked, Question, Unanswered},
        model::{Text, to_text},
    },
    random,
};

/// How long a ticket is good, and how many are at once; the oldest gives way.
const TICKET_LASTS: Duration = Duration::from_mins(1);
const MAX_TICKETS: usize = 16;

/// Where downloads are, before the ticket.
pub const DOWNLOADS: &str = "/history/";

/// Answers questions.
pub struct Desk {
    /// The archive, unless the host was started without one.
    archive: Option<Arc<State>>,
    tickets: Mutex<VecDeque<Ticket>>,
    searcher: Searcher,
}

struct Ticket {
    secret: String,
    made: Now,
    export: Export,
}

impl Desk {
    /// A desk before an archive, or without one.
    pub fn new(archive: Option<Arc<State>>) -> Arc<Self> {
        Arc::new(Self { archive, tickets: Mutex::default(), searcher: Searcher::default() })
    }

    /// Answers what the hub is asked, for ever.
    pub async fn answer_questions(self: Arc<Self>, hall: Arc<Hall>) {
        let mut bell = hall.bell();
        loop {
            while let Some(question) = hall.ask(Hub::poll_question) {
                let answer = match question.asked.clone() {
                    Asked::Charts(charts, recent) => self.charts(charts, recent).await,
                    Asked::Export(export) => self.export(export),
                    Asked::Routers => {
                        tokio::spawn(self.clone().answer_search(hall.clone(), question));
                        continue;
                    }
                };
                hall.tell(|hub, _| hub.handle_history_answer(&question, answer));
            }
            if bell.changed().await.is_err() {
                return;
            }
        }
    }

    /// Ends with the host: then nobody waits for it any more.
    async fn answer_search(self: Arc<Self>, hall: Arc<Hall>, question: Question) {
        let answer = self.searcher.search().await;
        hall.tell(|hub, _| hub.handle_history_answer(&question, answer));
    }

    async fn charts(&self, charts: Charts, recent: Recent) -> Result<Text, Unanswered> {
        let Some(state) = self.archive.clone() else {
            return Ok(from_memory(&charts, &recent, None, 0));
        };
        let read = spawn_blocking(move || {
            let (trouble, lost) = (state.trouble(), state.lost());
            let kept = Kept { from: "database", trouble: trouble.as_deref(), lost };
            let answer = Store::open_to_read(state.path()).and_then(|store| reading::answer(&store, &charts, &recent, kept));
            match answer {
                Ok(answer) => Ok(answer),
                Err(error @ StoreError::TooLong) => Err(Unanswered(error.to_string())),
                // The thread that writes says better what is wrong with the file.
                Err(error) => Ok(from_memory(&charts, &recent, Some(&trouble.unwrap_or_else(|| error.to_string())), lost)),
            }
        });
        read.await.unwrap_or_else(|error| Err(Unanswered(error.to_string())))
    }

    fn export(&self, export: Export) -> Result<Text, Unanswered> {
        if self.archive.is_none() {
            return Err(Unanswered("gui-host was started with --no-history, so there is nothing to export".to_owned()));
        }
        let secret = random::hex_128().map_err(|error| Unanswered(format!("{error:#}")))?;
        let path = format!("{DOWNLOADS}{secret}");
        let mut tickets = self.lock();
        if tickets.len() >= MAX_TICKETS {
            tickets.pop_front();
        }
        tickets.push_back(Ticket { secret, made: Now::read(), export });
        Ok(to_text(&json!({"path": path, "expires_ms": TICKET_LASTS.as_millis() as u64})))
    }

    /// Takes a ticket; the archive's file and what may be downloaded from it. It is good once.
    pub fn take_ticket(&self, now: Now, secret: &str) -> Option<(Arc<State>, Export)> {
        let state = self.archive.clone()?;
        let mut tickets = self.lock();
        tickets.retain(|ticket| now.since(ticket.made) < TICKET_LASTS);
        let place = tickets.iter().position(|ticket| ticket.secret == secret)?;
        tickets.remove(place).map(|ticket| (state, ticket.export))
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Ticket>> {
        self.tickets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn from_memory(charts: &Charts, recent: &Recent, trouble: Option<&str>, lost: u64) -> Text {
    let kept = Kept { from: "memory", trouble, lost };
    let answer: Result<_, std::convert::Infallible> = charts.answer(recent, Vec::new(), kept, |_, _| Ok(()));
    match answer {
        Ok(answer) => answer,
        Err(never) => match never {},
    }
}
