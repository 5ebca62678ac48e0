//! The whole stack, with real processes, queues, terminals, SSH servers. One program, so that tests of all subjects share the machine's
//! cores, and it is linked once: `cargo test -p lbr-tests SUBJECT::`.

mod announce;
mod bad_input;
mod capture;
mod configuration;
mod emulator;
mod help;
mod idle;
mod inspect;
mod languages;
mod launcher;
mod main_job;
mod mesh;
mod messages;
mod notify;
mod record;
mod reload;
mod replug;
mod restarts;
mod ssh;
mod ssh_others;
mod two_routers;
mod units;
mod wake;
