//! What is asked for, checked step by step, and carried out.

use std::mem;
use std::sync::Arc;

use ca_core::csr::CertificateRequest;
use ca_core::pem;
use ca_core::plan::Request;
use ca_core::profile::Profile;
use ca_core::serial::SerialNumber;
use jiff::Timestamp;
use ledger::{Entry, Status};
use tracing::Instrument as _;
use zeroize::Zeroize as _;

use super::evidence::Evidence;
use crate::auth::{Asked, Caller, Role};
use crate::authority::Authority;
use crate::issuance::{self, Asker, IssueError, Issued, Prepared};
use crate::renewal;
use crate::server::body::shortened;
use crate::server::idempotency;
use crate::server::metrics::Outcome;
use crate::server::problem::{INVALID_FIELD, Refusal, internal};
use crate::server::signing::{OnThreads, Slot};
use crate::server::state::App;

/// Seconds of a day.
const DAY: u64 = 86_400;
/// The longest validity that may be asked for, in days; profiles allow less.
const MOST_DAYS: u64 = 36_500;
/// The profile of a request that names none.
const DEFAULT_PROFILE: &str = "tls-server";

/// What the certificate is made of.
#[derive(Debug)]
pub(super) enum Wish {
    /// A certification request.
    Csr(Vec<u8>),
    /// A certificate that exists, for its key or that of a certification request.
    Renewal {
        /// Its entry.
        entry: Box<Entry>,
        /// The certification request.
        csr: Option<Vec<u8>>,
    },
}

/// A request whose authority and profile are known and allowed.
#[derive(Debug)]
pub(super) struct Order {
    authority: Arc<Authority>,
    profile: Arc<Profile>,
    validity_seconds: Option<u64>,
    wish: Wish,
}

impl Order {
    /// Finds the authority and the profile, where the caller may use them.
    pub(super) fn of(
        app: &App,
        caller: &Caller,
        (authority, profile): (Option<String>, Option<String>),
        validity_seconds: Option<u64>,
        wish: Wish,
    ) -> Result<Self, Refusal> {
        let signing: Vec<&Arc<Authority>> =
            app.authorities().values().filter_map(|one| one.signs.as_ref()).collect();
        let known = signing.iter().map(|one| one.name()).collect::<Vec<_>>().join(", ");
        let authority = match (authority, &signing[..]) {
            (Some(name), _) => name,
            (None, [only]) => only.name().to_owned(),
            (None, _) => return Err(unknown("authority", "none", &known)),
        };
        let profile = profile.unwrap_or_else(|| DEFAULT_PROFILE.to_owned());
        // Who may not is told so before it is told what there is.
        caller.may_act(Role::Requester, &authority, &profile)?;
        let found = signing.into_iter().find(|one| one.name() == authority);
        let authority = found.ok_or_else(|| unknown("authority", &authority, &known))?;
        let profiles = app.profiles();
        let profile = profiles.get(&profile).ok_or_else(|| {
            let known: Vec<&str> = profiles.keys().map(String::as_str).collect();
            unknown("profile", &profile, &known.join(", "))
        })?;
        Ok(Self {
            authority: Arc::clone(authority),
            profile: Arc::clone(profile),
            validity_seconds,
            wish,
        })
    }

    /// The idempotency key with the digest of everything that decides on the certificate.
    pub(super) fn asker(&self, caller: &Caller, key: Option<String>) -> Asker {
        let idempotency = key.map(|key| {
            let validity = self.validity_seconds.unwrap_or_default().to_be_bytes();
            let (what, csr) = match &self.wish {
                Wish::Csr(csr) => ("issue".to_owned(), csr.as_slice()),
                Wish::Renewal { entry, csr } => {
                    (format!("renew {}", entry.serial()), csr.as_deref().unwrap_or_default())
                }
            };
            let (authority, profile) = (self.authority.name(), self.profile.name());
            let parts: [&[u8]; 5] =
                [what.as_bytes(), csr, authority.as_bytes(), profile.as_bytes(), &validity];
            idempotency::named(key, &parts)
        });
        Asker { requester: caller.name().to_owned(), idempotency }
    }

    /// The authority that would sign.
    pub(super) fn authority(&self) -> &Arc<Authority> {
        &self.authority
    }

    /// Checks, plans and lints on a signing thread. Nothing is recorded. Where the request rests on
    /// what the ledger knows, that is read in between.
    pub(super) async fn prepare(
        self,
        app: &App,
        caller: Arc<Caller>,
        slot: &Slot,
    ) -> Result<Prepared, Refusal> {
        let (serial, now) = (app.serial(), app.now());
        let check = Check { caller, serial, now };
        let again = check.clone();
        let begun = slot.run(move || self.begin(&check)).await??;
        match begun {
            Begun::Prepared(prepared) => Ok(*prepared),
            Begun::Asks(asks) => {
                let (order, csr) = *asks;
                let evidence = Evidence::gather(app, &csr, &order.profile).await?;
                slot.run(move || order.judged(Some(&csr), &evidence, &again)).await?
            }
        }
    }

    /// Reads the certification request, and goes on where nothing else is needed.
    fn begin(mut self, check: &Check) -> Result<Begun, Refusal> {
        let csr = self.wish.take_csr().map(read_csr).transpose()?;
        match csr {
            Some(csr) if Evidence::is_needed(&csr, &self.profile) => {
                Ok(Begun::Asks(Box::new((self, csr))))
            }
            csr => {
                let prepared = self.judged(csr.as_ref(), &Evidence::default(), check)?;
                Ok(Begun::Prepared(Box::new(prepared)))
            }
        }
    }

    fn judged(
        self,
        csr: Option<&CertificateRequest>,
        evidence: &Evidence,
        check: &Check,
    ) -> Result<Prepared, Refusal> {
        let (mut request, mut notes) = requested(self.wish, csr, evidence, check.now)?;
        request.validity_seconds = self.validity_seconds;
        let (authority, profile) = (&self.authority, &self.profile);
        let mut prepared = issuance::prepare(authority, profile, request, check.serial, check.now)?;
        prepared.note(&mut notes);
        check.caller.may_issue(Asked {
            authority: authority.name(),
            profile: profile.name(),
            subject: prepared.subject(),
            names: prepared.names(),
        })?;
        Ok(prepared)
    }

    /// Gives the answer of the first time, or prepares, records, signs, stores and releases.
    pub(super) async fn carry_out(
        self,
        app: &App,
        caller: Arc<Caller>,
        asker: Asker,
    ) -> Result<Issued, Refusal> {
        let (authority, profile) = (Arc::clone(&self.authority), Arc::clone(&self.profile));
        let result = self.issued(app, caller, asker).await;
        let (outcome, algorithm) = match &result {
            Ok(issued) if issued.is_repeated() => {
                (Outcome::Replayed, issued.record().content.algorithm.as_str())
            }
            Ok(issued) => (Outcome::Issued, issued.record().content.algorithm.as_str()),
            Err(refusal) if refusal.kind().status < 500 => (Outcome::Refused, ""),
            Err(_) => (Outcome::Failed, ""),
        };
        app.metrics().issuance(authority.name(), profile.name(), algorithm, outcome);
        result
    }

    async fn issued(self, app: &App, caller: Arc<Caller>, asker: Asker) -> Result<Issued, Refusal> {
        let ledger = app.ledger();
        if let Some(issued) = idempotency::answered(app, &asker).await? {
            return Ok(issued);
        }
        let slot = app.signing().enter()?;
        let authority = Arc::clone(&self.authority);
        let started = std::time::Instant::now();
        let preparing = self.prepare(app, caller, &slot);
        let prepared = preparing.instrument(tracing::info_span!("ca.plan")).await?;
        app.metrics().step(issuance::Step::Prepare, started.elapsed());
        let signatory = OnThreads::new(authority, slot, app.metrics().clone());
        let completed = {
            let _entered = app.under_way().enter(&asker);
            issuance::complete(ledger, signatory, prepared, asker.clone(), app.clock()).await
        };
        match completed {
            // The same request was faster, and is being signed.
            Err(error @ IssueError::NotRepeatable { status: Status::Orphan, .. }) => {
                let answer = idempotency::answered(app, &asker).await?;
                answer.ok_or_else(|| error.into())
            }
            result => Ok(result?),
        }
    }
}

/// By whom, when, and under which serial number.
#[derive(Clone)]
struct Check {
    caller: Arc<Caller>,
    serial: SerialNumber,
    now: Timestamp,
}

/// How far a request is judged.
enum Begun {
    /// To the end.
    Prepared(Box<Prepared>),
    /// It rests on what the ledger knows.
    Asks(Box<(Order, CertificateRequest)>),
}

impl Wish {
    /// The octets of the certification request, which are read once.
    fn take_csr(&mut self) -> Option<Vec<u8>> {
        match self {
            Self::Csr(octets) => Some(mem::take(octets)),
            Self::Renewal { csr, .. } => csr.take(),
        }
    }
}

/// What is asked for, with the proof of possession checked.
fn requested(
    wish: Wish,
    csr: Option<&CertificateRequest>,
    evidence: &Evidence,
    now: Timestamp,
) -> Result<(Request, Vec<String>), Refusal> {
    match (wish, csr) {
        (Wish::Csr(_), None) => Err(internal().with_cause("a wish without its request")),
        (Wish::Csr(_), Some(csr)) => {
            let proven = evidence.proven(csr, now)?;
            let related = evidence.relation(proven.clone(), now)?;
            let mut request = Request::from_csr(proven);
            request.related = related;
            Ok((request, Vec::new()))
        }
        (Wish::Renewal { entry, .. }, csr) => {
            let certificate = renewal::renewable(&entry, jiff::SignedDuration::ZERO, now)?;
            let mut notes = Vec::new();
            let mut request = Request::renewal(&certificate).map_err(IssueError::from)?;
            if certificate.extensions().related().is_some() {
                notes.push(renewal::BINDING_DROPPED.to_owned());
            }
            if let Some(csr) = csr {
                let proven = evidence.proven(csr, now)?;
                let (changed, note) = renewal::with_new_key(request, &proven)?;
                request = changed;
                notes.extend(note.map(str::to_owned));
            }
            Ok((request, notes))
        }
    }
}

fn read_csr(mut octets: Vec<u8>) -> Result<CertificateRequest, Refusal> {
    let csr = pem::read_one_request(&octets);
    // A file with a private key beside the request is refused, and not kept.
    octets.zeroize();
    Ok(csr?)
}

/// The validity that is asked for, in seconds.
pub(super) fn validity(days: Option<u64>, seconds: Option<u64>) -> Result<Option<u64>, Refusal> {
    let in_bounds = |field: &str, found: u64, most: u64| {
        if (1..=most).contains(&found) {
            return Ok(found);
        }
        let detail = format!("{field}: found {found}, allowed: 1 to {most}");
        Err(Refusal::new(INVALID_FIELD, detail))
    };
    match (days, seconds) {
        (None, None) => Ok(None),
        (Some(days), None) => Ok(Some(in_bounds("validity_days", days, MOST_DAYS)? * DAY)),
        (None, Some(seconds)) => in_bounds("validity_seconds", seconds, MOST_DAYS * DAY).map(Some),
        (Some(_), Some(_)) => Err(Refusal::new(
            INVALID_FIELD,
            "validity_seconds: found validity_days as well, allowed is one of the two",
        )),
    }
}

fn unknown(field: &str, found: &str, allowed: &str) -> Refusal {
    let found = shortened(found);
    Refusal::new(INVALID_FIELD, format!("{field}: found \"{found}\", allowed: {allowed}"))
}
