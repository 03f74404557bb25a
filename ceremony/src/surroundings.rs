//! What is around the machine's secrets: networks, routes, swap.
//!
//! Nothing here stops a ceremony. Each finding is shown and written down, and going on in spite of one
//! takes a reason that somebody types.

use std::fs;
use std::path::Path;

/// The type of a loopback interface (ARPHRD_LOOPBACK of Linux).
const LOOPBACK: &str = "772";
/// The flag of an interface that is up (IFF_UP).
const UP: u32 = 1;

/// Looks at the machine; `root` is `/`, where `proc` and `sys` are. Gives what an offline machine would
/// not have, one line each. What can't be read is a finding too.
pub fn look(root: &Path) -> Vec<String> {
    [interfaces(root), routes(root), routes_of_ipv6(root), swaps(root)].concat()
}

fn interfaces(root: &Path) -> Vec<String> {
    let place = root.join("sys/class/net");
    let Ok(entries) = fs::read_dir(&place) else {
        return vec!["network interfaces: they can't be listed".into()];
    };
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_file() {
            // Bonding keeps a list of its own there.
            continue;
        }
        let read = |file: &str| fs::read_to_string(entry.path().join(file)).unwrap_or_default();
        let flags = read("flags");
        let flags = u32::from_str_radix(flags.trim().trim_start_matches("0x"), 16);
        if read("type").trim() == LOOPBACK {
            continue;
        }
        match flags {
            Ok(flags) if flags & UP == 0 => {}
            Ok(_) => found.push(format!("network interface {name}: it is up")),
            Err(_) => found.push(format!("network interface {name}: its state can't be read")),
        }
    }
    found.sort_unstable();
    found
}

/// Default routes of IPv4.
fn routes(root: &Path) -> Vec<String> {
    let Ok(table) = fs::read_to_string(root.join("proc/net/route")) else {
        return vec!["default route: the table can't be read".into()];
    };
    let rows = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    rows.filter(|row| row.get(1) == Some(&"00000000") && row.get(7) == Some(&"00000000"))
        .map(|row| format!("default route: by {}", row.first().unwrap_or(&"")))
        .collect()
}

/// The same of IPv6, which a kernel may do without: then it has no list of addresses either.
fn routes_of_ipv6(root: &Path) -> Vec<String> {
    let Ok(table) = fs::read_to_string(root.join("proc/net/ipv6_route")) else {
        return match root.join("proc/net/if_inet6").exists() {
            true => vec!["default route of IPv6: the table can't be read".into()],
            false => Vec::new(),
        };
    };
    let rows = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    // The kernel has a default route by lo that rejects.
    rows.filter(|row| {
        row.first().is_some_and(|to| to.bytes().all(|digit| digit == b'0'))
            && row.get(1) == Some(&"00")
            && row.last() != Some(&"lo")
    })
    .map(|row| format!("default route of IPv6: by {}", row.last().unwrap_or(&"")))
    .collect()
}

/// Swap that a disk would keep. Compressed memory (zram) and encrypted volumes are fine.
fn swaps(root: &Path) -> Vec<String> {
    let Ok(table) = fs::read_to_string(root.join("proc/swaps")) else {
        return vec!["swap: it can't be listed".into()];
    };
    let rows = table.lines().skip(1).filter_map(|line| line.split_whitespace().next());
    rows.filter(|device| !is_safe_swap(root, device))
        .map(|device| format!("swap on {device}: it is not known to be encrypted"))
        .collect()
}

fn is_safe_swap(root: &Path, device: &str) -> bool {
    let Some(name) = device.strip_prefix("/dev/") else { return false };
    let uuid = root.join("sys/block").join(name).join("dm/uuid");
    name.starts_with("zram")
        || fs::read_to_string(uuid).is_ok_and(|uuid| uuid.starts_with("CRYPT-"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;

    /// A machine as an offline one is.
    fn machine() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, flags, kind) in [("lo", "0x9", "772"), ("eth0", "0x1002", "1")] {
            write(root.path(), &format!("sys/class/net/{name}/flags"), flags);
            write(root.path(), &format!("sys/class/net/{name}/type"), kind);
        }
        write(root.path(), "proc/net/route", "Iface\tDestination\n");
        let zeros = "0".repeat(32);
        let rejected = format!("{zeros} 00 {zeros} 00 {zeros} ffffffff 1 0 200200 lo\n");
        write(root.path(), "proc/net/ipv6_route", &rejected);
        let swaps = "Filename Type\n/dev/zram0 partition\n/dev/dm-1 partition\n";
        write(root.path(), "proc/swaps", swaps);
        write(root.path(), "sys/block/dm-1/dm/uuid", "CRYPT-PLAIN-swap\n");
        root
    }

    fn write(root: &Path, name: &str, text: &str) {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn an_offline_machine_has_no_findings() {
        let machine = machine();
        write(machine.path(), "sys/class/net/bonding_masters", "");
        assert_eq!(look(machine.path()), [""; 0]);
    }

    #[test]
    fn each_finding_is_named() {
        let zeros = "0".repeat(32);
        let route = "Iface\tDestination\neth0\t00000000\t0102000A\t0003\t0\t0\t0\t00000000\t0\n";
        let of_ipv6 = format!("{zeros} 00 {zeros} 00 {zeros} 00000400 1 0 3 eth0\n");
        let cases = [
            ("sys/class/net/eth0/flags", "0x1003", "network interface eth0: it is up"),
            ("sys/class/net/eth0/flags", "?", "network interface eth0: its state can't be read"),
            ("proc/net/route", route, "default route: by eth0"),
            ("proc/net/ipv6_route", &of_ipv6, "default route of IPv6: by eth0"),
            (
                "proc/swaps",
                "Filename\n/dev/sda2 partition\n",
                "swap on /dev/sda2: it is not known to be encrypted",
            ),
            ("proc/swaps", "Filename\n/swapfile file\n", "swap on /swapfile"),
            ("sys/block/dm-1/dm/uuid", "LVM-x", "swap on /dev/dm-1"),
        ];
        for (file, text, part) in cases {
            let root = machine();
            write(root.path(), file, text);
            let found = look(root.path());
            assert!(found.len() == 1 && found[0].starts_with(part), "{file}: {found:?}");
        }
        let empty = tempfile::tempdir().unwrap();
        assert_eq!(look(empty.path()).len(), 3, "what can't be read is a finding");
        write(empty.path(), "proc/net/if_inet6", "");
        assert_eq!(look(empty.path()).len(), 4, "that of IPv6 too, where there is IPv6");
    }
}
