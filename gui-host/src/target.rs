//! A router as `ssh` knows it: `USER@HOST`, or a name from the user's ssh configuration.
//!
//! It becomes one argument of `ssh`, so nothing that `ssh` could take for an option may get here.

use std::{fmt, str::FromStr};

/// Longest target, bytes: a user name and a domain name fit.
const MAX_LENGTH: usize = 320;

/// A checked target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target(String);

/// Why a target is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Nothing there.
    #[error("it is empty; give USER@HOST, or a name from your ssh configuration")]
    Empty,
    /// ssh would take it for an option.
    #[error("neither the target nor its host may begin with '-'; ssh would take it for an option")]
    LeadingDash,
    /// A space, or worse.
    #[error("white space and control characters are not allowed; give one USER@HOST for each --lbr")]
    Whitespace,
    /// Longer than any user and host.
    #[error("it is longer than {MAX_LENGTH} bytes")]
    TooLong,
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let host = text.rsplit_once('@').map_or(text, |(_, host)| host);
        if text.is_empty() || host.is_empty() {
            Err(TargetError::Empty)
        } else if text.len() > MAX_LENGTH {
            Err(TargetError::TooLong)
        } else if text.starts_with('-') || host.starts_with('-') {
            Err(TargetError::LeadingDash)
        } else if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
            Err(TargetError::Whitespace)
        } else {
            Ok(Self(text.to_owned()))
        }
    }
}

impl Target {
    /// The target as the argument for `ssh`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ssh_could_misread_is_refused() {
        let check = |text: &str, expect| assert_eq!(text.parse::<Target>(), Err(expect), "{text}");
        check("", TargetError::Empty);
        check("root@", TargetError::Empty);
        check("-oProxyCommand=id", TargetError::LeadingDash);
        check("root@-oProxyCommand=id", TargetError::LeadingDash);
        check("root@lbr id", TargetError::Whitespace);
        check("root@lbr\n", TargetError::Whitespace);
        check("root@lbr\0", TargetError::Whitespace);
        check("root@lbr\u{85}", TargetError::Whitespace);
        check(&"x".repeat(321), TargetError::TooLong);
    }

    #[test]
    fn users_addresses_and_configured_names_are_accepted() {
        for text in ["root@192.0.2.1", "lbr-1", "me@fe80::1%eth0", "ssh://root@lbr:2222"] {
            assert_eq!(text.parse::<Target>().unwrap().as_str(), text);
        }
    }
}
