#![allow(clippy::unwrap_used)] // a panic is the failure report

use ca_core::algorithm::Algorithm;
use ca_core::certificate::Certificate as X509;
use client::Client;
use interop::issue;
use policy::{Holding, Offers};
use serde_json::{Value, json};

use super::*;
use crate::kinds::{IssuerKind, IssuerRef};

fn authority(name: &str, chain: &[X509]) -> (Authority, Offer) {
    let [own, .., root] = chain else { panic!("a root is no issuing authority") };
    let authority = Authority {
        name: name.into(),
        certificate: own.clone(),
        intermediates: String::new(),
        root: String::new(),
        root_digest: root.fingerprint(),
    };
    (authority, Offer::of(name, chain).unwrap())
}

fn chain(algorithm: &str) -> [X509; 2] {
    let algorithm = Algorithm::named(algorithm).unwrap();
    let root = issue::Authority::root(algorithm, None);
    [root.issuing(algorithm, None).certificate, root.certificate]
}

/// An issuer of these authorities, its own first.
fn serving(authorities: &[(&str, &[X509])]) -> Serving {
    let spec = json!({
        "server": {"url": "https://127.0.0.1:1"}, "authority": authorities[0].0, "auth": {},
    });
    let mut all = authorities.iter().map(|(name, chain)| authority(name, chain));
    let (authority, own) = all.next().unwrap();
    let (others, offers) = all.unzip();
    Serving {
        reference: IssuerRef { kind: IssuerKind::Cluster, namespace: None, name: "x".into() },
        spec: serde_json::from_value(spec).unwrap(),
        client: Client::builder("https://127.0.0.1:1").retries(0).build().unwrap(),
        authority,
        others,
        offers: Offers::new(own, offers),
        profiles: Vec::new(),
    }
}

fn known(spec: &Value) -> Known {
    let policy = json!({
        "apiVersion": "espalier.dev/v1alpha1", "kind": "PQPolicy",
        "metadata": {"name": "shops", "generation": 1}, "spec": spec,
    });
    Known::of(&serde_json::from_value(policy).unwrap())
}

/// What an object has that this authority signed.
fn held_of(chain: &[X509]) -> Arc<Held> {
    let signer = chain[0].extensions().subject_key_identifier().unwrap().to_vec();
    // What protects it is read of the authority's own certificate here, which has the same algorithm.
    let holding = Holding::one(chain).ok();
    Arc::new(Held { holding, signer, chain_bytes: 1 })
}

fn now() -> Timestamp {
    "2026-11-28T05:00:00Z".parse().unwrap()
}

/// Who signs, and whether the object has it, for an object that has this.
fn signed(
    policy: &Known,
    serving: &Serving,
    trusts: impl Fn(&Offer) -> bool,
    held: Option<Arc<Held>>,
) -> (String, bool) {
    let labels = Labels::new();
    let wanting = Wanting { namespace: "shop", name: Some("web"), labels: &labels, held };
    let ruling = Ruling::of(policy, serving, trusts);
    let has_it = ruling.verdict(&wanting, now()).has_it;
    match ruling.signing(&wanting, now()) {
        Signing::By(authority) => (authority.name.clone(), has_it),
        Signing::Nobody(words) => (words, has_it),
        Signing::NotKnown(words) => (words.to_owned(), has_it),
    }
}

#[test]
fn the_policy_chooses_whom_everybody_trusts() {
    let (classical, composite) = (chain("p256"), chain("hybrid"));
    let serving = serving(&[("classical", &classical), ("composite", &composite)]);
    let policy = known(&json!({"algorithms": ["dilithium3"]}));
    let of = |held: Option<&[X509]>| signed(&policy, &serving, |_| true, held.map(held_of));
    assert_eq!(of(None), ("composite".into(), false));
    assert_eq!(of(Some(&classical)), ("composite".into(), false));
    assert_eq!(of(Some(&composite)), ("composite".into(), true));
    let own_alone = |offer: &Offer| offer == serving.offers.own();
    let of = |held: Option<&[X509]>| signed(&policy, &serving, own_alone, held.map(held_of));
    assert_eq!(of(Some(&classical)), ("classical".into(), true), "nobody trusts the other one");
    assert_eq!(of(Some(&composite)), ("composite".into(), true), "it was there before");
    let inactive = known(&json!({"algorithms": ["dilithium3"], "active": false}));
    let back = signed(&inactive, &serving, own_alone, Some(held_of(&composite)));
    assert_eq!(back, ("classical".into(), false), "the own authority needs no bundle");
}

#[test]
fn who_is_gone_is_followed_by_the_like_that_is_trusted() {
    let (classical, composite) = (chain("p256"), chain("hybrid"));
    let former = chain("MLDSA44-ECDSA-P256-SHA256");
    let serving = serving(&[("classical", &classical), ("composite", &composite)]);
    // Canaries alone move: others stay as they are.
    let policy = known(&json!({"algorithms": ["dilithium3"], "canary": {"percent": 0}}));
    let lost = || Some(held_of(&former));
    let found = signed(&policy, &serving, |_| true, lost());
    assert_eq!(found, ("composite".into(), false));
    let (words, _) = signed(&policy, &serving, |offer| offer.authority() == "classical", lost());
    assert!(words.starts_with("PQPolicy shops: who signed its certificate is gone"), "{words}");
    // A classical one of somebody else is nothing to keep up.
    let stranger = Some(held_of(&chain("p384")));
    assert_eq!(signed(&policy, &serving, |_| true, stranger), ("classical".into(), false));
}

#[test]
fn of_two_authorities_with_one_key_the_chosen_one_counts() {
    let (classical, composite) = (chain("p256"), chain("hybrid"));
    let authorities: [(&str, &[X509]); 3] =
        [("last-year", &classical), ("this-year", &classical), ("composite", &composite)];
    let serving = serving(&authorities);
    let back = known(&json!({"algorithms": ["dilithium3"], "active": false}));
    let found = signed(&back, &serving, |_| true, Some(held_of(&classical)));
    assert_eq!(found, ("this-year".into(), true));
}

#[test]
fn a_policy_that_can_not_be_read_and_a_refusal_are_told() {
    let (classical, composite) = (chain("p256"), chain("hybrid"));
    let serving = serving(&[("classical", &classical), ("composite", &composite)]);
    let broken = known(&json!({"algorithms": ["enigma"]}));
    let stays = signed(&broken, &serving, |_| true, Some(held_of(&composite)));
    assert_eq!(stays, ("composite".into(), true));
    let ended = json!({
        "algorithms": ["dilithium3"], "mode": "Dual", "enforcement": "Enforce",
        "deadline": "2026-01-01T00:00:00Z",
    });
    let (words, _) = signed(&known(&ended), &serving, |_| true, Some(held_of(&classical)));
    let start =
        "PQPolicy shops: deadline: found the classical authority classical past the deadline";
    assert!(words.starts_with(start), "{words}");
}
