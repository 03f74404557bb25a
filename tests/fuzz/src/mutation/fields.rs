//! Changes to the fields of TBSCertificate but its extensions.

use crate::choices::Choices;
use crate::parts::{common_name, context, integer, name, oid, sequence, tag};
use crate::pki::Pki;
use crate::tree::{Body, Node};

// Where the fields of a certificate of version 3 stand.
const VERSION: usize = 0;
const SERIAL: usize = 1;
const ALGORITHM: usize = 2;
const ISSUER: usize = 3;
const VALIDITY: usize = 4;
const SUBJECT: usize = 5;
const KEY: usize = 6;

/// Changes one field.
pub(super) fn mutate(
    tbs: &mut Node,
    outer_algorithm: &mut Node,
    pki: &Pki,
    choices: &mut Choices<'_>,
) -> &'static str {
    let Some(fields) = tbs.children_mut().filter(|fields| fields.len() > KEY) else {
        return "nothing";
    };
    match choices.below(12) {
        0 => version(fields, choices),
        1 | 2 => serial(fields, choices),
        3 | 4 => algorithm(fields, outer_algorithm, choices),
        5 => {
            fields[ISSUER] = other_name(&fields[ISSUER], choices);
            "issuer"
        }
        6 | 7 => validity(&mut fields[VALIDITY], choices),
        8 | 9 => {
            fields[SUBJECT] = other_name(&fields[SUBJECT], choices);
            "subject"
        }
        10 => key(&mut fields[KEY], pki, choices),
        _ => {
            // issuerUniqueID or subjectUniqueID, before the extensions.
            let number = 1 + choices.below(2) as u8;
            let bits = choices.pick(&[&[0, 0xaa][..], &[0], &[1, 0xab], &[8, 0], &[]]).to_vec();
            fields.insert(KEY + 1, context(number, bits));
            "unique identifier"
        }
    }
}

fn version(fields: &mut Vec<Node>, choices: &mut Choices<'_>) -> &'static str {
    match choices.below(3) {
        0 => drop(fields.remove(VERSION)),
        _ => {
            let octets = choices.pick(&[&[0][..], &[1], &[3], &[0xff], &[0, 2], &[2, 0]]).to_vec();
            if let Some(inner) = fields[VERSION].children_mut().and_then(|all| all.first_mut()) {
                *inner = integer(&octets);
            }
        }
    }
    "version"
}

fn serial(fields: &mut [Node], choices: &mut Choices<'_>) -> &'static str {
    const ODD: [&[u8]; 7] = [&[], &[0], &[0xff], &[0x80, 1], &[0, 1], &[0, 0x80], &[0xff, 0x80]];
    fields[SERIAL] = match choices.below(5) {
        0 => integer(&[0x7f; 20]),
        1 => integer(&[0x7f; 21]),
        2 => integer(&[&[0][..], &[0x80; 20]].concat()),
        _ => integer(choices.pick(&ODD)),
    };
    "serial number"
}

/// Identifiers of signature algorithms: such as fit no key here, such as are broken, and no
/// identifier of anything.
const ALGORITHMS: [&str; 13] = [
    "1.2.840.10045.4.3.2",
    "1.2.840.10045.4.3.3",
    "1.2.840.10045.4.3.4",
    "1.2.840.10045.4.1",
    "1.2.840.113549.1.1.11",
    "1.2.840.113549.1.1.12",
    "1.2.840.113549.1.1.5",
    "1.2.840.113549.1.1.10",
    "1.3.101.112",
    "2.16.840.1.101.3.4.3.17",
    "2.16.840.1.101.3.4.3.18",
    "1.3.6.1.5.5.7.6.45",
    "1.2.3.4",
];

fn algorithm(fields: &mut [Node], outer: &mut Node, choices: &mut Choices<'_>) -> &'static str {
    let mut changed = fields[ALGORITHM].clone();
    if let Some(parts) = changed.children_mut() {
        match choices.below(4) {
            0 => parts.push(Node::octets(tag::NULL, [])),
            1 => parts.truncate(1),
            2 => parts.push(sequence(Vec::new())),
            _ => match parts.first_mut() {
                Some(first) => *first = oid(choices.pick(&ALGORITHMS)),
                None => parts.push(oid(choices.pick(&ALGORITHMS))),
            },
        }
    }
    match choices.below(4) {
        0 => *outer = changed,
        1 => fields[ALGORITHM] = changed,
        _ => {
            fields[ALGORITHM] = changed.clone();
            *outer = changed;
        }
    }
    "signature algorithm"
}

/// The same name in other letters, or another one.
fn other_name(old: &Node, choices: &mut Choices<'_>) -> Node {
    match choices.below(12) {
        0 => sequence(Vec::new()),
        1 => common_name("Somebody Else"),
        2 => with_text(old, choices, |text| text.to_ascii_uppercase()),
        3 => with_text(old, choices, |text| [b"  ", text, b" "].concat()),
        4 => with_text(old, choices, |text| {
            text.iter()
                .flat_map(|octet| if *octet == b' ' { vec![b' '; 3] } else { vec![*octet] })
                .collect()
        }),
        5 => with_tag(old, choices),
        6 => with_text(old, choices, |_| Vec::new()),
        7 => with_text(old, choices, |text| [text, &[0, b'x'][..]].concat()),
        8 => with_text(old, choices, |text| [text, &[0xc3, 0x28][..]].concat()),
        9 => with_text(old, choices, |text| text.repeat(9)),
        10 => {
            name(&[(6, tag::PRINTABLE, "D"), (6, tag::PRINTABLE, "DEU"), (5, tag::PRINTABLE, "7")])
        }
        _ => {
            // Two attributes in one part, in an order that may be DER's or not.
            let mut parts = name(&[(10, tag::UTF8, "b"), (3, tag::UTF8, "a")]);
            let mut attributes: Vec<Node> =
                parts.children().iter().flat_map(|part| part.children().to_vec()).collect();
            if choices.one_in(2) {
                attributes.reverse();
            }
            if let Some(all) = parts.children_mut() {
                *all = vec![Node::nodes(tag::SET, attributes)];
            }
            parts
        }
    }
}

/// The place of a string in a name: part, attribute, value.
fn text_place(old: &Node, choices: &mut Choices<'_>) -> Vec<usize> {
    vec![choices.below(old.children().len()), 0, 1]
}

fn with_text(old: &Node, choices: &mut Choices<'_>, change: impl Fn(&[u8]) -> Vec<u8>) -> Node {
    let (mut new, place) = (old.clone(), text_place(old, choices));
    if let Some(Body::Octets(octets)) = new.at_mut(&place).map(|node| &mut node.body) {
        *octets = change(octets);
    }
    new
}

fn with_tag(old: &Node, choices: &mut Choices<'_>) -> Node {
    const STRINGS: [u8; 7] =
        [tag::PRINTABLE, tag::IA5, tag::TELETEX, tag::BMP, 0x1c, 0x12, tag::UTF8];
    let (mut new, place) = (old.clone(), text_place(old, choices));
    if let Some(node) = new.at_mut(&place) {
        node.tag = choices.pick(&STRINGS);
        if let (tag::BMP, Body::Octets(octets)) = (node.tag, &mut node.body)
            && choices.one_in(2)
        {
            *octets = octets.iter().flat_map(|octet| [0, *octet]).collect();
        }
    }
    new
}

/// Dates around the instant of verification, around the forms of dates, and no dates.
const DATES: [(u8, &str); 26] = [
    (tag::UTC_TIME, "260601120000Z"),
    (tag::UTC_TIME, "260601120001Z"),
    (tag::UTC_TIME, "260601115959Z"),
    (tag::UTC_TIME, "500101000000Z"),
    (tag::UTC_TIME, "491231235959Z"),
    (tag::UTC_TIME, "700101000000Z"),
    (tag::UTC_TIME, "2606011200Z"),
    (tag::UTC_TIME, "260601120000+0000"),
    (tag::UTC_TIME, "260601140000+0200"),
    (tag::UTC_TIME, "260231000000Z"),
    (tag::UTC_TIME, "261301000000Z"),
    (tag::UTC_TIME, "260601240000Z"),
    (tag::UTC_TIME, "260601235960Z"),
    (tag::UTC_TIME, "20260601120000Z"),
    (tag::UTC_TIME, "280229000000Z"),
    (tag::UTC_TIME, ""),
    (tag::GENERALIZED_TIME, "20260601120000Z"),
    (tag::GENERALIZED_TIME, "20270101000000Z"),
    (tag::GENERALIZED_TIME, "20500101000000Z"),
    (tag::GENERALIZED_TIME, "99991231235959Z"),
    (tag::GENERALIZED_TIME, "20500101000000.5Z"),
    (tag::GENERALIZED_TIME, "205001010000Z"),
    (tag::GENERALIZED_TIME, "20500101000000"),
    (tag::GENERALIZED_TIME, "19491231235959Z"),
    (tag::GENERALIZED_TIME, "00000101000000Z"),
    (tag::PRINTABLE, "260601120000Z"),
];

fn validity(validity: &mut Node, choices: &mut Choices<'_>) -> &'static str {
    let Some(dates) = validity.children_mut().filter(|dates| !dates.is_empty()) else {
        return "nothing";
    };
    if choices.one_in(8) {
        dates.reverse();
        return "dates in reverse";
    }
    let (tag, text) = choices.pick(&DATES);
    let at = choices.below(dates.len());
    dates[at] = Node::octets(tag, text.as_bytes());
    if at == 0 { "notBefore" } else { "notAfter" }
}

/// Another key, or the same one written in another way.
fn key(field: &mut Node, pki: &Pki, choices: &mut Choices<'_>) -> &'static str {
    match choices.below(6) {
        0 => *field = pki.issuing.spki.clone(),
        1 => *field = pki.root.spki.clone(),
        2 => {
            if let Some(algorithm) = field.children_mut().and_then(|parts| parts.first_mut())
                && let Some(parts) = algorithm.children_mut()
            {
                parts.push(Node::octets(tag::NULL, []));
            }
        }
        3 => {
            if let Some(algorithm) = field.children_mut().and_then(|parts| parts.first_mut())
                && let Some(parts) = algorithm.children_mut()
            {
                parts.truncate(1);
            }
        }
        4 => {
            if let Some(first) = field.at_mut(&[0, 0]) {
                *first = oid(choices.pick(&["1.2.3.4", "1.2.840.113549.1.1.1", "1.3.101.113"]));
            }
        }
        _ => {
            if let Some(Body::Octets(bits)) = field.at_mut(&[1]).map(|node| &mut node.body) {
                let at = choices.below(bits.len().min(40));
                if let Some(octet) = bits.get_mut(at) {
                    *octet ^= 1 << choices.below(8);
                }
            }
        }
    }
    "subjectPublicKeyInfo"
}
