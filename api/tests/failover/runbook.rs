//! docs/failover.md: its commands and files are what these tests run.

/// The guide.
const GUIDE: &str = include_str!("../../../docs/failover.md");
/// HAProxy's configuration.
const BALANCER: &str = include_str!("../../../deploy/haproxy.cfg");

/// The block of the guide behind `<!-- NAME -->`.
pub(crate) fn block(name: &str) -> &'static str {
    let (_, rest) = GUIDE
        .split_once(&format!("<!-- {name} -->\n```"))
        .unwrap_or_else(|| panic!("docs/failover.md has no block {name:?}"));
    let (_, rest) = rest.split_once('\n').unwrap();
    rest.split_once("```").unwrap().0
}

/// The settings of the guide, for a server of this name.
pub(crate) fn settings(name: &str) -> Vec<String> {
    let lines = block("settings").lines().map(|line| line.split('#').next().unwrap_or_default());
    let pairs = lines.filter_map(|line| line.split_once('='));
    let setting = |(key, value): (&str, &str)| {
        format!("{}={}", key.trim(), value.trim().trim_matches('\'').replace("pg_a", name))
    };
    pairs.map(setting).collect()
}

/// HAProxy's configuration, for these ports.
pub(crate) fn balancer(own: u16, servers: [u16; 2]) -> String {
    let mut config = BALANCER.to_owned();
    for (from, port) in [
        ("127.0.0.1:5432", own),
        ("pg-a.internal:5432", servers[0]),
        ("pg-b.internal:5432", servers[1]),
    ] {
        assert!(config.contains(from), "deploy/haproxy.cfg: no {from}");
        config = config.replace(from, &format!("127.0.0.1:{port}"));
    }
    config
}

/// What HAProxy sends and waits for, as octets.
fn octets(verb: &str) -> Vec<Vec<u8>> {
    let lines = BALANCER.lines().filter_map(|line| line.trim().strip_prefix(verb));
    let decode = |line: &str| base16ct::mixed::decode_vec(line.trim()).unwrap();
    lines.map(decode).collect()
}

#[test]
fn the_octets_of_the_check_are_what_its_comments_say() {
    let message = |kind: &[u8], content: &[u8]| {
        let length = u32::try_from(content.len() + 4).unwrap().to_be_bytes();
        [kind, &length, content].concat()
    };
    let startup = b"\x00\x03\x00\x00user\0espalier_probe\0database\0postgres\0\0";
    let query = b"SELECT espalier_may_write()\0";
    let sent = [message(b"", startup), message(b"Q", query), message(b"X", b"")];
    assert_eq!(octets("tcp-check send-binary "), sent);
    let row = message(b"D", b"\0\x01\0\0\0\x01t");
    assert_eq!(octets("tcp-check expect binary "), [message(b"Z", b"I"), row]);
}
