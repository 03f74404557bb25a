//! Requests that this server is recording and signing.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::issuance::Asker;

/// A requester, and the idempotency key that it chose.
type Name = (String, String);

/// The requests with an idempotency key that this server is recording and signing: what it works on
/// itself was not cut off, however long it takes.
#[derive(Debug, Default)]
pub struct UnderWay(Mutex<HashMap<Name, usize>>);

impl UnderWay {
    /// Notes the request until the answer is dropped. The same request may come several times.
    #[must_use]
    pub fn enter(&self, asker: &Asker) -> Option<Entered<'_>> {
        let name = name(asker)?;
        *self.all().entry(name.clone()).or_default() += 1;
        Some(Entered { all: self, name })
    }

    /// Whether this server works on the request.
    #[must_use]
    pub fn has(&self, asker: &Asker) -> bool {
        name(asker).is_some_and(|name| self.all().contains_key(&name))
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Name, usize>> {
        // Nothing between lock and unlock can leave the map half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn name(asker: &Asker) -> Option<Name> {
    let idempotency = asker.idempotency.as_ref()?;
    Some((asker.requester.clone(), idempotency.key.clone()))
}

/// A request that is noted.
#[derive(Debug)]
pub struct Entered<'a> {
    all: &'a UnderWay,
    name: Name,
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        let mut all = self.all.all();
        if let Some(count) = all.get_mut(&self.name) {
            *count -= 1;
            if *count == 0 {
                all.remove(&self.name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::idempotency::named;

    fn asker(requester: &str, key: &str) -> Asker {
        Asker { requester: requester.into(), idempotency: Some(named(key.into(), &[])) }
    }

    #[test]
    fn a_request_is_known_until_the_last_of_its_kind_is_done() {
        let (all, one) = (UnderWay::default(), asker("ann", "k"));
        let (first, second) = (all.enter(&one), all.enter(&one));
        drop(first);
        assert!(all.has(&one));
        for other in [asker("bob", "k"), asker("ann", "l")] {
            assert!(!all.has(&other));
        }
        drop(second);
        assert!(!all.has(&one) && all.all().is_empty());
        let nameless = Asker { idempotency: None, ..one };
        assert!(all.enter(&nameless).is_none() && !all.has(&nameless));
    }
}
