//! Changes to the extensions: which there are, in what order, how critical, and with what values.

use crate::choices::Choices;
use crate::parts::{
    bits, boolean, context, context_of, dns, extension, integer, name, oid, sequence, tag, text,
};
use crate::pki::Pki;
use crate::tree::{Body, Node};

/// Changes the extensions, which stand in the last field.
pub(super) fn mutate(tbs: &mut Node, pki: &Pki, choices: &mut Choices<'_>) -> &'static str {
    let last = tbs.children().len().saturating_sub(1);
    let Some(all) = tbs.at_mut(&[last, 0]).and_then(Node::children_mut) else { return "nothing" };
    if all.is_empty() {
        all.push(any(pki, choices));
        return "a first extension";
    }
    let at = choices.below(all.len());
    match choices.below(14) {
        0 | 1 => {
            all.remove(at);
            "extension left out"
        }
        2 => {
            let other = choices.below(all.len());
            let double = all[at].clone();
            all.insert(other, double);
            "extension twice"
        }
        3 => {
            let other = choices.below(all.len());
            all.swap(at, other);
            "extensions swapped"
        }
        4..=6 => {
            turn_critical(&mut all[at], choices);
            "critical or not"
        }
        7..=10 => {
            replace(all, any(pki, choices));
            "extension with another value"
        }
        11 => {
            all.push(any(pki, choices));
            "extension added"
        }
        12 => {
            all.insert(at, unknown(choices));
            "unknown extension"
        }
        _ => {
            all.clear();
            "no extensions in the field"
        }
    }
}

/// Puts it where the one of its kind stands, or behind all others.
fn replace(all: &mut Vec<Node>, new: Node) {
    let identifier = new.children().first().cloned();
    match all.iter_mut().find(|old| old.children().first() == identifier.as_ref()) {
        Some(old) => *old = new,
        None => all.push(new),
    }
}

fn turn_critical(one: &mut Node, choices: &mut Choices<'_>) {
    let Some(parts) = one.children_mut() else { return };
    let at = parts.iter().position(|part| part.tag == tag::BOOLEAN);
    match (at, choices.below(6)) {
        // FALSE spelt out, and a TRUE that DER does not know.
        (Some(at), 0) => parts[at] = boolean(false),
        (Some(at), 1) => parts[at] = Node::octets(tag::BOOLEAN, [1]),
        (Some(at), _) => drop(parts.remove(at)),
        (None, 0) => parts.insert(1.min(parts.len()), boolean(false)),
        (None, _) => parts.insert(1.min(parts.len()), boolean(true)),
    }
}

fn unknown(choices: &mut Choices<'_>) -> Node {
    let identifier = choices.pick(&["1.2.3.4.5", "2.5.29.99", "1.3.6.1.4.1.55555.9"]);
    extension(identifier, choices.one_in(2), Node::octets(tag::NULL, []))
}

/// An extension of any kind with any value, critical as RFC 5280 wants it three times in four.
fn any(pki: &Pki, choices: &mut Choices<'_>) -> Node {
    let (identifier, usual, value) = match choices.below(15) {
        0 | 1 => ("2.5.29.19", true, basic_constraints(choices)),
        2 | 3 => ("2.5.29.15", true, key_usage(choices)),
        4 => ("2.5.29.37", false, extended_key_usage(choices)),
        5 | 6 => ("2.5.29.17", false, names(choices)),
        7 => ("2.5.29.30", true, name_constraints(choices)),
        8 => ("2.5.29.35", false, authority_key_identifier(pki, choices)),
        9 => ("2.5.29.14", false, key_identifier(pki, choices)),
        10 => ("2.5.29.32", false, policies(choices)),
        11 => ("2.5.29.33", true, policy_mappings(choices)),
        12 => ("2.5.29.36", true, policy_constraints(choices)),
        13 => ("2.5.29.54", true, small_integer(choices)),
        _ => others(choices),
    };
    let critical = if choices.one_in(4) { !usual } else { usual };
    extension(identifier, critical, value)
}

fn small_integer(choices: &mut Choices<'_>) -> Node {
    integer(choices.pick(&[
        &[0][..],
        &[1],
        &[5],
        &[0xff],
        &[0x7f, 0xff],
        &[1, 0, 0, 0, 0],
        &[0, 1],
        &[],
    ]))
}

fn basic_constraints(choices: &mut Choices<'_>) -> Node {
    let mut parts = Vec::new();
    match choices.below(4) {
        0 => {}
        1 => parts.push(boolean(false)),
        _ => parts.push(boolean(true)),
    }
    if choices.one_in(2) {
        parts.push(small_integer(choices));
    }
    sequence(parts)
}

fn key_usage(choices: &mut Choices<'_>) -> Node {
    match choices.below(10) {
        0 => bits(&[]),
        1 => Node::octets(tag::BIT_STRING, [0, 0]),
        // digitalSignature with a zero behind it, which named bits must not have.
        2 => Node::octets(tag::BIT_STRING, [0, 0x80]),
        3 => Node::octets(tag::BIT_STRING, [7, 0x80, 0]),
        4 => bits(&[9]),
        _ => {
            let named: Vec<u8> = (0..9).filter(|_| choices.one_in(3)).collect();
            bits(&named)
        }
    }
}

fn extended_key_usage(choices: &mut Choices<'_>) -> Node {
    const USAGES: [&str; 8] = [
        "1.3.6.1.5.5.7.3.1",
        "1.3.6.1.5.5.7.3.2",
        "1.3.6.1.5.5.7.3.3",
        "1.3.6.1.5.5.7.3.8",
        "1.3.6.1.5.5.7.3.9",
        "2.5.29.37.0",
        "2.16.840.1.113730.4.1",
        "1.2.3.4",
    ];
    let count = choices.below(4);
    sequence((0..count).map(|_| oid(choices.pick(&USAGES))).collect())
}

const DNS_NAMES: [&str; 16] = [
    "leaf.test",
    "*.leaf.test",
    "*.test",
    "*",
    "l*.leaf.test",
    "leaf.test.",
    ".leaf.test",
    "LEAF.TEST",
    "under_score.test",
    "-leaf.test",
    "leaf..test",
    "other.example",
    "host.forbidden.test",
    "",
    " ",
    "leaf.test\0.other",
];

fn general_name(choices: &mut Choices<'_>) -> Node {
    match choices.below(11) {
        0..=3 => dns(choices.pick(&DNS_NAMES)),
        4 => context(
            1,
            choices
                .pick(&[
                    &b"leaf@test"[..],
                    b"leaf",
                    b"@test",
                    b"a@b@test",
                    b"leaf@other.example",
                    b"\xe9@test",
                ])
                .to_vec(),
        ),
        5 => context(
            6,
            choices
                .pick(&[
                    &b"https://leaf.test/"[..],
                    b"/relative",
                    b"urn:x:y",
                    b"https://10.1.2.3/",
                    b"",
                    b"https://[::1]:7/",
                ])
                .to_vec(),
        ),
        6 => context(
            7,
            choices
                .pick(&[
                    &[10, 1, 2, 3][..],
                    &[192, 0, 2, 1],
                    &[0; 16],
                    &[1, 2, 3],
                    &[],
                    &[10, 0, 0, 0, 255, 0, 0, 0],
                ])
                .to_vec(),
        ),
        7 => context_of(4, vec![name(&[(10, tag::UTF8, "Fuzzed")])]),
        8 => context_of(4, vec![sequence(Vec::new())]),
        9 => context_of(
            0,
            vec![oid("1.3.6.1.4.1.311.20.2.3"), context_of(0, vec![text(tag::UTF8, "a@test")])],
        ),
        _ => context(8, oid_octets()),
    }
}

fn oid_octets() -> Vec<u8> {
    match oid("1.2.3.4").body {
        Body::Octets(octets) => octets,
        _ => Vec::new(),
    }
}

fn names(choices: &mut Choices<'_>) -> Node {
    let count = choices.below(4);
    sequence((0..count).map(|_| general_name(choices)).collect())
}

fn name_constraints(choices: &mut Choices<'_>) -> Node {
    let mut parts = Vec::new();
    for number in 0..2 {
        if choices.one_in(2) {
            continue;
        }
        let count = choices.below(3);
        let subtrees = (0..count).map(|_| {
            let mut parts = vec![base(choices)];
            match choices.below(12) {
                0 => parts.push(context(0, [0])),
                1 => parts.push(context(0, [1])),
                2 => parts.push(context(1, [5])),
                _ => {}
            }
            sequence(parts)
        });
        parts.push(context_of(number, subtrees.collect()));
    }
    sequence(parts)
}

/// The base of a subtree: like a name, but for addresses with a mask.
fn base(choices: &mut Choices<'_>) -> Node {
    const ADDRESSES: [&[u8]; 7] = [
        &[10, 0, 0, 0, 255, 0, 0, 0],
        &[10, 1, 2, 3, 255, 255, 255, 255],
        &[0; 8],
        &[10, 0, 0, 0, 255, 0, 255, 0],
        &[10, 0, 0, 0],
        &[0; 32],
        &[],
    ];
    match choices.below(6) {
        0 => context(7, choices.pick(&ADDRESSES).to_vec()),
        1 => dns(choices.pick(&["test", ".test", "leaf.test", "example", "", "*.test"])),
        2 => context(
            1,
            choices.pick(&[&b"test"[..], b".test", b"leaf@test", b"", b"a@b@c"]).to_vec(),
        ),
        3 => context(
            6,
            choices.pick(&[&b"leaf.test"[..], b".test", b"https://leaf.test/", b""]).to_vec(),
        ),
        _ => general_name(choices),
    }
}

fn key_identifier(pki: &Pki, choices: &mut Choices<'_>) -> Node {
    let octets = match choices.below(4) {
        0 => Vec::new(),
        1 => vec![7; 20],
        2 => vec![7; 64],
        _ => pki.issuing.key_identifier.to_vec(),
    };
    Node::octets(tag::OCTET_STRING, octets)
}

fn authority_key_identifier(pki: &Pki, choices: &mut Choices<'_>) -> Node {
    let mut parts = Vec::new();
    match choices.below(4) {
        0 => {}
        1 => parts.push(context(0, [9; 20])),
        _ => parts.push(context(0, pki.issuing.key_identifier)),
    }
    // The serial number of every certificate that was not mutated, or another one.
    let issuer = if choices.one_in(2) { "Fuzzed Root" } else { "Nobody" };
    if choices.one_in(4) {
        let directory = context_of(4, vec![crate::parts::common_name(issuer)]);
        parts.push(context_of(1, vec![directory]));
    }
    if choices.one_in(4) {
        let right = choices.one_in(2);
        parts.push(context(2, if right { crate::pki::SERIAL.to_vec() } else { vec![5] }));
    }
    sequence(parts)
}

const POLICIES: [&str; 4] =
    ["2.5.29.32.0", "1.3.6.1.4.1.55555.1.1", "1.3.6.1.4.1.55555.1.2", "2.23.140.1.2.1"];

fn policies(choices: &mut Choices<'_>) -> Node {
    let count = choices.below(4);
    let one = |choices: &mut Choices<'_>| {
        let mut parts = vec![oid(choices.pick(&POLICIES))];
        if choices.one_in(4) {
            let kind = choices.pick(&["1.3.6.1.5.5.7.2.1", "1.3.6.1.5.5.7.2.2", "1.2.3"]);
            let value = if choices.one_in(2) {
                text(tag::IA5, "http://cps.test/")
            } else {
                sequence(vec![text(tag::UTF8, "a notice")])
            };
            parts.push(sequence(vec![sequence(vec![oid(kind), value])]));
        }
        sequence(parts)
    };
    sequence((0..count).map(|_| one(choices)).collect())
}

fn policy_mappings(choices: &mut Choices<'_>) -> Node {
    let count = choices.below(3);
    let one = |choices: &mut Choices<'_>| {
        sequence(vec![oid(choices.pick(&POLICIES)), oid(choices.pick(&POLICIES))])
    };
    sequence((0..count).map(|_| one(choices)).collect())
}

fn policy_constraints(choices: &mut Choices<'_>) -> Node {
    let mut parts = Vec::new();
    for number in 0..2 {
        if choices.one_in(2) {
            let octets = choices.pick(&[&[0][..], &[1], &[2], &[9], &[0xff], &[0, 0], &[]]);
            parts.push(context(number, octets.to_vec()));
        }
    }
    sequence(parts)
}

/// Extensions that nobody asks for while a path is validated.
fn others(choices: &mut Choices<'_>) -> (&'static str, bool, Node) {
    let place = context(6, *b"http://crl.test/2.crl");
    let point = sequence(vec![context_of(0, vec![context_of(0, vec![place.clone()])])]);
    match choices.below(12) {
        0 => ("2.5.29.31", false, sequence(vec![point])),
        1 => ("2.5.29.31", false, sequence(Vec::new())),
        2 => ("2.5.29.46", false, sequence(vec![point])),
        3 => ("1.3.6.1.5.5.7.1.1", false, sequence(vec![sequence(vec![oid("1.2.3"), place])])),
        4 => ("1.3.6.1.5.5.7.1.1", false, sequence(Vec::new())),
        5 => ("2.5.29.18", false, sequence(vec![place])),
        // TLS feature, OCSP no check, Netscape's certificate type and a proxy certificate.
        6 => ("1.3.6.1.5.5.7.1.24", false, sequence(vec![integer(&[5])])),
        7 => ("1.3.6.1.5.5.7.48.1.5", false, Node::octets(tag::NULL, [])),
        8 => ("2.16.840.1.113730.1.1", false, bits(&[choices.pick(&[0, 1, 5, 7])])),
        9 => {
            let language = sequence(vec![oid("1.3.6.1.5.5.7.21.1")]);
            ("1.3.6.1.5.5.7.1.14", true, sequence(vec![language]))
        }
        10 => ("2.5.29.16", false, sequence(vec![context(0, *b"20250101000000Z")])),
        _ => ("2.5.29.74", false, Node::octets(tag::BIT_STRING, [0, 1, 2, 3])),
    }
}
