//! `mq-inspect decode`, the real program, over recordings of genuine motes; and their replay through the event bus.

mod bench;
mod command_line;
mod frames;
mod playback;
mod replay;
mod state;
