//! Looking for a path: from the certificate upwards, depth first, anchors before intermediates.
//!
//! Every link's signature is checked as it is made, so that only certificates that really belong
//! together make a path; the other rules are checked once an anchor is reached.

use super::certificate_rules::check_identifier_of;
use super::distinguished_name::same_name;
use super::link::{self, Link};
use super::outcome::{Check, Fault, Outcome, PathError, Reason, Step, name_label};
use super::walk::{Element, walk};
use super::{MAX_PATH_LENGTH, MAX_SIGNATURE_CHECKS, Options};
use crate::certificate::Certificate;

/// Failed paths that are told besides the most relevant one.
const OTHER_ERRORS: usize = 8;

/// Failed paths that are kept, so that a large pool does not fill the memory.
const KEPT_FAILURES: usize = OTHER_ERRORS + 1;

pub(super) struct Search<'a> {
    intermediates: &'a [Certificate],
    anchors: &'a [Certificate],
    options: &'a Options,
    checks_left: usize,
    /// Comparisons of names with constraints so far, in all paths.
    comparisons: usize,
    /// Failed attempts so far.
    tried: usize,
    /// The most relevant ones of them.
    failures: Vec<Failure>,
}

/// A path that was tried in vain. The more relevant one is greater.
struct Failure {
    rank: Rank,
    steps: Vec<Step>,
    error: PathError,
}

/// A path that reached an anchor tells more than one that did not; then the one that got further
/// does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// Ended below an anchor, after so many certificates.
    Incomplete(usize, Cause),
    /// Refused after an anchor was reached.
    Complete { closeness: usize, steps: usize },
    /// The bound on work was hit: nothing is known of the paths that were not tried.
    GaveUp,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Cause {
    NoIssuer,
    OtherKey,
    Signature,
    TooDeep,
}

/// The path so far, the certificate that was asked for first, with the links made below.
type Path<'a> = Vec<Element<'a>>;

/// A search ends with a path, or when the bound on work is hit.
enum Found {
    Path(Vec<Step>),
    GaveUp,
}

impl<'a> Search<'a> {
    pub(super) fn new(
        intermediates: &'a [Certificate],
        anchors: &'a [Certificate],
        options: &'a Options,
    ) -> Self {
        let checks_left = MAX_SIGNATURE_CHECKS;
        let (comparisons, tried, failures) = (0, 0, Vec::new());
        Self { intermediates, anchors, options, checks_left, comparisons, tried, failures }
    }

    pub(super) fn run(mut self, leaf: &'a Certificate) -> Outcome {
        let found = match self.anchors.contains(leaf) {
            true => self.trusted_itself(leaf),
            false => self.extend(&mut vec![Element { certificate: leaf, link: None }]),
        };
        match found {
            Some(Found::Path(steps)) => self.outcome(steps, Vec::new()),
            _ => {
                let mut failures = std::mem::take(&mut self.failures);
                let steps = failures.first_mut().map(|best| std::mem::take(&mut best.steps));
                let errors = failures.into_iter().map(|failure| failure.error).collect();
                self.outcome(steps.unwrap_or_default(), errors)
            }
        }
    }

    fn outcome(&self, steps: Vec<Step>, errors: Vec<PathError>) -> Outcome {
        let mut errors = errors.into_iter();
        let error = errors.next();
        Outcome {
            valid: error.is_none(),
            policy: self.options.policy,
            at: self.options.at.to_string(),
            steps,
            error,
            other_errors: errors.collect(),
        }
    }

    /// The certificate is an anchor. When it is self-signed, that signature must be right. A
    /// self-issued one that its own key did not sign (RFC 5280 section 3.2: a CA's new key, signed
    /// by its old one) may have another anchor above it.
    fn trusted_itself(&mut self, leaf: &'a Certificate) -> Option<Found> {
        let link = if leaf.is_self_issued() {
            match self.check_link(leaf, leaf) {
                Ok(link) => Some(link),
                Err((check, fault)) => {
                    let rank = Rank::Incomplete(0, Cause::Signature);
                    self.fail(&[], leaf, check, fault, rank);
                    return self.extend(&mut vec![Element { certificate: leaf, link: None }]);
                }
            }
        } else {
            None
        };
        self.finish(&[Element { certificate: leaf, link }])
    }

    /// Tries every issuer of the last certificate of `path`.
    fn extend(&mut self, path: &mut Path<'a>) -> Option<Found> {
        // A path always holds at least the certificate that was asked for.
        let last = path.last().expect("a path is never empty").certificate;
        let (anchors, intermediates) = (self.anchors, self.intermediates);
        // Whether it signed itself was seen before anything else.
        let issues =
            |issuer: &&Certificate| *issuer != last && same_name(issuer.subject(), last.issuer());
        let before = self.tried;
        for anchor in anchors.iter().filter(issues) {
            if let Some(found) = self.try_issuer(path, last, anchor, true) {
                return Some(found);
            }
        }
        let mut circles = false;
        for issuer in intermediates.iter().filter(issues) {
            if is_in_path(path, issuer) {
                circles = true;
                continue;
            }
            if anchors.contains(issuer) {
                continue;
            }
            if let Some(found) = self.try_issuer(path, last, issuer, false) {
                return Some(found);
            }
        }
        // Of an anchor that did not sign itself, that is told already.
        if self.tried == before && !anchors.contains(last) {
            let issuer = name_label(last.issuer());
            let found = match (last.is_self_issued(), circles) {
                (true, _) => format!("{issuer} itself, which is not a trust anchor"),
                (false, true) => format!("issuer {issuer}, which only leads in circles"),
                (false, false) => format!("issuer {issuer}, which is not at hand"),
            };
            let allowed = "an issuer among the trust anchors or the intermediates";
            let fault = Fault::new(Reason::NoIssuer, "issuer", found, allowed);
            let rank = Rank::Incomplete(path.len(), Cause::NoIssuer);
            self.fail(path, last, Check::Issuer, fault, rank);
        }
        None
    }

    fn try_issuer(
        &mut self,
        path: &mut Path<'a>,
        last: &'a Certificate,
        issuer: &'a Certificate,
        is_anchor: bool,
    ) -> Option<Found> {
        if let Err(fault) = check_identifier_of(last, issuer) {
            let rank = Rank::Incomplete(path.len(), Cause::OtherKey);
            self.fail(path, last, Check::Issuer, fault, rank);
            return None;
        }
        if !is_anchor && self.is_too_deep(path, issuer) {
            let rank = Rank::Incomplete(path.len(), Cause::TooDeep);
            self.fail(path, last, Check::Issuer, self.too_deep(), rank);
            return None;
        }
        let link = match self.check_link(last, issuer) {
            Ok(link) => link,
            Err((check, fault)) if fault.reason == Reason::TooMuchWork => {
                self.fail(path, last, check, fault, Rank::GaveUp);
                return Some(Found::GaveUp);
            }
            Err((check, fault)) => {
                let rank = Rank::Incomplete(path.len(), Cause::Signature);
                self.fail(path, last, check, fault, rank);
                return None;
            }
        };
        // The link belongs to the certificate that was signed.
        if let Some(element) = path.last_mut() {
            element.link = Some(link);
        }
        path.push(Element { certificate: issuer, link: None });
        let found = if is_anchor { self.finish_upwards(path) } else { self.extend(path) };
        path.pop();
        found
    }

    fn check_link(
        &mut self,
        certificate: &Certificate,
        issuer: &Certificate,
    ) -> Result<Link, (Check, Fault)> {
        let alternative = certificate.extensions().alt_signature_value().is_some();
        let cost = 1 + usize::from(alternative);
        let Some(left) = self.checks_left.checked_sub(cost) else {
            let found = "more certificates that may have issued each other than the bound";
            let allowed = format!("at most {MAX_SIGNATURE_CHECKS} signature checks");
            let fault = Fault::new(Reason::TooMuchWork, "intermediates", found, allowed);
            return Err((Check::Issuer, fault));
        };
        self.checks_left = left;
        link::check(certificate, issuer)
    }

    fn finish_upwards(&mut self, path: &Path<'a>) -> Option<Found> {
        let downwards: Vec<_> = path
            .iter()
            .rev()
            .map(|element| Element { certificate: element.certificate, link: element.link.clone() })
            .collect();
        self.finish(&downwards)
    }

    /// Validates a path that starts with an anchor.
    fn finish(&mut self, path: &[Element<'a>]) -> Option<Found> {
        match walk(path, self.options, &mut self.comparisons) {
            Ok(steps) => Some(Found::Path(steps)),
            Err(refusal) if refusal.fault.reason == Reason::TooMuchWork => {
                let super::walk::Refusal { steps, certificate, fault, .. } = *refusal;
                let rank = Rank::GaveUp;
                self.keep(rank, || Failure { rank, steps, error: fault.of(certificate) });
                Some(Found::GaveUp)
            }
            Err(refusal) => {
                let rank = Rank::Complete {
                    closeness: MAX_PATH_LENGTH.saturating_sub(refusal.distance),
                    steps: refusal.steps.len(),
                };
                let super::walk::Refusal { steps, certificate, fault, .. } = *refusal;
                self.keep(rank, || Failure { rank, steps, error: fault.of(certificate) });
                None
            }
        }
    }

    fn fail(
        &mut self,
        path: &[Element<'a>],
        certificate: &Certificate,
        check: Check,
        fault: Fault,
        rank: Rank,
    ) {
        self.keep(rank, || {
            // The last one's link, if any, is by an issuer that was tried before.
            let below = path.iter().filter(|one| !std::ptr::eq(one.certificate, certificate));
            let links = below.filter_map(|one| Some((one.certificate, one.link.as_ref()?)));
            let mut steps: Vec<Step> =
                links.flat_map(|(certificate, link)| link.steps(certificate)).collect();
            steps.push(Step::failed(certificate, check, &fault));
            Failure { rank, steps, error: fault.of(certificate) }
        });
    }

    /// Keeps a failure if it is among the most relevant ones.
    fn keep(&mut self, rank: Rank, failure: impl FnOnce() -> Failure) {
        self.tried += 1;
        let place = self.failures.partition_point(|kept| kept.rank >= rank);
        if place < KEPT_FAILURES {
            self.failures.insert(place, failure());
            self.failures.truncate(KEPT_FAILURES);
        }
    }

    fn is_too_deep(&self, path: &Path<'_>, next: &Certificate) -> bool {
        let above_leaf = path.iter().skip(1).map(|element| element.certificate);
        let counted =
            above_leaf.chain([next]).filter(|certificate| !certificate.is_self_issued()).count();
        // One place is kept for the anchor.
        counted > self.options.max_depth || path.len() + 2 > MAX_PATH_LENGTH
    }

    fn too_deep(&self) -> Fault {
        let found = format!("more than {} intermediates", self.options.max_depth);
        let allowed = format!(
            "at most {} intermediates and {MAX_PATH_LENGTH} certificates in all",
            self.options.max_depth
        );
        Fault::new(Reason::TooDeep, "path", found, allowed)
    }
}

/// Whether the same CA (name and key) stands in the path: going there again leads in circles.
fn is_in_path(path: &Path<'_>, issuer: &Certificate) -> bool {
    path.iter().any(|element| {
        element.certificate.public_key() == issuer.public_key()
            && same_name(element.certificate.subject(), issuer.subject())
    })
}
