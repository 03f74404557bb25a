//! Making revocation lists: when one is due, and at once after a revocation. Of several servers on
//! one data folder one makes it, the others find it there.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use ca_core::general_name::AbsoluteUri;
use jiff::{SignedDuration, Timestamp};
use ledger::{CrlKind, Ledger, NewCrl};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::series::Series;
use super::{Public, lease};
use crate::authority::Authority;
use crate::cli::{CliError, Exit, Terminal};
use crate::crl_making;
use crate::data_folder::DataFolder;
use crate::issuance::Clock;
use crate::output::{Content, Target};
use crate::server::signing::STACK;

/// How often files and ledger are looked at.
const PERIOD: Duration = Duration::from_secs(1);
/// How long is waited after a failure.
const PAUSE: Duration = Duration::from_secs(30);
/// How far the clocks of servers may be from each other.
pub const CLOCKS_APART: SignedDuration = SignedDuration::from_secs(60);
/// Making lists after revocations takes at most one in so many parts of the time.
const REST: u32 = 10;

/// Whether a list that says when it was made is ahead of our clock by so much that one of the two
/// clocks is wrong.
pub fn is_ahead(this_update: Timestamp, now: Timestamp) -> bool {
    this_update.checked_sub(CLOCKS_APART).is_ok_and(|earliest| earliest > now)
}

/// Makes lists until the token is cancelled. One that is being made is finished.
pub(super) async fn keep_lists(public: &Public, stop: &CancellationToken) {
    let holder = public.app.request_id().to_string();
    let mut due = interval(PERIOD);
    due.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // No list is looked at before its instant.
    let mut quiet: HashMap<&str, Instant> = HashMap::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = due.tick() => {}
        }
        for series in &public.series {
            let name = series.name.as_str();
            let resting = quiet.get(name).is_some_and(|until| Instant::now() < *until);
            if stop.is_cancelled() || resting {
                continue;
            }
            let started = Instant::now();
            let wait = match keep_list(public, series, &holder).await {
                Ok(false) => continue,
                Ok(true) => started.elapsed() * REST,
                Err(error) => {
                    tracing::error!(list = name, error, "it is not made anew");
                    PAUSE
                }
            };
            quiet.insert(name, Instant::now() + wait);
        }
    }
}

/// Reads the newest list of a series again, and makes the next where it is time; says whether it did.
async fn keep_list(public: &Public, series: &Series, holder: &str) -> Result<bool, String> {
    let Some(served) = public.app.authorities().get(&series.authority) else { return Ok(false) };
    let Some(issuer) = served.chain.first() else { return Ok(false) };
    let found = public.look(series, issuer).await;
    let Some(authority) = &served.signs else { return found.map(|()| false) };
    if let Err(reason) = found {
        let file = public.list_file(&series.name);
        tracing::warn!(file = %file.display(), reason, "the list is not handed out");
    }
    // After its end an authority can sign no list that would be valid.
    if served.is_expired(public.app.now()) || !is_due(public, series).await? {
        return Ok(false);
    }
    let make = async {
        // Whoever had the lease before may just have made it.
        let _ = public.look(series, issuer).await;
        match is_due(public, series).await {
            Ok(true) => made(public, series, authority).await.map(|()| true),
            other => other,
        }
    };
    let (ledger, clock) = (public.app.ledger(), public.app.clock());
    let asked = lease::Asked { name: format!("crl:{}", series.name), holder: holder.to_owned() };
    let made =
        lease::holding(ledger, asked, clock, make).await.map_err(|error| error.to_string())?;
    if made.transpose()?.unwrap_or(false) {
        public.look(series, issuer).await?;
        return Ok(true);
    }
    Ok(false)
}

async fn is_due(public: &Public, series: &Series) -> Result<bool, String> {
    let now = public.app.now();
    // A delta is for those who have a complete list that is current.
    let complete =
        (series.kind == CrlKind::Delta).then(|| public.app.lists().of(&series.authority));
    let complete = complete.map(|list| list.filter(|list| now < list.next_update));
    if matches!(complete, Some(None)) {
        return Ok(false);
    }
    let Some(list) = public.app.lists().of(&series.name) else { return Ok(true) };
    // A list of before deltas were configured: its readers would never ask for one. A list that came
    // after this server began is another server's, whose configuration differs: one of the two is wrong,
    // and making lists by turns would not tell which.
    let before = public.last_before.get(&series.authority);
    if !list.names_deltas_of(series) && before.is_some_and(|last| list.number <= *last) {
        return Ok(true);
    }
    // A delta below the complete list that clients have tells them nothing (RFC 5280 section 6.3.3).
    if complete.flatten().is_some_and(|complete| list.number < complete.number) {
        return Ok(true);
    }
    if list.number < public.announced(&series.name).await {
        return Ok(true);
    }
    if is_ahead(list.this_update, now)
        || list.this_update.checked_add(series.every).is_ok_and(|due| due <= now)
    {
        return Ok(true);
    }
    if !series.after_revocation {
        return Ok(false);
    }
    let last = public.app.ledger().last_revocation(&series.authority).await;
    last.map(|last| last > list.through).map_err(|error| error.to_string())
}

/// The number of the complete list that a delta changes: the oldest one that somebody may hold,
/// whichever server handed it out. Whoever has a newer one can take the delta too (RFC 5280 section
/// 5.2.4).
async fn base(public: &Public, series: &Series, now: Timestamp) -> Result<Option<u64>, String> {
    if series.kind == CrlKind::Complete {
        return Ok(None);
    }
    let (authority, scope) = (&series.authority, &series.scope);
    // By the clocks of others a list may be there sooner, and be current longer.
    let until = now.checked_add(CLOCKS_APART).unwrap_or(now);
    let since = now.checked_sub(CLOCKS_APART).unwrap_or(now);
    let oldest = public.app.ledger().oldest_current_crl(authority, scope, until, since).await;
    let oldest = oldest.map_err(|error| error.to_string())?;
    let none = || format!("found no complete list of {authority} that is current, allowed is one");
    oldest.map(|list| Some(list.number)).ok_or_else(none)
}

async fn made(public: &Public, series: &Series, authority: &Arc<Authority>) -> Result<(), String> {
    let now = public.app.now();
    let new = NewCrl {
        authority: series.authority.clone(),
        scope: series.scope.clone(),
        base: base(public, series, now).await?,
        this_update: now,
        next_update: next_update(series, now, authority),
    };
    let work = Work {
        ledger: Ledger::clone(public.app.ledger()),
        authority: Arc::clone(authority),
        folder: public.folder.clone(),
        target: Target::File(public.list_file(&series.name)),
        announcement: Target::File(public.announcement_file(&series.name)),
        freshest: series.freshest.clone(),
        clock: public.app.clock(),
    };
    on_a_thread(work, new).await.map_err(|error| match error.hint() {
        Some(hint) => format!("{}; {hint}", error.message()),
        None => error.message().to_owned(),
    })?;
    tracing::info!(list = series.name, "a new revocation list is made");
    Ok(())
}

/// Not longer than the authority's certificate is valid.
fn next_update(series: &Series, now: Timestamp, authority: &Authority) -> Timestamp {
    let next = now.checked_add(series.valid).unwrap_or(Timestamp::MAX);
    let last = authority.certificate().map(|certificate| certificate.validity().not_after());
    last.map_or(next, |last| next.min(last))
}

/// What the thread needs.
struct Work {
    ledger: Ledger,
    authority: Arc<Authority>,
    folder: DataFolder,
    target: Target,
    /// Where the number is told before the ledger knows the list as stored.
    announcement: Target,
    freshest: Vec<AbsoluteUri>,
    clock: Clock,
}

/// A list may take seconds and waits for the ledger in between: it has a thread of its own, so that
/// certificates and OCSP answers find the signing threads free.
async fn on_a_thread(work: Work, new: NewCrl) -> Result<(), CliError> {
    let (answer, result) = oneshot::channel();
    let runtime = Handle::current();
    let thread = thread::Builder::new().name("revocation-list".into()).stack_size(STACK);
    let spawned = thread.spawn(move || {
        let _ = answer.send(runtime.block_on(work.carry_out(new)));
    });
    spawned.map_err(|error| CliError::of(Exit::Environment, "thread", &error))?;
    match result.await {
        Ok(done) => done,
        Err(lost) => Err(CliError::of(Exit::Fault, "revocation list", &lost)),
    }
}

impl Work {
    /// As `espalier crl make`.
    async fn carry_out(self, new: NewCrl) -> Result<(), CliError> {
        let Self { ledger, authority, folder, target, announcement, freshest, clock } = self;
        crl_making::rehearse(&authority, &new, &freshest)?;
        let terminal = Terminal::plain();
        let making = crl_making::make(&ledger, &authority, new, &freshest, folder.path(), terminal);
        let made = making.await?;
        let write = &mut |out: &mut dyn io::Write| out.write_all(made.list().der());
        let staged = target.stage_stream(Content::Public, false, write)?;
        let publishing = folder.publishing()?;
        announcement.write(Content::Public, made.number().to_string().as_bytes(), false)?;
        made.store(&ledger, clock()).await?;
        staged.publish()?;
        drop(publishing);
        Ok(())
    }
}
