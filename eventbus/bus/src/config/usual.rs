//! Which set of processes a tool means when nobody says: that of the machine's own configuration.

use std::path::Path;
use std::sync::LazyLock;

use mqtypes::queues::{DEFAULT_INSTANCE, is_instance_name};

use super::document;
use super::file::{self, Contents, DEFAULT_FILE};
use super::given::look_through;
use super::keys::Section;

/// The instance that `/etc/lbr/lbr.toml` names, or else [`DEFAULT_INSTANCE`]. What is wrong with the file is for the processes to say.
pub fn usual_instance() -> &'static str {
    static USUAL: LazyLock<String> = LazyLock::new(|| named_in(Path::new(DEFAULT_FILE)).unwrap_or_else(|| DEFAULT_INSTANCE.to_owned()));
    &USUAL
}

fn named_in(file: &Path) -> Option<String> {
    let Ok(Contents::Text(text)) = file::read(file) else { return None };
    let (given, _faults) = look_through(&document::read(&text).0, Section::Top);
    let instance = given.into_iter().find(|given| given.key.name == "instance")?;
    instance.values.into_iter().map(|value| value.text).find(|name| is_instance_name(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_instance_is_meant_unless_there_is_none_or_no_file() {
        let directory = tempfile::tempdir().expect("made");
        let file = directory.path().join("lbr.toml");
        assert_eq!(named_in(&file), None);
        for (text, named) in [
            ("instance = \"roof\"\n[ui-proxy]\nname = \"x\"\n", Some("roof")),
            ("log-level = \"info\"\nwrong = 1\ninstance = 'roof'\n", Some("roof")),
            ("[eventbus]\ninstance = \"roof\"\n", None),
            ("instance = \"no/name\"\n", None),
            ("instance = 7\n", None),
        ] {
            std::fs::write(&file, text).expect("written");
            assert_eq!(named_in(&file).as_deref(), named, "{text}");
        }
    }
}
