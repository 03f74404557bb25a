//! DER as a tree whose every part can be changed, and written back in ways that DER forbids too.

/// The deepest nesting that is taken apart.
const MAX_DEPTH: usize = 32;

/// A value with its tag, all of one octet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The identifier octet.
    pub tag: u8,
    /// How its length is written.
    pub length: LengthForm,
    /// What it holds.
    pub body: Body,
}

/// How a length is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LengthForm {
    /// As DER wants.
    Shortest,
    /// With an octet more than needed.
    Padded,
    /// Open, ended by two zeros.
    Indefinite,
}

/// What a node holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Octets that are not taken apart.
    Octets(Vec<u8>),
    /// The members of a constructed value.
    Nodes(Vec<Node>),
    /// Values inside an OCTET STRING, or inside a BIT STRING behind its count of unused bits.
    Wrapped(Vec<u8>, Vec<Node>),
}

const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const CONSTRUCTED: u8 = 0x20;

impl Node {
    /// A value of octets.
    #[must_use]
    pub fn octets(tag: u8, octets: impl Into<Vec<u8>>) -> Self {
        Self { tag, length: LengthForm::Shortest, body: Body::Octets(octets.into()) }
    }

    /// A constructed value.
    #[must_use]
    pub fn nodes(tag: u8, nodes: Vec<Self>) -> Self {
        Self { tag, length: LengthForm::Shortest, body: Body::Nodes(nodes) }
    }

    /// An OCTET STRING around a value.
    #[must_use]
    pub fn wrapped(node: Self) -> Self {
        let body = Body::Wrapped(Vec::new(), vec![node]);
        Self { tag: OCTET_STRING, length: LengthForm::Shortest, body }
    }

    /// Takes one value apart; none when it is not DER with tags of one octet, or octets are left.
    #[must_use]
    pub fn parse(der: &[u8]) -> Option<Self> {
        match parse_all(der, 0)?.as_mut_slice() {
            [only] => Some(std::mem::replace(only, Self::octets(0, []))),
            _ => None,
        }
    }

    /// The encoding.
    #[must_use]
    pub fn to_der(&self) -> Vec<u8> {
        let mut content = Vec::new();
        match &self.body {
            Body::Octets(octets) => content.extend_from_slice(octets),
            Body::Nodes(nodes) => nodes.iter().for_each(|node| content.extend(node.to_der())),
            Body::Wrapped(prefix, nodes) => {
                content.extend_from_slice(prefix);
                nodes.iter().for_each(|node| content.extend(node.to_der()));
            }
        }
        let mut out = vec![self.tag];
        match self.length {
            LengthForm::Shortest => push_length(&mut out, content.len(), false),
            LengthForm::Padded => push_length(&mut out, content.len(), true),
            LengthForm::Indefinite => out.push(0x80),
        }
        out.extend(content);
        if self.length == LengthForm::Indefinite {
            out.extend([0, 0]);
        }
        out
    }

    /// What is inside, if it was taken apart.
    #[must_use]
    pub fn children(&self) -> &[Self] {
        match &self.body {
            Body::Octets(_) => &[],
            Body::Nodes(nodes) | Body::Wrapped(_, nodes) => nodes,
        }
    }

    /// What is inside, to be changed; none for plain octets.
    pub fn children_mut(&mut self) -> Option<&mut Vec<Self>> {
        match &mut self.body {
            Body::Octets(_) => None,
            Body::Nodes(nodes) | Body::Wrapped(_, nodes) => Some(nodes),
        }
    }

    /// Where every node below this one stands: the positions on the way to it.
    #[must_use]
    pub fn places(&self) -> Vec<Vec<usize>> {
        let mut places = Vec::new();
        self.collect_places(&mut Vec::new(), &mut places);
        places
    }

    fn collect_places(&self, here: &mut Vec<usize>, places: &mut Vec<Vec<usize>>) {
        for (at, child) in self.children().iter().enumerate() {
            here.push(at);
            places.push(here.clone());
            child.collect_places(here, places);
            here.pop();
        }
    }

    /// The node at a place of [`Self::places`].
    pub fn at_mut(&mut self, place: &[usize]) -> Option<&mut Self> {
        match place.split_first() {
            None => Some(self),
            Some((first, rest)) => self.children_mut()?.get_mut(*first)?.at_mut(rest),
        }
    }

    /// The node at a place of [`Self::places`].
    #[must_use]
    pub fn at(&self, place: &[usize]) -> Option<&Self> {
        match place.split_first() {
            None => Some(self),
            Some((first, rest)) => self.children().get(*first)?.at(rest),
        }
    }
}

fn push_length(out: &mut Vec<u8>, length: usize, padded: bool) {
    if length < 0x80 && !padded {
        out.push(length as u8);
        return;
    }
    let octets = length.to_be_bytes();
    let zeros = octets.iter().take_while(|octet| **octet == 0).count().min(octets.len() - 1);
    let zeros = if padded && length >= 0x80 { zeros - 1 } else { zeros };
    out.push(0x80 | (octets.len() - zeros) as u8);
    out.extend_from_slice(&octets[zeros..]);
}

/// All values of a run of octets; none when it is not a run of whole ones.
fn parse_all(mut octets: &[u8], depth: usize) -> Option<Vec<Node>> {
    let mut nodes = Vec::new();
    while !octets.is_empty() {
        let (tag, content, rest) = split(octets)?;
        nodes.push(Node { tag, length: LengthForm::Shortest, body: body(tag, content, depth)? });
        octets = rest;
    }
    Some(nodes)
}

fn body(tag: u8, content: &[u8], depth: usize) -> Option<Body> {
    if depth >= MAX_DEPTH {
        return Some(Body::Octets(content.to_vec()));
    }
    if tag & CONSTRUCTED != 0 {
        return parse_all(content, depth + 1).map(Body::Nodes);
    }
    let (prefix, inner) = match (tag, content) {
        (OCTET_STRING, inner) => (Vec::new(), inner),
        (BIT_STRING, [0, inner @ ..]) => (vec![0], inner),
        _ => return Some(Body::Octets(content.to_vec())),
    };
    // Keys and identifiers may look like a value by chance; one that holds others is none, nor is one
    // with a length that DER writes in fewer octets: nobody who reads a certificate looks inside.
    match parse_all(inner, depth + 1) {
        Some(nodes) if matches!(&nodes[..], [only] if only.to_der() == inner) => {
            Some(Body::Wrapped(prefix, nodes))
        }
        _ => Some(Body::Octets(content.to_vec())),
    }
}

/// The first value: its tag, its content, and what stands behind it.
pub(crate) fn split(octets: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = octets.split_first().filter(|(tag, _)| **tag & 0x1f != 0x1f)?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81..=0x84 => {
            let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (length.iter().fold(0, |sum, octet| sum << 8 | usize::from(*octet)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;

    #[test]
    fn what_is_taken_apart_is_written_back() {
        for der in [
            &[0x30, 0][..],
            &[0x30, 5, 2, 1, 7, 5, 0],
            &[4, 2, 5, 0],
            &[3, 3, 0, 5, 0],
            &[4, 2, 9, 9],
            &[0x30, 0x81, 0x82, 4, 0x7f]
                .iter()
                .copied()
                .chain([1; 0x7f])
                .chain([0])
                .collect::<Vec<_>>()[..4],
        ] {
            match Node::parse(der) {
                Some(node) => assert_eq!(node.to_der(), der),
                None => assert_eq!(der.len(), 4, "{der:?}"),
            }
        }
        let long = Node::octets(4, vec![9; 300]);
        assert_eq!(Node::parse(&long.to_der()).unwrap(), long);
        assert_eq!(Node::parse(&[5, 0, 5, 0]), None);
        assert_eq!(Node::parse(&[0x1f, 0x81, 0, 0]), None);
    }

    #[test]
    fn other_forms_of_lengths_are_written() {
        let mut node = Node::octets(4, [1, 2]);
        node.length = LengthForm::Padded;
        assert_eq!(node.to_der(), [4, 0x81, 2, 1, 2]);
        node.length = LengthForm::Indefinite;
        assert_eq!(node.to_der(), [4, 0x80, 1, 2, 0, 0]);
        let mut long = Node::octets(4, vec![1; 200]);
        long.length = LengthForm::Padded;
        assert_eq!(long.to_der()[..4], [4, 0x82, 0, 200]);
    }

    #[test]
    fn places_name_every_node_once() {
        let node = Node::parse(&[0x30, 7, 0x30, 3, 2, 1, 1, 5, 0]).unwrap();
        assert_eq!(node.places(), [vec![0], vec![0, 0], vec![1]]);
        assert_eq!(node.at(&[0, 0]).unwrap().tag, 2);
        assert_eq!(node.at(&[3]), None);
    }
}
