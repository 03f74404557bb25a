//! `cert renew`: the same certificate once more, and when not.

use ca_core::algorithm::Algorithm;
use ca_core::certificate::Certificate;
use ca_core::general_name::AltName;
use ca_core::key::PrivateKey;
use ca_core::name::DistinguishedName;
use ca_core::plan::Request;
use ca_core::serial::SerialNumber;
use espalier::authority::{Authority, Protection};
use espalier::cli::{Context, Terminal};
use espalier::data_folder::DataFolder;
use espalier::hierarchy::{Hierarchy, found_hierarchy};
use espalier::issuance::{self, Asker};
use espalier::profiles::shipped;
use jiff::{SignedDuration, Timestamp};
use ledger::{NewKeyBlock, NewRevocation, RevocationReason, Revoking};
use rand_core::UnwrapErr;

use crate::data::{certificates, classical, open, records, sound, wait};
use crate::workbench::Workbench;

const PROFILE: &str = "version: 1
name: strict
description: No key twice, only within one domain.
kind: leaf
subject_keys:
  families: [classical]
key_usages: [digital_signature]
extended_key_usages: [server_auth]
names:
  kinds: [dns]
  dns_suffixes: [a.test]
subject:
  allowed: [CN]
validity_days: 30
max_validity_days: 30
";

/// Issues for a.test; the certificate and its serial number.
fn issued(bench: &Workbench, options: &str) -> (Certificate, String) {
    let line = "issue --dns a.test --dns b.a.test --key-out k.pem --force --out a.pem";
    bench.run(&format!("{line} {options}")).done();
    let certificate = certificates(bench, "a.pem").remove(0);
    let serial = SerialNumber::from_bytes(certificate.serial_octets()).unwrap().to_string();
    (certificate, serial)
}

fn revoking() -> Revoking {
    Revoking {
        reason: RevocationReason::KEY_COMPROMISE,
        invalidity_date: None,
        revoked_at: Timestamp::UNIX_EPOCH + SignedDuration::from_hours(500_000),
        revoked_by: "test".into(),
    }
}

#[test]
fn it_is_issued_once_more_for_the_same_key() {
    let bench = classical();
    let (first, serial) = issued(&bench, "--profile tls-peer --days 5");
    for which in [serial.clone(), first.fingerprint().to_string(), "a.pem".into()] {
        bench.run(&format!("cert renew {which} --out b.pem --force")).done();
        let renewed = certificates(&bench, "b.pem").remove(0);
        assert!(renewed.serial_octets() != first.serial_octets());
        assert!(renewed.public_key() == first.public_key());
        assert!(renewed.subject() == first.subject());
        assert!(renewed.extensions().subject_alt_name() == first.extensions().subject_alt_name());
        let usages = |of: &Certificate| of.extensions().extended_key_usage().cloned();
        assert_eq!(usages(&renewed), usages(&first));
        assert!(renewed.validity().not_after() > first.validity().not_after(), "the default");
    }
    let json = bench.run(&format!("cert renew {serial} --days 7 --json")).done().json();
    assert_eq!((&json["profile"], &json["authority"]), (&"tls-peer".into(), &"issuing".into()));
    // Two authorities, the first one, four renewals.
    assert_eq!(records(&bench), 7);
    sound(&bench);
}

#[test]
fn a_repeated_renewal_is_answered_with_the_same_certificate() {
    let bench = classical();
    let (_, serial) = issued(&bench, "");
    let (_, other) = issued(&bench, "");
    let renew = format!("cert renew {serial} --idempotency-key one");
    let first = bench.run(&renew).done();
    let again = bench.run(&renew);
    assert_eq!((again.code, &again.stdout), (0, &first.stdout), "the same bytes");
    assert!(again.stderr().contains("answered before"), "{}", again.stderr());
    for line in [format!("{renew} --days 3"), renew.replace(&serial, &other)] {
        bench.run(&line).fails(1, &["idempotency key \"one\"", "another request"]);
    }
    // It needs no second judgement: the first certificate is revoked by now.
    bench.run(&format!("cert revoke {serial}")).done();
    assert_eq!(bench.run(&renew).stdout, first.stdout);
    bench.run(&renew.replace("one", "two")).fails(1, &["revoked"]);
    assert_eq!(records(&bench), 5);
}

#[test]
fn a_new_key_comes_with_its_csr_and_the_same_names() {
    let bench = classical();
    let (first, serial) = issued(&bench, "");
    bench.run("key generate --algorithm p384 --no-passphrase --out new.pem").done();
    let csr = |names: &str| {
        bench.run(&format!("csr create --key new.pem --out new.csr --force {names}")).done();
    };
    csr("--dns b.a.test --dns a.test");
    bench.run(&format!("cert renew {serial} --csr new.csr --out b.pem")).done();
    let renewed = certificates(&bench, "b.pem").remove(0);
    assert!(renewed.public_key() != first.public_key());
    assert!(renewed.extensions().subject_alt_name() == first.extensions().subject_alt_name());

    csr("--dns a.test --dns c.test");
    let other = bench.run(&format!("cert renew {serial} --csr new.csr"));
    other.fails(1, &["new.csr", "names", "DNS:c.test", "DNS:b.a.test", "espalier issue"]);
    csr("--dns a.test --dns b.a.test --subject CN=other");
    bench.run(&format!("cert renew {serial} --csr new.csr")).fails(1, &["subject", "CN=other"]);
    let mut wrong = bench.read("new.csr");
    let at = wrong.len() / 2;
    wrong[at] = if wrong[at] == b'A' { b'B' } else { b'A' };
    bench.write("wrong.csr", wrong);
    assert_ne!(bench.run(&format!("cert renew {serial} --csr wrong.csr")).code, 0);
    assert_eq!(records(&bench), 4);
}

#[test]
fn what_was_revoked_or_blocked_or_is_unknown_is_not_renewed() {
    let bench = classical();
    let (_, revoked) = issued(&bench, "");
    let number = SerialNumber::from_hex(&revoked).unwrap();
    let revocation = NewRevocation { serial: number, only_orphan: false, revocation: revoking() };
    wait(async {
        let ledger = open(&bench).await;
        ledger.revoke(revocation).await.unwrap();
        ledger.close().await.unwrap();
    });
    let refused = bench.run(&format!("cert renew {revoked}"));
    refused.fails(1, &["revoked", "hint: "]);

    let (second, blocked) = issued(&bench, "");
    // By a renewal in time nothing would be wrong.
    bench.run(&format!("cert renew {blocked}")).done();
    let block =
        NewKeyBlock { digests: vec![second.public_key().fingerprint()], revocation: revoking() };
    wait(async {
        let ledger = open(&bench).await;
        ledger.block_keys(block).await.unwrap();
        ledger.close().await.unwrap();
    });
    assert_eq!(bench.run(&format!("cert renew {blocked}")).code, 1);

    let foreign = classical();
    issued(&foreign, "");
    bench.write("foreign.pem", foreign.read("a.pem"));
    bench.run("cert renew foreign.pem").fails(1, &["foreign.pem", "not in this ledger"]);
    let root = "espalier-data/authorities/root/certificate.pem";
    bench.run(&format!("cert renew {root}")).fails(1, &["basicConstraints", "authority"]);
    bench.run("cert renew missing.pem").fails(2, &["missing.pem"]);
}

#[test]
fn todays_profile_decides() {
    let bench = classical();
    bench.write("strict.yaml", PROFILE);
    let (_, serial) = issued(&bench, "--profile-file strict.yaml");
    let renew = format!("cert renew {serial}");
    bench.run(&renew).fails(2, &["strict", "--profile-file"]);
    bench.run(&format!("{renew} --profile-file strict.yaml")).done();
    // The names are no longer allowed.
    bench.write("strict.yaml", PROFILE.replace("[a.test]", "[b.test]"));
    bench.run(&format!("{renew} --profile-file strict.yaml")).fails(1, &["a.test", "b.test"]);
    // The same key is no longer allowed.
    bench.write(
        "strict.yaml",
        PROFILE.replace("validity_days: 30\nmax", "key_reuse: refused\nvalidity_days: 30\nmax"),
    );
    bench.run(&format!("{renew} --profile-file strict.yaml")).fails(1, &["key_reuse"]);
    // Another profile is another certificate.
    bench.write("other.yaml", PROFILE.replace("name: strict", "name: other"));
    bench.run(&format!("{renew} --profile-file other.yaml")).fails(2, &["other", "strict"]);
}

/// Ten days before the command's own clock.
#[expect(clippy::disallowed_methods, reason = "the command under test goes by the machine's clock")]
fn ten_days_ago() -> Timestamp {
    Timestamp::now() - SignedDuration::from_hours(24 * 10)
}

/// A certificate that ended five days ago; its serial number.
fn ended(bench: &Workbench) -> String {
    let folder = DataFolder::new(bench.path("espalier-data"));
    let mut context =
        Context::new(ten_days_ago, || Box::new(UnwrapErr(getrandom::SysRng)), Terminal::plain());
    let name = |text| DistinguishedName::parse(text).unwrap();
    let algorithm = Algorithm::named("p256").unwrap();
    let (root, issuing) = (name("CN=Root"), name("CN=Issuing"));
    let hierarchy = Hierarchy { algorithm, alt_algorithm: None, root, issuing };
    let protection = Protection::default();
    wait(found_hierarchy(&folder, hierarchy, protection, false, &mut context)).unwrap();
    wait(async {
        let ledger = folder.open_ledger().await.unwrap();
        let mut ask = |_: &mut Context| panic!("the keys have no passphrase");
        let loaded = Authority::load(&folder, &ledger, "issuing", &mut ask, &mut context).await;
        let key = PrivateKey::generate(algorithm, context.rng()).unwrap();
        let names = vec![AltName::parse("DNS:a.test").unwrap()];
        let mut request = Request::new(name("CN=a.test"), names, key.public_key().clone());
        request.validity_seconds = Some(5 * 86_400);
        let (profile, asker) = (shipped("tls-server").unwrap(), Asker::local(None));
        let (authority, context) = (loaded.unwrap(), &mut context);
        let issued =
            issuance::issue(&ledger, &authority, &profile, request, asker, context).await.unwrap();
        ledger.close().await.unwrap();
        issued.serial().to_string()
    })
}

#[test]
fn what_has_ended_is_renewed_only_within_a_stated_grace() {
    let bench = Workbench::new();
    let serial = ended(&bench);
    for grace in ["", "--grace-days 4"] {
        let refused = bench.run(&format!("cert renew {serial} {grace}"));
        refused.fails(1, &["validity", "ended at", "days before now", "--grace-days"]);
    }
    assert_eq!(records(&bench), 3);
    bench.run(&format!("cert renew {serial} --grace-days 6")).done();
    assert_eq!(records(&bench), 4);
}
