//! The steps of issuance, called one by one in ways that must not work.

use ca_core::algorithm::Algorithm;
use ca_core::crl::{Scope, Subjects};
use ca_core::key::PrivateKey;
use ca_core::lint::lint;
use ca_core::name::DistinguishedName;
use ca_core::plan::{Request, plan};
use ca_core::serial::SerialNumber;
use espalier::authority::Authority;
use espalier::cli::{Context, Terminal};
use espalier::crl_making;
use espalier::data_folder::DataFolder;
use espalier::issuance::{self, Asker, IssueError, Recorded};
use espalier::profiles::shipped;
use jiff::{SignedDuration, Timestamp};
use ledger::NewCrl;
use rand_core::UnwrapErr;

use crate::data::{classical, sound, wait};

/// Plans a certificate of `issuing`, and lets these authorities record and sign it.
#[expect(clippy::disallowed_methods, reason = "a test is a composition root")]
fn planned_for_issuing(
    folder: &DataFolder,
    recorder: &str,
    signer: &str,
) -> Result<(), IssueError> {
    let rng = || -> espalier::cli::Rng { Box::new(UnwrapErr(getrandom::SysRng)) };
    let mut context = Context::new(Timestamp::now, rng, Terminal::plain());
    wait(async {
        let ledger = folder.open_ledger().await.unwrap();
        let mut ask = |_: &mut Context| panic!("the keys have no passphrase");
        let issuing = Authority::load(folder, &ledger, "issuing", &mut ask, &mut context).await;
        let recorder = Authority::load(folder, &ledger, recorder, &mut ask, &mut context).await;
        let signer = Authority::load(folder, &ledger, signer, &mut ask, &mut context).await;
        let (issuing, recorder, signer) = (issuing.unwrap(), recorder.unwrap(), signer.unwrap());
        let key = PrivateKey::generate(Algorithm::named("p256").unwrap(), context.rng()).unwrap();
        let subject = DistinguishedName::parse("CN=a.test").unwrap();
        let request = Request::new(subject, Vec::new(), key.public_key().clone());
        let (serial, now) = (SerialNumber::generate(context.rng()), context.now());
        let profile = shipped("tls-server").unwrap();
        let plan = plan(&profile, request, issuing.identity(), serial, now).unwrap();
        let (linted, name, asker) = (lint(plan).unwrap(), "p256".to_owned(), Asker::local(None));
        let recorded = issuance::record(&ledger, linted, &recorder, name, asker, now).await?;
        let Recorded::New(ready) = recorded else { panic!("a new serial is new") };
        let signed = issuance::sign(*ready, &signer).map(|_| ());
        ledger.close().await.unwrap();
        signed
    })
}

#[test]
fn only_the_recorded_authority_signs() {
    let bench = classical();
    let folder = DataFolder::new(bench.path("espalier-data"));
    planned_for_issuing(&folder, "issuing", "issuing").unwrap();
    let refused = planned_for_issuing(&folder, "issuing", "root").unwrap_err();
    assert!(matches!(refused, IssueError::OtherAuthority { .. }), "{refused}");
    let words = refused.to_string();
    assert!(words.contains("\"issuing\"") && words.contains("\"root\""), "{words}");
    assert_eq!(sound(&bench)["checked"]["orphans"], 2);
}

#[test]
fn only_the_issuer_that_a_certificate_names_records_it() {
    let bench = classical();
    let folder = DataFolder::new(bench.path("espalier-data"));
    let refused = planned_for_issuing(&folder, "root", "root").unwrap_err();
    assert!(matches!(refused, IssueError::PlannedForAnother { .. }), "{refused}");
    assert!(refused.to_string().contains("root"), "{refused}");
    assert_eq!(sound(&bench)["checked"]["orphans"], 0);
}

/// Two make lists at the same time, and the one with the lower number is later.
#[test]
#[expect(clippy::disallowed_methods, reason = "a test is a composition root")]
fn a_list_that_was_overtaken_is_not_published() {
    let bench = classical();
    let folder = DataFolder::new(bench.path("espalier-data"));
    let rng = || -> espalier::cli::Rng { Box::new(UnwrapErr(getrandom::SysRng)) };
    let mut context = Context::new(Timestamp::now, rng, Terminal::plain());
    wait(async {
        let ledger = folder.open_ledger().await.unwrap();
        let mut ask = |_: &mut Context| panic!("the keys have no passphrase");
        let issuing = Authority::load(&folder, &ledger, "issuing", &mut ask, &mut context).await;
        let (issuing, now) = (issuing.unwrap(), context.now());
        let new = |scope| NewCrl {
            authority: "issuing".into(),
            scope,
            base: None,
            this_update: now,
            next_update: now + SignedDuration::from_hours(1),
        };
        let mut lists = Vec::new();
        let leaves = Scope::all().only(Subjects::EndEntities);
        for scope in [Scope::all(), Scope::all(), leaves] {
            let place = folder.path();
            let made =
                crl_making::make(&ledger, &issuing, new(scope), &[], place, context.terminal());
            lists.push(made.await.unwrap());
        }
        // Of another scope, the higher number does not matter.
        for list in [&lists[2], &lists[1]] {
            list.store(&ledger, now).await.unwrap();
        }
        let refused = lists[0].store(&ledger, now).await.unwrap_err().to_string();
        assert!(refused.contains("found number 2 of the same scope"), "{refused}");
        ledger.close().await.unwrap();
    });
}
