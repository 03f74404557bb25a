//! Work that one of several servers does, under a lease that ends soon after the server does.

use std::convert::Infallible;
use std::time::Duration;

use ledger::{Lease, Leasing, Ledger, LedgerError, NewLease};
use tokio::time::sleep;

use crate::issuance::Clock;

/// For how long a lease is taken: when its holder dies, others wait no longer. It is a hint that
/// saves work, so that it may run out while its holder lives.
const DURATION: Duration = Duration::from_secs(10);
/// How often the holder prolongs it: a machine that has much to do may miss many of them.
const BEAT: Duration = Duration::from_secs(1);

/// Which lease, and who asks for it.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) name: String,
    pub(super) holder: String,
}

impl Asked {
    fn new_lease(&self, clock: Clock) -> NewLease {
        let (name, holder) = (self.name.clone(), self.holder.clone());
        NewLease { name, holder, duration: DURATION, now: clock() }
    }
}

/// Does the work while the lease is held, and gives it back. `None`: somebody else has the lease, and
/// nothing was done.
///
/// # Errors
/// When the ledger can't be asked for the lease.
pub(super) async fn holding<T>(
    ledger: &Ledger,
    asked: Asked,
    clock: Clock,
    work: impl Future<Output = T>,
) -> Result<Option<T>, LedgerError> {
    let mut lease = match ledger.lease(asked.new_lease(clock)).await? {
        Leasing::Granted(lease) => lease,
        Leasing::Taken(_) => return Ok(None),
    };
    let done = tokio::select! {
        done = work => done,
        never = prolong(ledger, &asked, clock, &mut lease) => match never {},
    };
    if let Err(error) = ledger.end_lease(lease).await {
        tracing::warn!(lease = asked.name, %error, "the lease is not given back; it runs out by itself");
    }
    Ok(Some(done))
}

async fn prolong(ledger: &Ledger, asked: &Asked, clock: Clock, lease: &mut Lease) -> Infallible {
    loop {
        sleep(BEAT).await;
        match ledger.lease(asked.new_lease(clock)).await {
            Ok(Leasing::Granted(prolonged)) => *lease = prolonged,
            Ok(Leasing::Taken(other)) => {
                tracing::warn!(lease = asked.name, other.holder, "another server has it by now");
            }
            Err(error) => tracing::warn!(lease = asked.name, %error, "it is not prolonged"),
        }
    }
}
