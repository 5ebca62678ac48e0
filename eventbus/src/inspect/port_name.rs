//! Which port a person means: its whole name, or the last part of it.

use mqtypes::ids::PortName;

/// Does a person who says `name` mean this port?
pub fn is_called(port: &PortName, name: &str) -> bool {
    port.0 == name || port.0.rsplit('/').next() == Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_called_by_its_path_or_the_last_part_of_it() {
        let port = PortName("/dev/serial/by-id/usb-x".to_owned());
        assert!(is_called(&port, "/dev/serial/by-id/usb-x") && is_called(&port, "usb-x"));
        assert!(!["by-id/usb-x", "x", "", "/dev"].iter().any(|name| is_called(&port, name)));
    }
}
