//! What a controller is about to do with an object, as data.

use std::time::Duration;

use crate::signing::Signed;

/// What shall be done with an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan<P> {
    /// What its status shall say of ours; none where it says so already.
    pub patch: Option<P>,
    /// What people are told.
    pub notice: Option<Notice>,
    /// When it is looked at again; none until it changes.
    pub again: Option<Duration>,
    /// How it is counted.
    pub outcome: Outcome,
}

/// What became of one look at an object, as metrics count it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// A certificate was issued.
    Issued,
    /// It waits for its issuer.
    WaitingForIssuer,
    /// It is tried again.
    Retried,
    /// It failed for good, by its own fault.
    BadRequest,
    /// It failed for good, by the server's rules.
    Refused,
    /// It failed for good, as it was tried for too long.
    GaveUp,
    /// An approver had denied it.
    Denied,
}

impl Outcome {
    /// Every one.
    pub const ALL: [Self; 7] = [
        Self::Issued,
        Self::WaitingForIssuer,
        Self::Retried,
        Self::BadRequest,
        Self::Refused,
        Self::GaveUp,
        Self::Denied,
    ];

    /// Its name in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::WaitingForIssuer => "waiting-for-issuer",
            Self::Retried => "retried",
            Self::BadRequest => "bad-request",
            Self::Refused => "refused",
            Self::GaveUp => "gave-up",
            Self::Denied => "denied",
        }
    }
}

/// An event for people (events.k8s.io/v1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Whether someone should have a look.
    pub warning: bool,
    /// What happened, in a word.
    pub reason: &'static str,
    /// What happened.
    pub note: String,
    /// Whether it says no more than the object itself, so that others may be told first.
    pub can_wait: bool,
}

impl Notice {
    /// The longest note that the API server takes is 1,024 octets.
    const MOST: usize = 1000;

    /// Nothing to worry about.
    #[must_use]
    pub fn normal(reason: &'static str, note: &str) -> Self {
        Self { warning: false, reason, note: shortened(note, Self::MOST), can_wait: false }
    }

    /// Someone should have a look.
    #[must_use]
    pub fn warning(reason: &'static str, note: &str) -> Self {
        Self { warning: true, reason, note: shortened(note, Self::MOST), can_wait: false }
    }

    /// A certificate was issued. It can wait unless the certificate is otherwise than asked for: of a
    /// `CertificateSigningRequest` nothing but the event tells that.
    #[must_use]
    pub fn issued(signed: &Signed) -> Self {
        let can_wait = signed.notes.is_empty();
        Self { can_wait, ..Self::normal("Issued", &signed.words()) }
    }
}

/// The start of a text, at most this many octets.
fn shortened(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let end = (0..=most - 3).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    format!("{}…", &text[..end])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use ca_core::algorithm::Algorithm;
    use interop::issue::{Authority, LEAF_NAME, Role, SigningKey, request_for};

    use super::*;

    #[test]
    fn that_a_certificate_is_otherwise_than_asked_for_does_not_wait() {
        let algorithm = Algorithm::named("p256").unwrap();
        let key = SigningKey::of(algorithm, Role::Leaf);
        let wanted = request_for("CN=leaf.test", &[&format!("DNS:{LEAF_NAME}")], &key, None);
        let leaf = Authority::root(algorithm, None).issue("tls-server", wanted);
        let signed = |notes: &[&str]| Signed {
            serial: "07".to_owned(),
            chain: String::new(),
            root: String::new(),
            notes: notes.iter().map(|note| (*note).to_owned()).collect(),
            certificate: Box::new(leaf.clone()),
        };
        let plain = Notice::issued(&signed(&[]));
        assert_eq!((plain.note.as_str(), plain.can_wait), ("certificate 07 issued", true));
        let other = Notice::issued(&signed(&["shorter", "no keyEncipherment"]));
        let words = "certificate 07 issued, otherwise than asked for: shorter; no keyEncipherment";
        assert_eq!((other.note.as_str(), other.can_wait), (words, false));
    }

    #[test]
    fn notes_are_cut_between_characters() {
        assert_eq!(Notice::normal("Issued", "short").note, "short");
        let long = Notice::warning("PermanentError", &"ä".repeat(600)).note;
        assert!(long.len() <= 1000 && long.ends_with('…'), "{}", long.len());
    }
}
