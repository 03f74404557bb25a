//! A process that issues certificates is killed by SIGKILL at each step of issuance, and at any
//! moment in between. Whatever it told us is in the ledger afterwards, and nothing is there twice.
#![cfg(unix)]
#![allow(clippy::unwrap_used)] // a panic is the failure report
#![allow(clippy::print_stdout)] // the child tells its parent what it released

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ca_core::general_name::AltName;
use ca_core::key::PrivateKey;
use ca_core::lint::lint;
use ca_core::name::DistinguishedName;
use ca_core::plan::{Request, plan};
use ca_core::serial::SerialNumber;
use espalier::authority::{Authority, Protection};
use espalier::cli::{CliError, Context, Terminal};
use espalier::data_folder::{DataFolder, wait_for};
use espalier::hierarchy::{Hierarchy, found_hierarchy};
use espalier::issuance::{self, Asker, Recorded};
use espalier::profiles::shipped;
use ledger::{FindingKind, Ledger, Page};

const FOLDER: &str = "ESPALIER_CRASH_FOLDER";
const STEP: &str = "ESPALIER_CRASH_STEP";
/// Kills at each step; five steps make 200.
const KILLS_PER_STEP: usize = 40;
/// Kills at any moment, while several requests share commits.
const KILLS_ANYWHERE: usize = 40;
/// Requests under way at once in the second half.
const CONCURRENT: usize = 8;

/// Where the process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Linted,
    Recorded,
    Signed,
    Stored,
    Released,
    Anywhere,
}

const STEPS: [Step; 5] = [Step::Linted, Step::Recorded, Step::Signed, Step::Stored, Step::Released];

#[test]
fn no_kill_loses_or_doubles_a_certificate() {
    if std::env::var_os(FOLDER).is_some() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let folder = DataFolder::new(home.path().join("data"));
    make_authorities(&folder);
    let mut released = BTreeMap::new();
    let mut orphans = 0;
    let mut kills = 0;
    for _ in 0..KILLS_PER_STEP {
        for step in STEPS {
            told_before_death(folder.path(), step, &mut released);
            kills += 1;
            orphans += u64::from(matches!(step, Step::Recorded | Step::Signed));
            let found = check(&folder, &released);
            assert_eq!(found, orphans, "orphans after a kill at {step:?}");
        }
    }
    let by_step = released.len();
    for _ in 0..KILLS_ANYWHERE {
        told_before_death(folder.path(), Step::Anywhere, &mut released);
        kills += 1;
        check(&folder, &released);
    }
    assert!(released.len() > by_step, "nothing was released between kills at any moment");
    println!("crash: {kills} kills, {} released and all known, 0 serials twice", released.len());
}

/// Starts a process that issues until it dies, and collects what it released before.
fn told_before_death(folder: &Path, step: Step, released: &mut BTreeMap<String, String>) {
    let mut child = start(folder, step);
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut killer = (step == Step::Anywhere).then(|| {
        let id = rustix::process::Pid::from_child(&child);
        // Some kills come before the first certificate, some after dozens.
        let octets = SerialNumber::generate(&mut rng());
        let wait = Duration::from_micros(u64::from(octets.as_bytes()[1]) * 1_500);
        std::thread::spawn(move || {
            std::thread::sleep(wait);
            rustix::process::kill_process(id, rustix::process::Signal::KILL).unwrap();
        })
    });
    for line in lines.map_while(Result::ok) {
        let Some(told) = line.strip_prefix("released ") else { continue };
        let Some((serial, fingerprint)) = told.split_once(' ') else { continue };
        if fingerprint.len() < 64 {
            continue; // the line itself was cut off by the kill
        }
        let before = released.insert(serial.to_owned(), fingerprint.to_owned());
        assert_eq!(before, None, "serial {serial} was released twice");
    }
    let status = child.wait().unwrap();
    assert!(!status.success(), "the process was to be killed at {step:?}");
    if let Some(killer) = killer.take() {
        killer.join().unwrap();
    }
}

fn start(folder: &Path, step: Step) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "a_process_that_issues_until_it_dies", "--nocapture"]);
    command.env(FOLDER, folder).env(STEP, format!("{step:?}"));
    command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

/// Opens the ledger again and checks every invariant; gives the number of orphans.
fn check(folder: &DataFolder, released: &BTreeMap<String, String>) -> u64 {
    wait_for(async {
        let ledger = folder.open_ledger().await?;
        let report = ledger::check(&*ledger, &mut |_| {}).await.unwrap();
        assert!(report.is_sound(), "{report:?}");
        for (serial, fingerprint) in released {
            let entry =
                ledger.get_by_serial(SerialNumber::from_hex(serial).unwrap()).await.unwrap();
            let certificate = entry.and_then(|entry| entry.certificate);
            let known = certificate.map(|certificate| certificate.fingerprint.to_string());
            assert_eq!(known.as_ref(), Some(fingerprint), "released {serial} is not in the ledger");
        }
        let listed = ledger.orphans(Page::first(1000)).await.unwrap().entries.len() as u64;
        let found = report.found.get(&FindingKind::Orphan).copied().unwrap_or(0);
        assert_eq!(listed, found);
        ledger.close().await.unwrap();
        Ok(found)
    })
    .unwrap()
}

fn make_authorities(folder: &DataFolder) {
    let algorithm = ca_core::algorithm::Algorithm::hybrid();
    let subject = |text| DistinguishedName::parse(text).unwrap();
    let hierarchy = Hierarchy {
        algorithm,
        alt_algorithm: None,
        root: subject("CN=Crash Root CA"),
        issuing: subject("CN=Crash Issuing CA"),
    };
    let mut context = context();
    wait_for(found_hierarchy(folder, hierarchy, Protection::default(), false, &mut context))
        .unwrap();
}

fn rng() -> rand_core::UnwrapErr<getrandom::SysRng> {
    rand_core::UnwrapErr(getrandom::SysRng)
}

#[expect(clippy::disallowed_methods, reason = "the test is its own composition root")]
fn context() -> Context {
    Context::new(jiff::Timestamp::now, || Box::new(rng()), Terminal::plain())
}

#[test]
fn a_process_that_issues_until_it_dies() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let step = std::env::var(STEP).unwrap();
    let step = STEPS.into_iter().find(|known| format!("{known:?}") == step);
    let folder = DataFolder::new(folder);
    wait_for(async {
        let ledger = folder.open_ledger().await?;
        let mut no_passphrase = |_: &mut Context| Err(CliError::usage("the keys are plain"));
        let issuing =
            Authority::load(&folder, &ledger, "issuing", &mut no_passphrase, &mut context())
                .await?;
        loop {
            let one = || issue(&ledger, &issuing, step.unwrap_or(Step::Anywhere));
            match step {
                Some(_) => one().await,
                None => {
                    let many: [_; CONCURRENT] = std::array::from_fn(|_| one());
                    let [a, b, c, d, e, f, g, h] = many;
                    tokio::join!(a, b, c, d, e, f, g, h);
                }
            }
        }
        #[expect(unreachable_code, reason = "gives the endless loop its type")]
        Ok(())
    })
    .unwrap();
}

/// Issues one certificate step by step, and dies at `death`.
async fn issue(ledger: &Ledger, authority: &Authority, death: Step) {
    let mut context = context();
    let algorithm = ca_core::algorithm::Algorithm::named("p256").unwrap();
    let key = PrivateKey::generate(algorithm, &mut rng()).unwrap();
    let names = vec![AltName::parse("DNS:crash.localhost").unwrap()];
    let request = Request::new(DistinguishedName::default(), names, key.public_key().clone());
    let profile = shipped("tls-server").unwrap();
    let serial = SerialNumber::generate(context.rng());
    let now = context.now();
    let linted = lint(plan(&profile, request, authority.identity(), serial, now).unwrap()).unwrap();
    die_if(death == Step::Linted);
    let (name, asker) = (algorithm.name().to_owned(), Asker::local(None));
    let recorded = issuance::record(ledger, linted, authority, name, asker, now).await.unwrap();
    let Recorded::New(ready) = recorded else { panic!("a new serial is a new record") };
    die_if(death == Step::Recorded);
    let signed = issuance::sign(*ready, authority).unwrap();
    die_if(death == Step::Signed);
    let stored = issuance::store(ledger, signed, now).await.unwrap();
    die_if(death == Step::Stored);
    let issued = issuance::release(stored);
    let fingerprint = ca_core::fingerprint::Fingerprint::of(issued.der());
    // One write, so that lines of concurrent requests do not mix.
    let line = format!("released {} {fingerprint}\n", issued.serial());
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(line.as_bytes()).and_then(|()| stdout.flush()).unwrap();
    die_if(death == Step::Released);
}

/// Ends this process as a power cut would.
fn die_if(now: bool) {
    if now {
        let itself = rustix::process::getpid();
        rustix::process::kill_process(itself, rustix::process::Signal::KILL).unwrap();
        std::thread::sleep(Duration::from_secs(60));
    }
}
