//! The rules of a policy.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Algorithms, Canary, Holding, Mode, Peer, Refusal};

/// A policy as people write it, each field as in its spec.
#[derive(Clone, Debug)]
pub struct Written {
    /// Names of algorithms, of any age.
    pub algorithms: Vec<String>,
    /// Whether a classical signature stays beside the post-quantum one. Hybrid, unless the mode says otherwise.
    pub hybrid: Option<bool>,
    /// The mode; what `hybrid` means, unless it is told.
    pub mode: Option<Mode>,
    /// Whether there is a way back.
    pub rollback: Rollback,
    /// What follows from it.
    pub enforcement: Enforcement,
    /// False brings everything back, now.
    pub active: bool,
    /// Who goes first.
    pub canary: Canary,
    /// When classical certificates end.
    pub deadline: Option<Timestamp>,
    /// How large things may become.
    pub size_budget: SizeBudget,
    /// Names of what must be able to verify.
    pub peers: Vec<String>,
}

/// What is meant where nothing is said; without algorithms it is no policy yet.
impl Default for Written {
    fn default() -> Self {
        Self {
            algorithms: Vec::new(),
            hybrid: None,
            mode: None,
            rollback: Rollback::default(),
            enforcement: Enforcement::default(),
            active: true,
            canary: Canary::EVERYBODY,
            deadline: None,
            size_budget: SizeBudget::default(),
            peers: Vec::new(),
        }
    }
}

/// Whether there is a way back to classical certificates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Rollback {
    /// Always.
    #[default]
    Enabled,
    /// Until the deadline.
    Disabled,
}

/// What follows from a policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Enforcement {
    /// Nothing: what would be refused is counted, and every issuer signs as if there were no policy.
    Audit,
    /// The policy chooses who signs; objects against it are let in with a warning.
    #[default]
    Warn,
    /// The policy chooses who signs; objects against it are refused.
    Enforce,
}

/// How large things may become, in octets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SizeBudget {
    /// A chain as TLS sends it: certificate and those above it without the root, in DER.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i64>", range(min = 1, max = 4_294_967_295_i64))]
    pub chain_bytes: Option<u32>,
    /// A Secret: all its entries together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i64>", range(min = 1, max = 4_294_967_295_i64))]
    pub secret_bytes: Option<u32>,
}

impl SizeBudget {
    /// Each bound with its field: that of a chain, then that of a Secret.
    pub(crate) fn bounds(self) -> [(&'static str, Option<usize>); 2] {
        let octets = |most: Option<u32>| most.and_then(|most| usize::try_from(most).ok());
        [
            ("sizeBudget.chainBytes", octets(self.chain_bytes)),
            ("sizeBudget.secretBytes", octets(self.secret_bytes)),
        ]
    }
}

/// A policy whose fields agree with each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    algorithms: Algorithms,
    hybrid: Option<bool>,
    mode: Mode,
    rollback: Rollback,
    enforcement: Enforcement,
    active: bool,
    canary: Canary,
    deadline: Option<Timestamp>,
    size_budget: SizeBudget,
    peers: Vec<Peer>,
}

impl Rules {
    /// Reads what people wrote.
    ///
    /// # Errors
    /// [`Refusal`] for the first field that is wrong by itself or against another, with a change that would pass where
    /// one of those that are tried does.
    pub fn read(written: Written) -> Result<Self, Refusal> {
        Self::check(&written).map_err(|refusal| refusal.but_for(passing(&written)))
    }

    fn check(written: &Written) -> Result<Self, Refusal> {
        let &Written { hybrid, mode, rollback, enforcement, active, deadline, .. } = written;
        let algorithms = Algorithms::named(&written.algorithms)?;
        let mode = chosen(hybrid, mode)?;
        algorithms.serve(mode)?;
        ends(mode, rollback, deadline)?;
        let size_budget = written.size_budget;
        for (field, most) in size_budget.bounds() {
            if most == Some(0) {
                return Err(Refusal::of(field, 0, "1 or more"));
            }
        }
        let peers = Peer::named(&written.peers)?;
        Ok(Self {
            algorithms,
            hybrid,
            mode,
            rollback,
            enforcement,
            active,
            canary: written.canary.clone(),
            deadline,
            size_budget,
            peers,
        })
    }

    /// The same rules in another mode, and how a policy would say so; none where its algorithms don't serve that.
    pub(crate) fn in_mode(&self, mode: Mode) -> Option<(Self, String)> {
        self.algorithms.serve(mode).ok()?;
        let hybrid = self.hybrid.filter(|hybrid| *hybrid != mode.is_hybrid());
        let hybrid = hybrid.map(|hybrid| format!("hybrid: {}, ", !hybrid)).unwrap_or_default();
        Some((Self { mode, ..self.clone() }, format!("{hybrid}mode: {mode}")))
    }

    /// The mode of certificates that comply.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The algorithms that are allowed.
    #[must_use]
    pub fn algorithms(&self) -> &Algorithms {
        &self.algorithms
    }

    /// What follows from it.
    #[must_use]
    pub fn enforcement(&self) -> Enforcement {
        self.enforcement
    }

    /// Whether it is wanted at all.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.active
    }

    /// Who goes first.
    #[must_use]
    pub fn canary(&self) -> &Canary {
        &self.canary
    }

    /// What must be able to verify.
    #[must_use]
    pub fn peers(&self) -> &[Peer] {
        &self.peers
    }

    /// When classical certificates end.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        self.deadline
    }

    /// Whether classical certificates have ended.
    #[must_use]
    pub fn is_past_deadline(&self, now: Timestamp) -> bool {
        self.deadline.is_some_and(|deadline| now >= deadline)
    }

    /// Whether there is a way back to classical certificates at this time.
    #[must_use]
    pub fn has_way_back(&self, now: Timestamp) -> bool {
        self.rollback == Rollback::Enabled || !self.is_past_deadline(now)
    }

    /// How large things may become.
    #[must_use]
    pub fn size_budget(&self) -> SizeBudget {
        self.size_budget
    }

    /// Whether certificates are what the policy wants in the end: what its status counts as adopted. That is not what an
    /// object must have now: see [`decide`](crate::decide).
    ///
    /// # Errors
    /// For another mode, also of a certificate above, and for algorithms that are not allowed.
    pub fn admit(&self, holding: &Holding) -> Result<(), Refusal> {
        let found = holding.mode();
        if found != self.mode {
            return Err(Refusal::of("mode", found, self.mode));
        }
        for (mode, chain) in holding.chains() {
            if mode != Mode::Classical {
                self.algorithms.admit(chain.own())?;
            }
            if let Some(odd) = chain.odd_link(mode) {
                let found = format!("{odd} in the chain");
                return Err(Refusal::of("mode", found, format!("signatures of mode {mode}")));
            }
        }
        Ok(())
    }

    /// Whether things are no larger than they may be, in octets: a chain as TLS sends it, and all entries of a Secret.
    ///
    /// # Errors
    /// For the first that is.
    pub fn admit_size(&self, chain: usize, secret: usize) -> Result<(), Refusal> {
        for ((field, most), found) in self.size_budget.bounds().into_iter().zip([chain, secret]) {
            if let Some(most) = most.filter(|most| found > *most) {
                let allowed = format!("at most {most}");
                return Err(Refusal::of(field, format!("{found} octets"), allowed));
            }
        }
        Ok(())
    }
}

/// The first of some small changes with which a policy can be read, as one would say it.
fn passing(written: &Written) -> Option<String> {
    let with = |change: fn(&mut Written)| {
        let mut changed = written.clone();
        change(&mut changed);
        changed
    };
    let hybrid = written.hybrid.map(|hybrid| {
        let changed = with(|policy| policy.hybrid = policy.hybrid.map(|hybrid| !hybrid));
        (format!("hybrid: {}", !hybrid), changed)
    });
    let others = [
        (
            "ml-dsa-65 added to algorithms",
            with(|policy| policy.algorithms.push("ml-dsa-65".to_owned())),
        ),
        ("rollback: enabled", with(|policy| policy.rollback = Rollback::Enabled)),
        ("deadline left out", with(|policy| policy.deadline = None)),
    ];
    let others = others.into_iter().map(|(change, policy)| (change.to_owned(), policy));
    let mut all = hybrid.into_iter().chain(others);
    all.find(|(_, policy)| Rules::check(policy).is_ok()).map(|(change, _)| change)
}

/// The mode that is meant by the two fields.
fn chosen(hybrid: Option<bool>, mode: Option<Mode>) -> Result<Mode, Refusal> {
    let Some(mode) = mode else { return Ok(Mode::of_hybrid(hybrid.unwrap_or(true))) };
    match hybrid {
        Some(hybrid) if hybrid != mode.is_hybrid() => {
            let sort = if hybrid { "Catalyst, Composite, Dual" } else { "PostQuantum, Classical" };
            Err(Refusal::of("mode", mode, format!("{sort} beside hybrid: {hybrid}")))
        }
        _ => Ok(mode),
    }
}

/// How it ends: what is said of deadline and way back fits together.
fn ends(mode: Mode, rollback: Rollback, deadline: Option<Timestamp>) -> Result<(), Refusal> {
    match (mode, rollback, deadline) {
        (Mode::Classical, _, Some(found)) => {
            let allowed = "none beside mode Classical, which it would refuse";
            Err(Refusal::of("deadline", found, allowed))
        }
        (Mode::Classical, Rollback::Disabled, None) => {
            let allowed = "enabled beside mode Classical, from which there is nowhere to go back";
            Err(Refusal::of("rollback", "disabled", allowed))
        }
        (_, Rollback::Disabled, None) => {
            let allowed = "enabled, or a deadline until which there is a way back";
            Err(Refusal::of("rollback", "disabled", allowed))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
pub(crate) mod tests;
