//! What is to happen to the motes, and when: read from a file, typed, or left to chance.

use std::path::Path;
use std::time::Duration;

use mqtypes::mono::Mono;

use super::command::{Command, Line, When};
use super::random::Random;

/// More commands than this wait for nobody.
const MOST_WAITING: usize = 10_000;

/// The larger a file, the less likely it is a script.
const LARGEST_SCRIPT: u64 = 1 << 20;

/// Commands that wait for their time, the earliest first.
#[derive(Debug, Default)]
pub struct Plan {
    /// When the first mote was switched on.
    started: Option<Mono>,
    /// Times count from there.
    waiting: Vec<(Duration, Command)>,
    faults: Option<Faults>,
}

/// Faults by chance.
#[derive(Debug)]
pub struct Faults {
    random: Random,
    /// Between one and the next, on average.
    every: Duration,
    /// When the next one is.
    next: Duration,
    cabled: u16,
    motes: u16,
}

impl Plan {
    /// Reads a script for so many motes. The error names file and line.
    pub fn load(path: &Path, motes: u16) -> Result<Self, String> {
        let refused = |error: &dyn std::fmt::Display| format!("--script {}: {error}", path.display());
        let size = std::fs::metadata(path).map_err(|error| refused(&error))?.len();
        if size > LARGEST_SCRIPT {
            return Err(refused(&"a script has at most a megabyte"));
        }
        let text = std::fs::read_to_string(path).map_err(|error| refused(&error))?;
        Self::read(&text, motes).map_err(|error| refused(&error))
    }

    fn read(text: &str, motes: u16) -> Result<Self, String> {
        let mut plan = Self::default();
        let mut at = Duration::ZERO;
        for (index, line) in text.lines().enumerate() {
            let wrong = |error| format!("line {}: {error}", index + 1);
            if let Some(Line { when, command }) = Line::read(line).map_err(wrong)? {
                command.check(motes).map_err(wrong)?;
                at = match when {
                    When::Now => at,
                    When::At(time) => time,
                    When::In(time) => at + time,
                };
                plan.insert(at, command).map_err(wrong)?;
            }
        }
        Ok(plan)
    }

    /// The same with faults by chance: so many a minute, on so many motes, of which the first `cabled` have a port.
    #[must_use]
    pub fn with_faults(self, per_minute: f64, seed: u64, cabled: u16, motes: u16) -> Self {
        let every = Duration::from_secs_f64(60.0 / per_minute);
        let faults = Faults { random: Random::new(seed ^ 0xfa17), every, next: every, cabled, motes };
        Self { faults: Some(faults), ..self }
    }

    /// The first mote is switched on.
    pub fn start(&mut self, now: Mono) {
        self.started.get_or_insert(now);
    }

    /// How long the motes have been there.
    pub fn elapsed(&self, now: Mono) -> Duration {
        self.started.map_or(Duration::ZERO, |started| now.since(started))
    }

    /// Somebody has typed this; the error says why not.
    pub fn add(&mut self, now: Mono, line: Line, motes: u16) -> Result<(), String> {
        line.command.check(motes)?;
        let elapsed = self.elapsed(now);
        let at = match line.when {
            When::Now => elapsed,
            When::At(time) => time.max(elapsed),
            When::In(time) => elapsed + time,
        };
        self.insert(at, line.command)
    }

    /// The next command that is due by now; none before a mote is on.
    pub fn poll_due(&mut self, now: Mono) -> Option<Command> {
        let elapsed = now.since(self.started?);
        if let Some(faults) = &mut self.faults
            && faults.next <= elapsed
        {
            for (at, words) in faults.draw(elapsed) {
                let command = words.parse().expect("chance speaks our language");
                // When too much waits, chance is what can be done without.
                let _ = self.insert(at, command);
            }
        }
        let is_due = self.waiting.first().is_some_and(|(at, _)| *at <= elapsed);
        is_due.then(|| self.waiting.remove(0).1)
    }

    /// When [`Self::poll_due`] may have something; never before a mote is on.
    pub fn poll_timeout(&self) -> Option<Mono> {
        let started = self.started?;
        let next = [self.waiting.first().map(|(at, _)| *at), self.faults.as_ref().map(|faults| faults.next)];
        next.into_iter().flatten().min().map(|at| started.after(at))
    }

    fn insert(&mut self, at: Duration, command: Command) -> Result<(), String> {
        if self.waiting.len() == MOST_WAITING {
            return Err(format!("{MOST_WAITING} commands wait already; let some of them happen first"));
        }
        let index = self.waiting.partition_point(|(other, _)| *other <= at);
        self.waiting.insert(index, (at, command));
        Ok(())
    }
}

impl Faults {
    /// A fault for now, and its end where it has one; each as its time and the words for it.
    fn draw(&mut self, now: Duration) -> Vec<(Duration, String)> {
        let next = self.every.mul_f64(self.random.between(50, 150) as f64 / 100.0);
        self.next = now + next.max(Duration::from_millis(1));
        let mote = self.random.between(1, self.motes.into());
        let (kinds, pause) = if mote > self.cabled.into() { (3, 30) } else { (12, 5) };
        let later = now + Duration::from_secs(pause);
        let one = |words: &str| vec![(now, words.replace('M', &mote.to_string()))];
        let two = |words: &str, end: &str| [one(words), vec![(later, format!("{end} {mote}"))]].concat();
        match self.random.between(1, kinds) {
            1 => one("boot M"),
            2 => one("critical M"),
            3 => two("off M", "on"),
            4 => two("unplug M", "replug"),
            5 => one("silence M 8"),
            6 => one("no-xon M 5"),
            7 => one("noise M 200"),
            8 => one("overrun M"),
            9 => one("cut M"),
            10 => one("flip M"),
            11 => one("log M E 0x09 0x36 19 0"),
            _last => one("log M W 0x09 0x31 65516 0"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(plan: &mut Plan, now: u64) -> Vec<String> {
        std::iter::from_fn(|| plan.poll_due(Mono(now * 1_000_000))).map(|command| command.to_string()).collect()
    }

    #[test]
    fn a_script_is_played_by_its_times_from_the_moment_the_first_mote_is_on() {
        let mut plan = Plan::read("# a bad day\n10 boot 1\n+5 boot 2\nboot 3\n12 off 1\n\n+0.5 on 1\n", 3).expect("right");
        assert_eq!((plan.poll_timeout(), due(&mut plan, 50)), (None, vec![]));
        plan.start(Mono(100_000_000));
        plan.start(Mono(105_000_000));
        assert_eq!(plan.poll_timeout(), Some(Mono(110_000_000)));
        assert_eq!(due(&mut plan, 110), ["boot 1"]);
        assert_eq!(due(&mut plan, 120), ["off 1", "on 1", "boot 2", "boot 3"]);
        assert_eq!(plan.poll_timeout(), None);
    }

    #[test]
    fn a_wrong_script_is_refused_with_file_and_line() {
        assert_eq!(Plan::read("boot 1\nboot 4", 3).expect_err("no such mote"), "line 2: there is no mote 4: the last one is 3");
        let error = Plan::load(Path::new("/nowhere"), 3).expect_err("no such file");
        assert!(error.starts_with("--script /nowhere: "), "{error}");
    }

    #[test]
    fn what_is_typed_happens_at_once_or_when_it_is_said() {
        let mut plan = Plan::default();
        let type_in = |plan: &mut Plan, now, text: &str| {
            let line = Line::read(text).expect("right").expect("something");
            plan.add(Mono(now), line, 2)
        };
        type_in(&mut plan, 0, "status").expect("right");
        assert_eq!(due(&mut plan, 0), [""; 0], "no mote is on");
        plan.start(Mono(0));
        assert_eq!(due(&mut plan, 0), ["status"]);
        type_in(&mut plan, 1_000_000, "+3 boot 2").expect("right");
        type_in(&mut plan, 1_000_000, "0 boot 1").expect("right");
        assert_eq!([due(&mut plan, 1), due(&mut plan, 3)], [vec!["boot 1"], vec![]]);
        assert_eq!(due(&mut plan, 4), ["boot 2"]);
        assert!(type_in(&mut plan, 0, "boot 3").is_err());
        for _ in 0..MOST_WAITING {
            type_in(&mut plan, 0, "100 boot 1").expect("there is room");
        }
        assert!(type_in(&mut plan, 0, "boot 1").is_err_and(|error| error.contains("wait already")));
    }

    #[test]
    fn faults_come_at_their_rate_are_all_used_and_repeat_with_their_seed() {
        let play = |seed| {
            let mut plan = Plan::default().with_faults(60.0, seed, 2, 4);
            plan.start(Mono(0));
            (1..1_200).flat_map(|second| due(&mut plan, second)).collect::<Vec<_>>()
        };
        let played = play(1);
        assert!((1_000..1_800).contains(&played.len()), "{}", played.len());
        let words: std::collections::BTreeSet<&str> = played.iter().filter_map(|line| line.split(' ').next()).collect();
        let all = ["boot", "critical", "cut", "flip", "log", "no-xon", "noise", "off", "on", "overrun", "replug", "silence", "unplug"];
        assert_eq!(words.into_iter().collect::<Vec<_>>(), all);
        assert!(!played.iter().any(|line| line.starts_with("unplug 3") || line.starts_with("noise 4")));
        assert_eq!(play(1), played);
        assert_ne!(play(2), played);
    }
}
