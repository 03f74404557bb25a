//! Mutated certificates judged by us and by OpenSSL, and every difference explained.
//!
//! A batch is made from a seed: one family, one set of options, certificates mutated by
//! `fuzzing::mutation`. OpenSSL judges a whole batch in one run of `openssl verify`. Where the two
//! differ, one of [`CLASSES`] must say why, by looking at both verdicts and at the certificate; the
//! rest is unexplained, and a failure. See ADR 0060.

mod batch;
mod classes;
mod theirs;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use ca_core::certificate::CertificateError;
use ca_core::path::PathError;

pub use classes::{CLASSES, Class};
pub use theirs::Theirs;

use crate::openssl::OpenSsl;

/// Certificates of one run of OpenSSL.
const BATCH: usize = 250;
/// Unexplained differences that are kept to be shown.
const SHOWN: usize = 2000;

/// Our verdict.
#[derive(Debug, Clone)]
pub enum Ours {
    /// A valid path.
    Accepts,
    /// No certificate, or none that may be one.
    Unreadable(CertificateError),
    /// No valid path.
    Refuses(PathError),
}

/// A certificate and both verdicts.
#[derive(Debug, Clone)]
pub struct Case {
    /// The family of the keys.
    pub family: &'static str,
    /// The certificate that was mutated.
    pub der: Vec<u8>,
    /// Whether it stands between the root and a leaf that was not mutated.
    pub between: bool,
    /// Whether a server's name and usage were asked for.
    pub as_server: bool,
    /// What was done to it.
    pub changes: Vec<&'static str>,
    /// Our verdict.
    pub ours: Ours,
    /// OpenSSL's.
    pub theirs: Theirs,
}

impl Case {
    /// Whether one accepts what the other refuses.
    #[must_use]
    pub fn differs(&self) -> bool {
        matches!(self.ours, Ours::Accepts) != matches!(self.theirs, Theirs::Accepts)
    }

    /// Both verdicts without what is peculiar to this certificate, so that cases can be counted.
    #[must_use]
    pub fn kind(&self) -> String {
        let ours = match &self.ours {
            Ours::Accepts => "accepted".to_owned(),
            Ours::Unreadable(error) => {
                let text = format!("not read: {error}");
                text.split(" at DER byte").next().unwrap_or_default().to_owned()
            }
            Ours::Refuses(error) => {
                format!("{:?}: {}: allowed: {}", error.reason, error.field, error.allowed)
            }
        };
        let theirs = match &self.theirs {
            Theirs::Refuses(errors) => {
                format!("{:?}", errors.iter().map(|(error, _)| error).collect::<Vec<_>>())
            }
            other => format!("{other:?}"),
        };
        format!("{ours} | openssl: {theirs}")
    }

    /// Both verdicts in a line.
    #[must_use]
    pub fn verdicts(&self) -> String {
        let ours = match &self.ours {
            Ours::Accepts => "accepted".to_owned(),
            Ours::Unreadable(error) => format!("not read: {error}"),
            Ours::Refuses(error) => format!("{:?}: {error}", error.reason),
        };
        format!("ours: {ours} | openssl: {:?}", self.theirs)
    }
}

/// What came of all cases.
#[derive(Debug, Default)]
pub struct Tally {
    /// Certificates that were judged.
    pub judged: usize,
    /// That both accept.
    pub both_accept: usize,
    /// That both refuse.
    pub both_refuse: usize,
    /// Differences by the class that explains them.
    pub explained: BTreeMap<&'static str, usize>,
    /// Differences that no class explains.
    pub unexplained: usize,
    /// The first of them.
    pub shown: Vec<Case>,
}

impl Tally {
    fn add(&mut self, case: Case) {
        self.judged += 1;
        if !case.differs() {
            match case.ours {
                Ours::Accepts => self.both_accept += 1,
                Ours::Unreadable(_) | Ours::Refuses(_) => self.both_refuse += 1,
            }
            return;
        }
        match CLASSES.iter().find(|class| (class.explains)(&case)) {
            Some(class) => *self.explained.entry(class.name).or_default() += 1,
            None => {
                self.unexplained += 1;
                if self.shown.len() < SHOWN {
                    self.shown.push(case);
                }
            }
        }
    }
}

/// Judges `count` certificates made from `seed`, by two processes of OpenSSL at a time; none when
/// OpenSSL is not installed.
///
/// # Panics
/// When OpenSSL can't be run, or gives no verdict on a certificate.
#[must_use]
pub fn run(count: usize, seed: u64) -> Option<Tally> {
    let workers = [OpenSsl::present()?, OpenSsl::present()?];
    let tally = Mutex::new(Tally::default());
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for openssl in &workers {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let left = count.saturating_sub(number * BATCH);
                    if left == 0 {
                        return;
                    }
                    let cases = batch::judged(openssl, seed, number, left.min(BATCH));
                    let mut tally = tally.lock().expect("no other thread panicked");
                    cases.into_iter().for_each(|case| tally.add(case));
                }
            });
        }
    });
    Some(tally.into_inner().expect("no thread panicked"))
}
