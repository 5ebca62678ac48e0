//! The key that a router and this host share: one file of 32 random bytes in base64.
//!
//! The key itself is never printed, and a file that others can read or write is refused.

use std::{
    env, fmt, fs, io,
    io::{Read, Write},
    path::{Path, PathBuf},
};

use data_encoding::BASE64;

use crate::{private_file, random, shell};

/// Longest key file that is read; 45 bytes are enough.
const MAX_FILE: u64 = 1024;

/// The shared key.
#[derive(Clone)]
pub struct Key([u8; 32]);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// What is wrong with a key file, and the way out.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// There is no home directory.
    #[error("no place for the key file: {HOMES}; name it with --key-file FILE")]
    NoHome,
    /// There is none.
    #[error("key file {0}: there is none; make one with `gui-host keygen --key-file {1}`, or use --auth none on both sides for trying out")]
    Missing(PathBuf, String),
    /// The system refuses.
    #[error("key file {0}: {1}")]
    Io(PathBuf, #[source] io::Error),
    /// Others could read or write it.
    #[error("key file {path}: mode {mode:04o} lets others at it; `chmod 0600 {quoted}`")]
    Mode {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// The file as a shell word.
        quoted: String,
    },
    /// Not 32 bytes of base64.
    #[error("key file {0}: not 32 bytes of base64 in one line; put the router's key there, or remove it and run `gui-host keygen`")]
    Content(PathBuf),
    /// There is one already.
    #[error("key file {0}: exists already")]
    Exists(PathBuf),
    /// No randomness.
    #[error("{0:#}")]
    Random(anyhow::Error),
}

impl Key {
    /// The key of 32 bytes.
    #[cfg(test)]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, for the proof alone.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads a key file of mode 0600 or 0640 (or stricter).
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let io = |error| KeyError::Io(path.to_owned(), error);
        let file = match fs::File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(KeyError::Missing(path.to_owned(), shell::quote_path(path)));
            }
            Err(error) => return Err(io(error)),
        };
        if let Some(mode) = private_file::mode_open_to_others(&file.metadata().map_err(io)?) {
            let quoted = shell::quote_path(path);
            return Err(KeyError::Mode { path: path.to_owned(), mode, quoted });
        }
        let mut text = Vec::new();
        file.take(MAX_FILE).read_to_end(&mut text).map_err(io)?;
        Self::parse(&text).ok_or_else(|| KeyError::Content(path.to_owned()))
    }

    fn parse(text: &[u8]) -> Option<Self> {
        BASE64.decode(text.trim_ascii()).ok()?.try_into().ok().map(Self)
    }

    /// Makes a key file of mode 0600, and its folder; never overwrites one.
    pub fn make(path: &Path) -> Result<(), KeyError> {
        let io = |error| KeyError::Io(path.to_owned(), error);
        let key = random::bytes::<32>().map_err(KeyError::Random)?;
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            private_file::make_folder(folder).map_err(io)?;
        }
        let mut file = match private_file::create_new(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(KeyError::Exists(path.to_owned()));
            }
            Err(error) => return Err(io(error)),
        };
        writeln!(file, "{}", BASE64.encode(&key)).map_err(io)
    }
}

/// Why there is no default path.
#[cfg(unix)]
const HOMES: &str = "neither XDG_CONFIG_HOME nor HOME is set";
#[cfg(windows)]
const HOMES: &str = "APPDATA is not set";

/// `$XDG_CONFIG_HOME/lbr/ui.key`, or `~/.config/lbr/ui.key`; on Windows `%APPDATA%\lbr\ui.key`.
pub fn default_path() -> Result<PathBuf, KeyError> {
    let folder = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let config = if cfg!(windows) {
        folder("APPDATA")
    } else {
        folder("XDG_CONFIG_HOME").or_else(|| folder("HOME").map(|home| home.join(".config")))
    };
    config.map(|config| config.join("lbr").join("ui.key")).ok_or(KeyError::NoHome)
}

/// What to do with the key, in words and commands.
pub fn instructions(path: &Path, remote_port: u16) -> String {
    let [as_root, with_sudo, to_openwrt] = copy_commands(path);
    let [openssh, dropbear] = [authorized_key(remote_port), authorized_key_for_dropbear()];
    format!(
        "Put the same key on each router, with its address in place of LBR:\n  {as_root}\n\
         or, where root does not log in and you may use sudo without a password:\n  {with_sudo}\n\
         or, on OpenWrt, once the router's processes have been started there:\n  {to_openwrt}\n\n\
         If the key with which you log in there is to open the link and nothing else, let this be its line in the\n\
         authorized_keys of a user of the group lbr on the router, with your public key (such as the line in\n\
         ~/.ssh/id_ed25519.pub, or what `ssh-add -L` prints) in place of YOUR-PUBLIC-KEY:\n  {openssh}\n\
         or, where the SSH server is dropbear (OpenWrt: /etc/dropbear/authorized_keys), which refuses a key with an\n\
         option that it does not know, and cannot bind one to a port:\n  {dropbear}\n"
    )
}

/// Where the router has its key: `ui.key` in the `state-dir` of the package for Debian, and of the archive for OpenWrt.
const DEBIAN_STATE: &str = "/var/lib/lbr";
const OPENWRT_STATE: &str = "/etc/lbr/state";

/// The shell commands that put the key file on a router, readable for its group `lbr` alone: as root there, with sudo, and on OpenWrt.
///
/// The state directory is the processes' own, so root writes the file elsewhere and moves it there whole: it follows no link that they
/// might have made, and `ui-proxy` never reads half a key.
fn copy_commands(path: &Path) -> [String; 3] {
    let [remote, openwrt] = [DEBIAN_STATE, OPENWRT_STATE].map(|state| {
        format!(
            "umask 077 && cat >/etc/lbr/ui.key && chgrp lbr /etc/lbr/ui.key && chmod 640 /etc/lbr/ui.key \
             && mv -f /etc/lbr/ui.key {state}/ui.key"
        )
    });
    let path = shell::quote_path(path);
    if cfg!(windows) {
        // PowerShell knows no `<`; what its pipe adds to the line ends is white space to the reader.
        [
            format!("type {path} | ssh root@LBR \"{remote}\""),
            format!("type {path} | ssh USER@LBR \"sudo sh -c '{remote}'\""),
            format!("type {path} | ssh root@LBR \"{openwrt}\""),
        ]
    } else {
        [
            format!("ssh root@LBR '{remote}' <{path}"),
            format!("ssh USER@LBR \"sudo sh -c '{remote}'\" <{path}"),
            format!("ssh root@LBR '{openwrt}' <{path}"),
        ]
    }
}

/// The line of `authorized_keys` with which a key can be used for the link and for nothing else.
///
/// A session of it runs `ui-proxy wake` whatever it asks for, and the only port that it can have the router listen on is
/// the one that `ui-proxy` dials.
fn authorized_key(remote_port: u16) -> String {
    format!(
        r#"restrict,port-forwarding,permitlisten="127.0.0.1:{remote_port}",permitlisten="localhost:{remote_port}",command="ui-proxy wake" YOUR-PUBLIC-KEY"#
    )
}

/// The same for dropbear, 2022.83 or newer; an older one does not know `permitopen`.
///
/// Its `restrict` takes remote forwards away for good, and it has no `permitlisten` for an address, so all else is taken away
/// by name. No host is called `none`: the key opens nothing that the router could reach.
fn authorized_key_for_dropbear() -> String {
    r#"no-agent-forwarding,no-X11-forwarding,no-pty,permitopen="none:0",command="ui-proxy wake" YOUR-PUBLIC-KEY"#.to_owned()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn file(text: &str, mode: u32) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ui.key");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        (folder, path)
    }

    #[test]
    fn a_made_key_can_be_read_and_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/ui.key");
        Key::make(&path).unwrap();
        let key = Key::read(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
        assert!(matches!(Key::make(&path), Err(KeyError::Exists(_))));
        assert_eq!(Key::read(&path).unwrap().bytes(), key.bytes());
    }

    #[test]
    fn a_key_that_others_can_read_is_refused_with_the_way_out() {
        let text = BASE64.encode(&[7; 32]);
        for mode in [0o644, 0o660, 0o700, 0o606] {
            let (_folder, path) = file(&text, mode);
            let error = Key::read(&path).unwrap_err().to_string();
            assert!(error.contains("chmod 0600"), "{error}");
        }
        for mode in [0o600, 0o640, 0o400] {
            let (_folder, path) = file(&text, mode);
            assert_eq!(Key::read(&path).unwrap().bytes(), &[7; 32]);
        }
    }

    #[test]
    fn other_contents_are_refused() {
        for text in ["", "short", &BASE64.encode(&[7; 31]), &BASE64.encode(&[7; 33])] {
            let (_folder, path) = file(text, 0o600);
            assert!(matches!(Key::read(&path), Err(KeyError::Content(_))), "{text}");
        }
    }

    #[test]
    fn both_ssh_servers_have_the_line_that_they_understand() {
        let text = instructions(Path::new("ui.key"), 8000);
        let lines: Vec<_> = text.lines().filter(|line| line.ends_with(" YOUR-PUBLIC-KEY")).map(str::trim).collect();
        assert_eq!(
            lines,
            [
                r#"restrict,port-forwarding,permitlisten="127.0.0.1:8000",permitlisten="localhost:8000",command="ui-proxy wake" YOUR-PUBLIC-KEY"#,
                r#"no-agent-forwarding,no-X11-forwarding,no-pty,permitopen="none:0",command="ui-proxy wake" YOUR-PUBLIC-KEY"#,
            ]
        );
    }

    #[test]
    fn a_missing_key_names_the_command_that_makes_it() {
        let error = Key::read(Path::new("/no/such/ui.key")).unwrap_err().to_string();
        assert!(error.contains("gui-host keygen --key-file /no/such/ui.key"), "{error}");
    }
}
