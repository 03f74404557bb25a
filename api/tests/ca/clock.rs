//! Issuers that expired or are not valid yet, by another clock than the machine's.

use ca_core::algorithm::Algorithm;
use ca_core::general_name::AltName;
use ca_core::key::PrivateKey;
use ca_core::name::DistinguishedName;
use ca_core::plan::Request;
use espalier::authority::{Authority, Protection};
use espalier::cli::{Context, Terminal};
use espalier::data_folder::DataFolder;
use espalier::hierarchy::{Hierarchy, found_hierarchy};
use espalier::issuance::{self, Asker};
use espalier::profiles::shipped;
use espalier::quickstart::quickstart;
use jiff::Timestamp;
use rand_core::UnwrapErr;

use crate::data::{records, wait};
use crate::workbench::Workbench;

fn context(clock: fn() -> Timestamp) -> Context {
    Context::new(clock, || Box::new(UnwrapErr(getrandom::SysRng)), Terminal::plain())
}

fn founding_day() -> Timestamp {
    "2001-02-03T04:05:06Z".parse().unwrap()
}

fn hierarchy() -> Hierarchy {
    let name = |text| DistinguishedName::parse(text).unwrap();
    Hierarchy {
        algorithm: Algorithm::named("p256").unwrap(),
        alt_algorithm: None,
        root: name("CN=Old Root"),
        issuing: name("CN=Old Issuing"),
    }
}

/// A data folder whose authorities were made on the founding day.
fn founded(bench: &Workbench) -> DataFolder {
    let folder = DataFolder::new(bench.path("espalier-data"));
    let mut context = context(founding_day);
    let protection = Protection::default();
    wait(found_hierarchy(&folder, hierarchy(), protection, false, &mut context)).unwrap();
    folder
}

/// Issues a certificate by this clock; what the library says.
fn issue(folder: &DataFolder, clock: fn() -> Timestamp) -> Result<(), String> {
    let mut context = context(clock);
    wait(async {
        let ledger = folder.open_ledger().await.unwrap();
        let mut ask = |_: &mut Context| panic!("the keys have no passphrase");
        let loaded = Authority::load(folder, &ledger, "issuing", &mut ask, &mut context).await;
        let key = PrivateKey::generate(Algorithm::named("p256").unwrap(), context.rng()).unwrap();
        let subject = DistinguishedName::parse("CN=a.test").unwrap();
        let request = Request::new(subject, Vec::new(), key.public_key().clone());
        let profile = shipped("tls-server").unwrap();
        let (authority, asker) = (loaded.unwrap(), Asker::local(None));
        let issued =
            issuance::issue(&ledger, &authority, &profile, request, asker, &mut context).await;
        ledger.close().await.unwrap();
        issued.map(|_| ()).map_err(|error| error.to_string())
    })
}

// 1826 days, 5 minutes of backdating, the last second included.
const FIRST: &str = "2001-02-03T04:00:06Z";
const LAST: &str = "2006-02-03T04:05:05Z";

#[test]
fn an_issuer_signs_from_its_first_second_to_its_last() {
    let bench = Workbench::new();
    let folder = founded(&bench);
    issue(&folder, || FIRST.parse().unwrap()).unwrap();
    issue(&folder, || LAST.parse().unwrap()).unwrap();
    assert_eq!(records(&bench), 4);
    let early = issue(&folder, || "2001-02-03T04:00:05Z".parse().unwrap()).unwrap_err();
    assert!(early.contains(FIRST) && early.contains("2001-02-03T04:00:05Z"), "{early}");
    let late = issue(&folder, || "2006-02-03T04:05:06Z".parse().unwrap()).unwrap_err();
    assert!(late.contains(LAST) && late.contains("2006-02-03T04:05:06Z"), "{late}");
    assert_eq!(records(&bench), 4, "no record of what was refused");
}

#[test]
fn the_command_refuses_an_expired_issuer() {
    let bench = Workbench::new();
    founded(&bench);
    let words = ["certificate refused", LAST];
    bench.run("issue --dns a.test --key-out k.pem --out a.pem").fails(1, &words);
    // The root has twenty years: it expired as well.
    let create = "ca create --name new --no-passphrase --algorithm p256 --subject CN=New";
    bench.run(&format!("{create} --parent root")).fails(1, &["certificate refused", "2021"]);
    let old = "espalier-data/authorities/root/certificate.pem";
    bench.run(&format!("{create} --root")).done();
    let cross = format!("ca cross-sign --authority new --certificate {old}");
    bench.run(&cross).fails(1, &["validity: found 2001", "2021"]);
    assert_eq!(bench.files(), ["espalier-data"]);
    assert_eq!(records(&bench), 3);
}

/// A certificate of quickstart is valid for 90 days.
fn hundred_days_ago() -> Timestamp {
    Timestamp::from_second(crate::listing::now_by_file() - 100 * 86_400).unwrap()
}

#[test]
fn quickstart_replaces_a_certificate_that_expired() {
    let bench = Workbench::new();
    let folder = DataFolder::new(bench.path("espalier-data"));
    let names = [AltName::parse("demo.localhost").unwrap()];
    let mut old = context(hundred_days_ago);
    let made = wait(quickstart(&folder, hierarchy(), false, &names, &mut old)).unwrap();
    assert!(!made.reused && made.outcome.valid);
    let again = wait(quickstart(&folder, hierarchy(), false, &names, &mut old)).unwrap();
    assert!(again.reused);
    let run = bench.run("quickstart --json").done();
    assert_eq!((&run.json()["reused"], &run.json()["valid"]), (&false.into(), &true.into()));
    let certificate = run.json()["fingerprint_sha256"].clone();
    assert!(certificate != made.certificate.fingerprint().to_string());
    let run = bench.run("quickstart --json").done();
    assert_eq!(run.json()["fingerprint_sha256"], certificate);
    assert_eq!(records(&bench), 4);
}
