//! The kernel's own list of file locks: who holds one, for a message that names the process.

use nix::sys::stat::{major, minor};

/// The process that holds the `flock` on the file with this device and inode number, when the kernel tells it. Where the
/// system has 32 bits, so may they.
pub fn holder(device: impl Into<u64>, inode: impl Into<u64>) -> Option<u32> {
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    holder_in(&locks, device.into(), inode.into())
}

/// A line is `1: FLOCK  ADVISORY  WRITE 4711 00:06:99 0 EOF`: process, then the file system's device in hex, and the inode.
fn holder_in(locks: &str, device: u64, inode: u64) -> Option<u32> {
    let file = format!("{:02x}:{:02x}:{inode}", major(device), minor(device));
    locks.lines().find_map(|line| {
        let mut words = line.split_whitespace().skip_while(|word| *word != "FLOCK");
        let pid = words.nth(3)?;
        (words.next()? == file).then(|| pid.parse().ok()).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::stat::makedev;

    #[test]
    fn the_holder_is_found_in_the_kernels_list() {
        let locks = "1: POSIX  ADVISORY  READ 12 00:14:99 0 EOF\n2: -> FLOCK  ADVISORY  WRITE 8 00:14:77 0 EOF\n3: FLOCK  ADVISORY  WRITE 4711 00:14:99 0 EOF\n";
        assert_eq!(holder_in(locks, makedev(0, 0x14), 99), Some(4711));
        assert_eq!(holder_in(locks, makedev(0, 0x15), 99), None);
    }

    #[test]
    fn device_and_inode_must_both_be_the_files() {
        let locks = "1: FLOCK  ADVISORY  WRITE 12 00:06:99 0 EOF\n2: -> FLOCK  ADVISORY  WRITE 8 00:1a:99 0 EOF\n3: FLOCK  ADVISORY  WRITE 4711 00:1a:98 0 EOF\n";
        assert_eq!(holder_in(locks, makedev(0, 0x1a), 98), Some(4711));
        assert_eq!(holder_in(locks, makedev(0, 0x06), 98), None);
    }
}
