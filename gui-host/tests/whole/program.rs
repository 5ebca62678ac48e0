//! A running `gui-host`, stopped with the test.

use std::{
    cell::RefCell,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// Longest time that anything may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The key of all tests, and its file.
pub const KEY: [u8; 32] = [42; 32];

pub struct Program {
    pub child: Child,
    /// Holds the key file, and is removed with it.
    _folder: TempDir,
    pub link_port: u16,
    /// Port of the page and its token.
    pub page: Option<(u16, String)>,
    pub input: Option<ChildStdin>,
    output: Option<Receiver<String>>,
    errors: Receiver<String>,
    /// Lines on standard error that nobody has waited for yet.
    passed: RefCell<Vec<String>>,
}

/// Of itself it finds no key and no place for history or its page's address.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gui-host"));
    command
        .args(arguments)
        .env_remove("XDG_CONFIG_HOME")
        .env_remove("XDG_RUNTIME_DIR")
        .env("HOME", "/nonexistent")
        .env("XDG_DATA_HOME", "/dev/null");
    command
}

pub fn key_file(folder: &Path) -> PathBuf {
    use std::os::unix::fs::OpenOptionsExt;
    let path = folder.join("ui.key");
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&path).unwrap();
    writeln!(file, "{}", data_encoding::BASE64.encode(&KEY)).unwrap();
    path
}

fn lines(source: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(source).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

impl Program {
    /// Starts with the key of the tests, on free ports.
    pub fn start(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = key_file(folder.path());
        let mut all = vec!["--key-file", key.to_str().unwrap()];
        all.extend(arguments);
        Self::launch(folder, &all, None)
    }

    /// The same with another search path for programs.
    pub fn start_with_path(arguments: &[&str], path: &str) -> Self {
        let mut all = vec!["--auth", "none"];
        all.extend(arguments);
        Self::launch(tempfile::tempdir().unwrap(), &all, Some(path))
    }

    pub fn start_without_authentication(arguments: &[&str]) -> Self {
        let mut all = vec!["--auth", "none"];
        all.extend(arguments);
        Self::launch(tempfile::tempdir().unwrap(), &all, None)
    }

    fn launch(folder: TempDir, arguments: &[&str], path: Option<&str>) -> Self {
        let mut child = command(arguments)
            .envs(path.map(|path| ("PATH", path)))
            .args(["--link-port", "0", "--port", "0"])
            .env("XDG_DATA_HOME", folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let errors = lines(child.stderr.take().unwrap());
        let output = Some(lines(child.stdout.take().unwrap()));
        let input = child.stdin.take();
        let mut program = Self { child, _folder: folder, link_port: 0, page: None, input, output, errors, passed: RefCell::default() };
        let link = program.error_line("link: 127.0.0.1:");
        let port = link["link: 127.0.0.1:".len()..].split(' ').next().unwrap();
        program.link_port = port.parse().unwrap();
        if !arguments.contains(&"--no-page") {
            let line = program.error_line("page: http://127.0.0.1:");
            let address = &line["page: http://127.0.0.1:".len()..];
            let (port, token) = address.split_once("/#t=").unwrap();
            program.page = Some((port.parse().unwrap(), token.to_owned()));
        }
        program
    }

    /// Waits for a line on standard error that begins so; gives each line once.
    pub fn error_line(&self, start: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut passed = self.passed.borrow_mut();
        if let Some(place) = passed.iter().position(|line| line.starts_with(start)) {
            return passed.remove(place);
        }
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = self.errors.recv_timeout(left) else { panic!("no line `{start}…` on standard error, but {passed:?}") };
            if line.starts_with(start) {
                return line;
            }
            passed.push(line);
        }
    }

    /// The next line on standard output.
    pub fn line(&self) -> String {
        let output = self.output.as_ref().expect("standard output is open");
        output.recv_timeout(PATIENCE).expect("a line on standard output")
    }

    pub fn say(&mut self, line: &str) {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Asks it to stop and waits for its end.
    pub fn terminate(&mut self) -> ExitStatus {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.wait()
    }

    pub fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("gui-host did not end")
    }
}

impl Drop for Program {
    /// Asked to stop first: it takes its own processes with it.
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let deadline = Instant::now() + PATIENCE;
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a request as it stands and gives the whole response.
pub fn http(port: u16, request: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request.replace('\n', "\r\n").as_bytes()).unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    response
}
