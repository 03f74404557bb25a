//! Making revocation lists: when one is due, and at once after a revocation. Of several servers on
//! one data folder one makes it, the others find it there.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use ca_core::certificate::Certificate;
use ca_core::crl::Scope;
use jiff::{SignedDuration, Timestamp};
use ledger::{Leasing, Ledger, NewCrl, NewLease};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::Public;
use crate::authority::Authority;
use crate::cli::{CliError, Exit, Terminal};
use crate::crl_making;
use crate::data_folder::DataFolder;
use crate::issuance::Clock;
use crate::output::{Content, Target};
use crate::server::signing::STACK;

/// How often files and ledger are looked at.
const PERIOD: Duration = Duration::from_secs(1);
/// For how long the right to make a list is taken; it is given back before.
const LEASE: Duration = Duration::from_secs(600);
/// How long is waited after a failure.
const PAUSE: Duration = Duration::from_secs(30);
/// How far the clocks of servers may be from each other: a list that is ahead of ours by more was
/// made while a clock was wrong.
const CLOCKS_APART: SignedDuration = SignedDuration::from_secs(60);
/// Making lists after revocations takes at most one in so many parts of the time.
const REST: u32 = 10;

/// Makes lists until the token is cancelled. One that is being made is finished.
pub(super) async fn keep_lists(public: &Public, stop: &CancellationToken) {
    let holder = public.app.request_id().to_string();
    let mut due = interval(PERIOD);
    due.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // No authority is looked at before its instant.
    let mut quiet: HashMap<&str, Instant> = HashMap::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = due.tick() => {}
        }
        for (name, served) in public.app.authorities() {
            let Some(issuer) = served.chain.first() else { continue };
            if stop.is_cancelled()
                || quiet.get(&**name).is_some_and(|until| Instant::now() < *until)
            {
                continue;
            }
            let started = Instant::now();
            let wait = match keep_list(public, name, issuer, served.signs.as_ref(), &holder).await {
                Ok(false) => continue,
                Ok(true) => started.elapsed() * REST,
                Err(error) => {
                    tracing::error!(
                        authority = name,
                        error,
                        "its revocation list is not made anew"
                    );
                    PAUSE
                }
            };
            quiet.insert(name, Instant::now() + wait);
        }
    }
}

/// Reads the list of one authority again, and makes the next where it is time; says whether it did.
async fn keep_list(
    public: &Public,
    name: &str,
    issuer: &Certificate,
    signs: Option<&Arc<Authority>>,
    holder: &str,
) -> Result<bool, String> {
    let found = public.look(name, issuer).await;
    let Some(authority) = signs else { return found.map(|()| false) };
    if let Err(reason) = found {
        let file = public.list_file(name);
        tracing::warn!(file = %file.display(), reason, "the list is not handed out");
    }
    if !is_due(public, name).await? {
        return Ok(false);
    }
    let ledger = public.app.ledger();
    let lease = NewLease {
        name: format!("crl:{name}"),
        holder: holder.to_owned(),
        duration: LEASE,
        now: public.app.now(),
    };
    let lease = match ledger.lease(lease).await.map_err(|error| error.to_string())? {
        Leasing::Granted(lease) => lease,
        Leasing::Taken(_) => return Ok(false),
    };
    // Whoever had the lease before may just have made it.
    let _ = public.look(name, issuer).await;
    let made = match is_due(public, name).await {
        Ok(true) => made(public, name, authority).await.map(|()| true),
        other => other,
    };
    if let Err(error) = ledger.end_lease(lease).await {
        tracing::warn!(authority = name, %error, "the lease of its list runs out by itself");
    }
    if made? {
        public.look(name, issuer).await?;
        return Ok(true);
    }
    Ok(false)
}

async fn is_due(public: &Public, name: &str) -> Result<bool, String> {
    let Some(list) = public.lists.of(name) else { return Ok(true) };
    let crl = &public.config.crl;
    let minutes =
        SignedDuration::from_mins(i64::try_from(crl.every_minutes).unwrap_or(i64::MAX / 60));
    let now = public.app.now();
    let too_early = list.this_update.checked_sub(CLOCKS_APART).is_ok_and(|earliest| earliest > now);
    if too_early || list.this_update.checked_add(minutes).is_ok_and(|due| due <= now) {
        return Ok(true);
    }
    if !crl.after_revocation {
        return Ok(false);
    }
    let last = public.app.ledger().last_revocation(name).await;
    last.map(|last| last > list.through).map_err(|error| error.to_string())
}

async fn made(public: &Public, name: &str, authority: &Arc<Authority>) -> Result<(), String> {
    let now = public.app.now();
    let new = NewCrl {
        authority: name.to_owned(),
        scope: Scope::all(),
        base: None,
        this_update: now,
        next_update: next_update(public, now, authority),
    };
    let work = Work {
        ledger: Ledger::clone(public.app.ledger()),
        authority: Arc::clone(authority),
        folder: public.folder.clone(),
        target: Target::File(public.list_file(name)),
        clock: public.app.clock(),
    };
    on_a_thread(work, new).await.map_err(|error| match error.hint() {
        Some(hint) => format!("{}; {hint}", error.message()),
        None => error.message().to_owned(),
    })?;
    tracing::info!(authority = name, "a new revocation list is made");
    Ok(())
}

/// Not longer than the authority's certificate is valid.
fn next_update(public: &Public, now: Timestamp, authority: &Authority) -> Timestamp {
    let hours = i64::try_from(public.config.crl.valid_hours).unwrap_or(i64::MAX / 3_600);
    let next = now.checked_add(SignedDuration::from_hours(hours)).unwrap_or(Timestamp::MAX);
    let last = authority.certificate().map(|certificate| certificate.validity().not_after());
    last.map_or(next, |last| next.min(last))
}

/// What the thread needs.
struct Work {
    ledger: Ledger,
    authority: Arc<Authority>,
    folder: DataFolder,
    target: Target,
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
        let Self { ledger, authority, folder, target, clock } = self;
        crl_making::rehearse(&authority, &new, &[])?;
        let terminal = Terminal::plain();
        let made = crl_making::make(&ledger, &authority, new, &[], folder.path(), terminal).await?;
        let write = &mut |out: &mut dyn io::Write| out.write_all(made.list().der());
        let staged = target.stage_stream(Content::Public, false, write)?;
        let publishing = folder.publishing()?;
        made.store(&ledger, clock()).await?;
        staged.publish()?;
        drop(publishing);
        Ok(())
    }
}
