//! One telling of the story: who does what next, and what the answer means.

use std::{
    ops::AddAssign,
    path::{Path, PathBuf},
    thread,
};

use ca_core::{
    algorithm::SignatureScheme,
    certificate::Certificate,
    crl::{CertificateList, CrlBuilder, CrlNumber, RevokedEntry},
    lint::Linted,
    signature,
};
use jiff::{SignedDuration, Timestamp};
use ledger::{
    Crl, CrlFilter, Ledger, LedgerError, NewAuthorityRevocation, NewCertificate, NewCrl,
    NewCrlList, NewKeyBlock, NewRevocation, RevocationReason, Revoking,
};

use crate::{
    dice::Dice,
    knowledge::{Knowledge, Leaf, Moment, Published},
    process::{Answer, Call, Process},
    sabotage::Sabotage,
    world::{KEYS, World, record_of, signed, start},
};

/// How often each part of the story was told.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Summary {
    certificates: u64,
    revocations: u64,
    blocks: u64,
    authorities: u64,
    complete_lists: u64,
    deltas: u64,
    shards: u64,
    questions: u64,
    crashes: u64,
    cut_off: u64,
}

impl Summary {
    pub(crate) fn parts(&self) -> [(&'static str, u64); 10] {
        [
            ("certificates", self.certificates),
            ("revocations", self.revocations),
            ("blocks", self.blocks),
            ("authorities", self.authorities),
            ("complete lists", self.complete_lists),
            ("deltas", self.deltas),
            ("shards", self.shards),
            ("questions", self.questions),
            ("crashes", self.crashes),
            ("cut off", self.cut_off),
        ]
    }
}

impl AddAssign for Summary {
    fn add_assign(&mut self, other: Self) {
        self.certificates += other.certificates;
        self.revocations += other.revocations;
        self.blocks += other.blocks;
        self.authorities += other.authorities;
        self.complete_lists += other.complete_lists;
        self.deltas += other.deltas;
        self.shards += other.shards;
        self.questions += other.questions;
        self.crashes += other.crashes;
        self.cut_off += other.cut_off;
    }
}

/// A list whose number a process holds.
struct Reserved {
    authority: usize,
    scope: usize,
    crl: Crl,
    /// When its number was asked for.
    started: Moment,
}

/// What a process began and has still to do; a crash forgets it.
enum Pending {
    Sign(usize, Box<Linted>),
    Read(Reserved),
    Store(Reserved, Box<CertificateList>),
}

/// What the answer to a call will mean.
enum Then {
    Record(usize, Box<Linted>),
    Store(usize, Vec<u8>),
    Revoke(usize),
    Block(usize),
    RevokeAuthority(usize, Timestamp),
    Reserve(usize, usize),
    Read(Reserved),
    StoreCrl(Reserved, Box<CertificateList>),
    Ask(Vec<usize>),
}

struct Step {
    call: Call,
    then: Then,
    started: Moment,
}

struct Story<'a> {
    world: &'a World,
    path: PathBuf,
    dice: Dice,
    now: Timestamp,
    processes: Vec<Process>,
    pending: Vec<Vec<Pending>>,
    /// Lists that a crash cut off while they were stored: some are, some not.
    cut_off: Vec<(Published, Moment)>,
    known: Knowledge,
    sum: Summary,
}

/// Tells the story of this seed.
///
/// # Errors
/// What was broken.
pub(crate) fn tell(
    world: &World,
    seed: u64,
    sabotage: Option<Sabotage>,
) -> Result<Summary, String> {
    // In memory where there is such a place: what is tried here is order, not the disk.
    let memory = Path::new("/dev/shm");
    let folder = tempfile::Builder::new().tempdir_in(memory).or_else(|_| tempfile::tempdir());
    let folder = folder.unwrap();
    let path = folder.path().join("ledger.db");
    world.make_ledger(&path);
    let mut dice = Dice::new(seed);
    let processes = dice.roll(3) + 1;
    let mut story = Story {
        world,
        processes: (0..processes).map(|_| Process::open(&path)).collect(),
        pending: (0..processes).map(|_| Vec::new()).collect(),
        cut_off: Vec::new(),
        path,
        dice,
        now: start() + SignedDuration::from_secs(60),
        known: Knowledge::default(),
        sum: Summary::default(),
    };
    let told = story.tell(sabotage);
    story.processes.into_iter().for_each(Process::die);
    told.map(|()| story.sum)
}

impl Story<'_> {
    fn tell(&mut self, sabotage: Option<Sabotage>) -> Result<(), String> {
        for _ in 0..20 + self.dice.roll(20) {
            self.now += SignedDuration::from_secs(self.dice.roll(30) as i64);
            match self.dice.roll(10) {
                0 => self.crash()?,
                1 | 2 => self.all_at_once()?,
                _ => {
                    let process = self.dice.roll(self.processes.len());
                    self.go_on(process)?;
                }
            }
            if let Some(sabotage) = sabotage
                && self.dice.roll(3) == 0
            {
                sabotage.strike(&self.path);
            }
        }
        self.end()
    }

    /// One process does one thing.
    fn go_on(&mut self, process: usize) -> Result<(), String> {
        let Step { call, then, started } = self.next(process);
        let answer = self.processes[process].carry_out(call);
        self.take(process, then, started, answer)
    }

    /// Every process does one thing, all at the same time.
    fn all_at_once(&mut self) -> Result<(), String> {
        let steps: Vec<Step> = (0..self.processes.len()).map(|one| self.next(one)).collect();
        let (calls, rest): (Vec<_>, Vec<_>) =
            steps.into_iter().map(|step| (step.call, (step.then, step.started))).unzip();
        let answers: Vec<_> = thread::scope(|scope| {
            let calls = self.processes.iter().zip(calls);
            let threads: Vec<_> =
                calls.map(|(process, call)| scope.spawn(move || process.carry_out(call))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        for (process, ((then, started), answer)) in rest.into_iter().zip(answers).enumerate() {
            self.take(process, then, started, answer)?;
        }
        Ok(())
    }

    /// A process ends within a call and forgets what it had begun; another takes its place.
    fn crash(&mut self) -> Result<(), String> {
        let process = self.dice.roll(self.processes.len());
        let Step { call, then, started } = self.next(process);
        let patience = *self.dice.pick(&[0, 1, 3, 10, 30, 100, 300]);
        let dying = self.processes.swap_remove(process);
        self.sum.crashes += 1;
        // The one that was last stands in the dead one's place now, and its work with it.
        let mut forgotten = self.pending.swap_remove(process);
        match dying.die_in(call, patience) {
            Some(answer) => {
                self.pending.push(std::mem::take(&mut forgotten));
                self.take(self.pending.len() - 1, then, started, answer)?;
                self.pending.pop();
            }
            None => {
                self.sum.cut_off += 1;
                if let Then::StoreCrl(reserved, list) = then {
                    let Reserved { authority, scope, crl, started } = reserved;
                    self.cut_off.push((Published { authority, scope, crl, list: *list }, started));
                }
            }
        }
        self.processes.push(Process::open(&self.path));
        self.pending.push(Vec::new());
        Ok(())
    }

    /// What a process does next.
    fn next(&mut self, process: usize) -> Step {
        let started = self.known.moment;
        let waiting = self.pending[process].len();
        let (call, then) = if waiting > 0 && self.dice.roll(3) > 0 {
            let which = self.dice.roll(waiting);
            self.finish(process, which)
        } else {
            match self.dice.roll(20) {
                0..8 => self.issue(),
                8..11 => self.revoke(),
                11 | 12 => self.block(),
                13 if self.dice.roll(3) == 0 => self.revoke_authority(),
                13..17 => self.make_list(),
                _ => self.ask(),
            }
        };
        Step { call, then, started }
    }

    fn finish(&mut self, process: usize, which: usize) -> (Call, Then) {
        match self.pending[process].swap_remove(which) {
            Pending::Sign(leaf, linted) => {
                let Leaf { serial, authority, .. } = self.known.leaves[leaf];
                self.known.signed.push(serial);
                let der = signed(*linted, &self.world.authorities[authority].signer);
                let new = NewCertificate::new(serial, der.clone(), self.now).unwrap();
                (Call::Store(new), Then::Store(leaf, der))
            }
            Pending::Read(list) => {
                let authority = self.world.authorities[list.authority].name.to_owned();
                (Call::Read(authority, list.crl.number), Then::Read(list))
            }
            Pending::Store(reserved, list) => {
                let authority = self.world.authorities[reserved.authority].name;
                let new = NewCrlList::new(authority, &list, self.now).unwrap();
                (Call::StoreCrl(Box::new(new)), Then::StoreCrl(reserved, list))
            }
        }
    }

    fn issue(&mut self) -> (Call, Then) {
        let (authority, key, shard) = (self.dice.roll(2), self.dice.roll(KEYS), self.dice.roll(2));
        let serial = self.dice.serial();
        let seconds = *self.dice.pick(&[60, 200, 7_200]);
        let linted = self.world.planned((authority, key, shard), serial, seconds, self.now);
        let new = record_of(&linted, self.world.authorities[authority].name, self.now);
        self.known.leaves.push(Leaf {
            serial,
            authority,
            key,
            shard,
            not_after: linted.validity().not_after(),
            recorded: None,
            certificate: None,
            begun: self.known.moment,
            attempted: false,
            revoked: None,
        });
        let leaf = self.known.leaves.len() - 1;
        (Call::Record(Box::new(new)), Then::Record(leaf, Box::new(linted)))
    }

    fn said(&mut self) -> Revoking {
        let earlier = self.now - SignedDuration::from_secs(self.dice.roll(100) as i64);
        Revoking {
            reason: *self.dice.pick(&RevocationReason::ALL),
            invalidity_date: (self.dice.roll(2) == 0).then_some(earlier),
            revoked_at: self.now,
            revoked_by: "user:oscar".into(),
        }
    }

    fn revoke(&mut self) -> (Call, Then) {
        if self.known.leaves.is_empty() {
            return self.issue();
        }
        let leaf = self.dice.roll(self.known.leaves.len());
        self.known.leaves[leaf].attempted = true;
        let serial = self.known.leaves[leaf].serial;
        let new = NewRevocation { serial, only_orphan: false, revocation: self.said() };
        (Call::Revoke(new), Then::Revoke(leaf))
    }

    fn block(&mut self) -> (Call, Then) {
        let key = self.dice.roll(KEYS);
        self.known.block_attempted[key] = true;
        let digests = vec![self.world.keys[key].fingerprint()];
        (Call::Block(NewKeyBlock { digests, revocation: self.said() }), Then::Block(key))
    }

    fn revoke_authority(&mut self) -> (Call, Then) {
        let authority = self.dice.roll(2);
        self.known.authority_attempted[authority] = Some(self.known.moment);
        let new = NewAuthorityRevocation {
            authority: self.world.authorities[authority].name.into(),
            revocation: self.said(),
        };
        (Call::RevokeAuthority(new), Then::RevokeAuthority(authority, self.now))
    }

    fn make_list(&mut self) -> (Call, Then) {
        let authority = self.dice.roll(2);
        let scope = if self.dice.roll(2) == 0 { 0 } else { self.dice.roll(4) };
        let bases = self.known.bases(authority, scope);
        let delta = !bases.is_empty() && self.dice.roll(4) > 0;
        let base = delta.then(|| *self.dice.pick(&bases));
        self.list_of(authority, scope, base)
    }

    fn list_of(&self, authority: usize, scope: usize, base: Option<u64>) -> (Call, Then) {
        let new = NewCrl {
            authority: self.world.authorities[authority].name.into(),
            scope: self.world.scopes[scope].clone(),
            base,
            this_update: self.now,
            next_update: self.now + SignedDuration::from_hours(48),
        };
        (Call::Reserve(new), Then::Reserve(authority, scope))
    }

    fn ask(&mut self) -> (Call, Then) {
        let authority = self.dice.roll(2);
        self.ask_about(authority)
    }

    /// As OCSP asks: about every leaf of an authority that was released.
    fn ask_about(&self, authority: usize) -> (Call, Then) {
        let leaves = self.known.leaves.iter().enumerate();
        let asked =
            leaves.filter(|(_, leaf)| leaf.authority == authority && leaf.recorded.is_some());
        let asked: Vec<usize> = asked.map(|(index, _)| index).collect();
        let mut serials: Vec<_> =
            asked.iter().map(|leaf| self.known.leaves[*leaf].serial).collect();
        // One that nobody has, so that there is something to ask.
        serials.push(ca_core::serial::SerialNumber::from_bytes(&[0x41; 20]).unwrap());
        (Call::Ask(self.world.authorities[authority].name.into(), serials), Then::Ask(asked))
    }

    /// Holds an answer against what is known, and notes it.
    fn take(
        &mut self,
        process: usize,
        then: Then,
        started: Moment,
        answer: Result<Answer, LedgerError>,
    ) -> Result<(), String> {
        let answer = match answer {
            Ok(answer) => answer,
            Err(refusal) => return self.refused(&then, started, &refusal),
        };
        self.known.moment += 1;
        match (then, answer) {
            (Then::Record(leaf, linted), Answer::Done) => {
                self.pending[process].push(Pending::Sign(leaf, linted));
                self.known.recorded(leaf, started)
            }
            (Then::Store(leaf, der), Answer::Done) => {
                self.sum.certificates += 1;
                self.known.released(leaf, Certificate::from_der(&der).unwrap(), started)
            }
            (Then::Revoke(leaf), Answer::Done) => {
                self.sum.revocations += 1;
                self.known.revoked(leaf);
                Ok(())
            }
            (Then::Block(key), Answer::Done) => {
                self.sum.blocks += 1;
                self.known.key_blocked(key);
                Ok(())
            }
            (Then::RevokeAuthority(authority, at), Answer::Done) => {
                self.sum.authorities += 1;
                self.known.authority_revoked(authority, at, started);
                Ok(())
            }
            (Then::Reserve(authority, scope), Answer::Reserved(crl)) => {
                let number = crl.number;
                let reserved = Reserved { authority, scope, crl: *crl, started };
                self.pending[process].push(Pending::Read(reserved));
                self.known.reserved(authority, number, started)
            }
            (Then::Read(reserved), Answer::Read(entries)) => {
                let list = Box::new(self.sign_list(&reserved, entries));
                self.pending[process].push(Pending::Store(reserved, list));
                Ok(())
            }
            (Then::StoreCrl(reserved, list), Answer::Done) => self.publish(reserved, *list),
            (Then::Ask(asked), Answer::Statuses(mut statuses)) => {
                self.sum.questions += 1;
                if statuses.pop() != Some(ledger::SerialStatus::Unknown) {
                    return Err("nobody's serial number was known".into());
                }
                self.known.told(&asked, &statuses, started)
            }
            _ => panic!("the answer to another question"),
        }
    }

    fn publish(&mut self, reserved: Reserved, list: CertificateList) -> Result<(), String> {
        match (reserved.crl.content.base, reserved.scope) {
            (Some(_), _) => self.sum.deltas += 1,
            (None, 1 | 2) => self.sum.shards += 1,
            (None, _) => self.sum.complete_lists += 1,
        }
        self.publish_cut_off()?;
        let Reserved { authority, scope, crl, started } = reserved;
        self.known.publish(self.world, Published { authority, scope, crl, list }, started)
    }

    /// What a crash cut off and was stored all the same is published like any other list: later
    /// ones may leave out what expired and was on it. What is not stored still may be, when the
    /// dead one's last write comes through.
    fn publish_cut_off(&mut self) -> Result<(), String> {
        if self.cut_off.is_empty() {
            return Ok(());
        }
        let asked = Process::open(&self.path);
        for (cut_off, started) in std::mem::take(&mut self.cut_off) {
            let authority = self.world.authorities[cut_off.authority].name;
            if asked.has_stored(authority, cut_off.crl.number) {
                self.known.publish(self.world, cut_off, started)?;
            } else {
                self.cut_off.push((cut_off, started));
            }
        }
        asked.die();
        Ok(())
    }

    /// Whether a refusal follows from what was done before.
    fn refused(
        &mut self,
        then: &Then,
        started: Moment,
        refusal: &LedgerError,
    ) -> Result<(), String> {
        let right = match (then, refusal) {
            (Then::Record(leaf, _), LedgerError::KeyBlocked { .. }) => {
                self.known.block_attempted[self.known.leaves[*leaf].key]
            }
            (Then::Store(leaf, _), LedgerError::RevokedBeforeStored { .. }) => {
                self.known.may_be_revoked(&self.known.leaves[*leaf])
            }
            (Then::Revoke(leaf), LedgerError::AlreadyRevoked { .. }) => {
                self.known.moment += 1;
                self.known.revoked(*leaf);
                true
            }
            (Then::Revoke(leaf), LedgerError::UnknownSerial { .. }) => {
                self.known.leaves[*leaf].recorded.is_none_or(|recorded| recorded > started)
            }
            _ => false,
        };
        if right { Ok(()) } else { Err(format!("refused: {refusal}")) }
    }

    fn sign_list(&self, reserved: &Reserved, entries: Vec<RevokedEntry>) -> CertificateList {
        let issuer = &self.world.authorities[reserved.authority];
        let NewCrl { this_update, next_update, base, scope, .. } = &reserved.crl.content;
        let number = CrlNumber::from(reserved.crl.number);
        let builder = CrlBuilder::new(&issuer.certificate, number, *this_update, *next_update);
        let mut builder = builder.unwrap().scope(scope.clone()).unwrap();
        if let Some(base) = base {
            builder = builder.delta(CrlNumber::from(*base)).unwrap();
        }
        let mut der = Vec::new();
        builder.sign(entries, &issuer.signer, &mut der).unwrap();
        CertificateList::from_der(der).unwrap()
    }

    /// Everybody crashes. Whoever comes next makes a list of everything and one of a smaller scope
    /// for each authority, asks about everything, and runs the checker.
    fn end(&mut self) -> Result<(), String> {
        std::mem::take(&mut self.processes).into_iter().for_each(Process::die);
        self.processes.push(Process::open(&self.path));
        self.pending = vec![Vec::new()];
        for authority in 0..self.world.authorities.len() {
            for scope in [0, 1 + self.dice.roll(self.world.scopes.len() - 1)] {
                let step = self.list_of(authority, scope, None);
                self.carry_through(step)?;
            }
            let step = self.ask_about(authority);
            self.carry_through(step)?;
        }
        let Some(last) = self.processes.pop() else { return Ok(()) };
        last.finish(async |ledger| check(self.world, &self.known, ledger).await)
    }

    fn carry_through(&mut self, first: (Call, Then)) -> Result<(), String> {
        let mut next = Some(first);
        while let Some((call, then)) = next {
            let started = self.known.moment;
            let answer = self.processes[0].carry_out(call);
            self.take(0, then, started, answer)?;
            next = (!self.pending[0].is_empty()).then(|| self.finish(0, 0));
        }
        Ok(())
    }
}

/// The invariants of the house: no serial twice, no signature without a prior record, CRL numbers
/// only grow, every stored certificate verifies.
async fn check(world: &World, known: &Knowledge, ledger: &Ledger) -> Result<(), String> {
    let report = ledger::check(&**ledger, &mut |_| ()).await.unwrap();
    if !report.is_sound() {
        return Err(format!("the ledger is not sound: {:?}", report.findings));
    }
    for serial in &known.signed {
        if ledger.get_by_serial(*serial).await.unwrap().is_none() {
            return Err(format!("{serial} was signed and has no record"));
        }
    }
    for (authority, number, digest) in known.digests() {
        let of = CrlFilter::of(world.authorities[authority].name);
        let found = ledger.crls(CrlFilter { number: Some(number), ..of }, 1).await.unwrap();
        let stored = found.first().and_then(|crl| crl.list.as_ref());
        if stored.is_none_or(|list| list.fingerprint != digest) {
            return Err(format!("list number {number} was published and is not stored"));
        }
    }
    let mut released = 0;
    for authority in &world.authorities {
        for row in ledger.entries(authority.name, 0, 1_000).await.unwrap() {
            let entry = row.entry.map_err(|impossible| impossible.to_string())?;
            let Some(stored) = entry.certificate else { continue };
            let certificate = Certificate::from_der(&stored.der).unwrap();
            let scheme =
                SignatureScheme::from_identifier(certificate.signature_algorithm()).unwrap();
            let (tbs, signature) = (certificate.tbs_der(), certificate.signature());
            let key = authority.certificate.public_key();
            if signature::verify(key, scheme, tbs, signature).is_err() {
                return Err(format!(
                    "{}: the signature does not verify",
                    entry.record.content.serial
                ));
            }
            released += 1;
        }
    }
    let known = known.leaves.iter().filter(|leaf| leaf.certificate.is_some()).count();
    // Their own, and those whose answer was cut off.
    if released < known + world.authorities.len() {
        return Err(format!("{known} were released, {released} are stored"));
    }
    Ok(())
}
