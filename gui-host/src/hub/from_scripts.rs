//! What a script says on standard input: commands, as lines of JSON.
//!
//! Their outcomes are among the messages of the link, which the script sees anyway.

use super::{
    Hub,
    command::{RawEvent, UiEvent},
};

impl Hub {
    /// A line of JSON from a script: a command. The error is for a person.
    pub fn handle_script_line(&mut self, line: &str) -> Result<(), String> {
        let raw: RawEvent = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let event: UiEvent = raw.check()?;
        let lbr = raw.lbr.map_or_else(|| self.only_router(), Ok)?;
        let id = raw.id.unwrap_or_else(|| self.next_command_id());
        self.send(&lbr, event.message(&id)).map_err(|error| format!("lbr {lbr}: {error}"))
    }

    fn only_router(&self) -> Result<String, String> {
        let mut open = self.routers.iter().filter(|(_, router)| router.is_open());
        match (open.next(), open.next()) {
            (Some((id, _)), None) => Ok(id.clone()),
            (None, _) => Err("no border router is connected".to_owned()),
            (Some(_), Some(_)) => Err("several border routers are connected; name one with \"lbr\"".to_owned()),
        }
    }
}
