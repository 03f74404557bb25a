//! Changes that know nothing but DER.

use crate::choices::Choices;
use crate::parts::tag;
use crate::tree::{Body, LengthForm, Node};

/// Tags that a value may get.
const TAGS: [u8; 20] = [
    tag::BOOLEAN,
    tag::INTEGER,
    tag::BIT_STRING,
    tag::OCTET_STRING,
    tag::NULL,
    tag::OID,
    tag::ENUMERATED,
    tag::UTF8,
    tag::PRINTABLE,
    tag::TELETEX,
    tag::IA5,
    tag::UTC_TIME,
    tag::GENERALIZED_TIME,
    tag::BMP,
    tag::SEQUENCE,
    tag::SET,
    0x80,
    0x82,
    0xa0,
    0xa3,
];

/// Contents that are short and odd.
const CONTENTS: [&[u8]; 10] = [
    &[],
    &[0],
    &[1],
    &[0x80],
    &[0xff],
    &[0, 1],
    &[0xff, 0xff],
    &[0, 0x80],
    b"20260101000000Z",
    b"991231235959Z",
];

/// Changes one node anywhere below `root`.
pub(super) fn mutate(root: &mut Node, choices: &mut Choices<'_>) -> &'static str {
    let places = root.places();
    if places.is_empty() {
        return "nothing";
    }
    let place = places[choices.below(places.len())].clone();
    let (parent, at) = (&place[..place.len() - 1], place[place.len() - 1]);
    match choices.below(10) {
        0..=2 => {
            with(root, &place, |node| change_content(node, choices));
            "content"
        }
        3 => {
            with(root, &place, |node| node.tag = new_tag(node.tag, choices));
            "tag"
        }
        4 => {
            siblings(root, parent, |nodes| drop(nodes.remove(at)));
            "left out"
        }
        5 => {
            siblings(root, parent, |nodes| nodes.insert(at, nodes[at].clone()));
            "doubled"
        }
        6 => {
            siblings(root, parent, |nodes| {
                let other = choices.below(nodes.len());
                nodes.swap(at, other);
            });
            "swapped"
        }
        7 => {
            let from = root.at(&places[choices.below(places.len())]).cloned();
            with(root, &place, |node| *node = from.unwrap_or_else(|| node.clone()));
            "copied from elsewhere"
        }
        8 => {
            with(root, &place, |node| node.length = length_form(choices));
            "length"
        }
        _ => {
            siblings(root, parent, |nodes| {
                let octets = choices.pick(&CONTENTS).to_vec();
                nodes.insert(at, Node::octets(choices.pick(&TAGS), octets));
            });
            "put in"
        }
    }
}

/// Another way to write a length.
pub(super) fn length_form(choices: &mut Choices<'_>) -> LengthForm {
    if choices.one_in(2) { LengthForm::Indefinite } else { LengthForm::Padded }
}

fn with(root: &mut Node, place: &[usize], change: impl FnOnce(&mut Node)) {
    if let Some(node) = root.at_mut(place) {
        change(node);
    }
}

fn siblings(root: &mut Node, parent: &[usize], change: impl FnOnce(&mut Vec<Node>)) {
    if let Some(nodes) = root.at_mut(parent).and_then(Node::children_mut) {
        change(nodes);
    }
}

fn new_tag(old: u8, choices: &mut Choices<'_>) -> u8 {
    match choices.below(3) {
        0 => old ^ (1 << choices.below(8)),
        _ => choices.pick(&TAGS),
    }
}

/// Changes what a node holds; one that holds others becomes one of octets.
fn change_content(node: &mut Node, choices: &mut Choices<'_>) {
    let mut octets = match &node.body {
        Body::Octets(octets) => octets.clone(),
        Body::Nodes(_) | Body::Wrapped(..) if choices.one_in(2) => return reorder(node, choices),
        Body::Nodes(nodes) | Body::Wrapped(_, nodes) => {
            nodes.iter().flat_map(Node::to_der).collect()
        }
    };
    match choices.below(6) {
        0 | 1 if !octets.is_empty() => {
            let at = choices.below(octets.len());
            octets[at] ^= 1 << choices.below(8);
        }
        2 => octets = choices.pick(&CONTENTS).to_vec(),
        3 => octets.truncate(choices.below(octets.len())),
        4 => octets.insert(0, choices.pick(&[0, 0xff, 0x80])),
        _ => octets.push(choices.octet()),
    }
    node.body = Body::Octets(octets);
}

fn reorder(node: &mut Node, choices: &mut Choices<'_>) {
    if let Some(nodes) = node.children_mut() {
        match choices.below(3) {
            0 => nodes.clear(),
            1 => nodes.reverse(),
            _ => {
                let first = choices.below(nodes.len());
                nodes.rotate_left(first);
            }
        }
    }
}
