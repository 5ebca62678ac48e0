//! What the hub has to do with history: it tells the chronicle what routers say, and hands on what
//! viewers ask of it, and of the local network.
//!
//! A question is answered later and elsewhere, so its answer may come after those of later requests.

use serde_json::value::RawValue;

use super::{Hub, ViewerId, model::Text, viewer::Words};
use crate::clock::Now;
use crate::{
    history::{
        ledger::Batch,
        question::{Charts, Export, Recent},
    },
    web::rpc::{self, HistoryAsk, RpcError},
};

/// Most questions that wait, of all viewers and of one.
const MAX_QUESTIONS: usize = 32;
const MAX_OF_ONE: usize = 4;

/// A question of a viewer.
#[derive(Debug)]
pub struct Question {
    viewer: ViewerId,
    /// Its id, as JSON.
    id: Box<RawValue>,
    /// What it is.
    pub asked: Asked,
}

/// What is asked.
#[derive(Debug, Clone)]
pub enum Asked {
    /// Charts, and what the ring has for them.
    Charts(Charts, Recent),
    /// A download.
    Export(Export),
    /// Which routers announce themselves on the local network.
    Routers,
}

/// Why there is no answer.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unanswered(pub String);

impl Hub {
    /// A viewer asks about history.
    pub(super) fn handle_history(&mut self, now: Now, viewer: ViewerId, id: &RawValue, ask: HistoryAsk) -> Result<(), RpcError> {
        let asked = match ask {
            HistoryAsk::Charts(raw) => {
                let charts = raw.check(now).map_err(RpcError::Params)?;
                let recent = charts.recent(self.chronicle.ring());
                Asked::Charts(charts, recent)
            }
            HistoryAsk::Export(raw) => Asked::Export(raw.check(now).map_err(RpcError::Params)?),
        };
        self.queue_question(viewer, id, asked)
    }

    /// A viewer asks what else there is to connect to.
    pub(super) fn handle_search(&mut self, viewer: ViewerId, id: &RawValue) -> Result<(), RpcError> {
        self.queue_question(viewer, id, Asked::Routers)
    }

    fn queue_question(&mut self, viewer: ViewerId, id: &RawValue, asked: Asked) -> Result<(), RpcError> {
        let open = self.viewers.get_mut(&viewer).map_or(0, |viewer| viewer.open_questions);
        if self.questions.len() >= MAX_QUESTIONS || open >= MAX_OF_ONE {
            return Err(RpcError::TooMany);
        }
        if let Some(asking) = self.viewers.get_mut(&viewer) {
            asking.open_questions += 1;
            self.questions.push_back(Question { viewer, id: id.to_owned(), asked });
        }
        Ok(())
    }

    /// The next question that is to be answered.
    pub fn poll_question(&mut self) -> Option<Question> {
        self.questions.pop_front()
    }

    /// The answer to a question; a viewer that has gone is not told.
    pub fn handle_history_answer(&mut self, question: &Question, answer: Result<Text, Unanswered>) {
        if let Some(viewer) = self.viewers.get_mut(&question.viewer) {
            viewer.open_questions -= 1;
            let words = match answer {
                Ok(text) => rpc::result(&question.id, &text),
                Err(why) => rpc::unanswered(&question.id, why).message(),
            };
            viewer.answer(Words::Json(words));
        }
    }

    /// What is to be archived.
    pub fn take_batch(&mut self) -> Batch {
        self.chronicle.take_batch()
    }

    /// The host ends: what is open is to be archived too.
    pub fn finish_history(&mut self) -> Batch {
        self.chronicle.finish();
        self.chronicle.take_batch()
    }
}
