#![allow(clippy::unwrap_used)] // a panic is the failure report

use jiff::Timestamp;

use super::*;
use crate::ceremony_id::CeremonyId;
use crate::transcript::Program;

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn digest(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

fn opened(purpose: &str, compared: &[Digest]) -> Event {
    Event::SittingOpened(Box::new(Opening {
        ceremony: CeremonyId::from_bytes([1; 8]),
        rehearsal: false,
        purpose: purpose.into(),
        operator: "Olga".into(),
        witnesses: names(&["Wim"]),
        program: Program { version: "0".into(), digest: None },
        key: String::new(),
        compared: compared.to_vec(),
        cut_octets: 0,
    }))
}

fn key(name: &str, file: &str) -> KeyReady {
    let (path, public_key) = (format!("keys/{name}.json"), format!("public {name}"));
    KeyReady { name: name.into(), path, file: digest(file), public_key }
}

fn read() -> Event {
    Event::DefinitionRead { definition: digest("definition") }
}

fn prepared() -> Vec<Event> {
    let by = names(&["Olga", "Wim"]);
    vec![
        read(),
        Event::SurroundingsChecked { findings: 0 },
        Event::ClockConfirmed { time: Timestamp::UNIX_EPOCH, by },
        Event::EntropyTyped { octets: 99 },
    ]
}

fn handed_out(index: u8, custodian: &str) -> Event {
    Event::ShareHandedOut { index, custodian: custodian.into(), under_passphrase: false }
}

fn joined() -> Event {
    Event::SharesJoined { custodians: names(&["Ana", "Ben"]) }
}

fn planned(plan: &str) -> Event {
    Event::Planned { plan: digest(plan) }
}

fn confirmed(plan: &str) -> Event {
    Event::PlanConfirmed { plan: digest(plan), by: names(&["Olga", "Wim"]) }
}

fn signing(step: &str) -> Event {
    Event::Signing { step: step.into(), tbs: digest(step) }
}

fn signed(step: &str) -> Event {
    Event::Signed { step: step.into(), file: format!("out/{step}.pem"), der: digest(step) }
}

fn destroying(file: &str) -> Event {
    let (step, key) = ("destroy-next".into(), "next".into());
    Event::KeyDestroying { step, key, file: digest(file) }
}

fn destroyed(file: &str) -> Event {
    let (step, key) = ("destroy-next".into(), "next".into());
    Event::KeyDestroyed { step, key, file: digest(file) }
}

/// What stands at the end of a sitting in these tests; the next one compares it.
fn head() -> Digest {
    digest("head")
}

/// Keys, a plan, and a run that signs and destroys: as the program writes them.
fn whole() -> Vec<Event> {
    let made = |name: &str| Event::KeyMaking { key: name.into() };
    let keys = vec![key("next", "next"), key("root", "root")];
    let ready = Event::KeysReady { share_set: digest("set"), keys };
    let end = Event::SittingClosed {};
    [
        vec![opened("keys", &[])],
        prepared(),
        vec![handed_out(1, "Ana"), handed_out(2, "Ben"), made("next"), made("root"), ready],
        vec![end.clone(), opened("plan", &[head()]), read(), planned("plan"), end.clone()],
        vec![opened("run", &[head()])],
        prepared(),
        vec![confirmed("plan"), joined(), signing("root"), signed("root")],
        vec![destroying("next"), destroyed("next"), end],
    ]
    .concat()
}

fn walked(events: &[Event]) -> Result<Walk, AuditError> {
    let mut walk = Walk::default();
    for (event, line) in events.iter().zip(1..) {
        walk.line(line, event)?;
        walk.written(head());
    }
    Ok(walk)
}

/// The place of the first event of this kind, from the end.
fn place(events: &[Event], is: impl Fn(&Event) -> bool) -> usize {
    events.iter().rposition(is).unwrap()
}

#[test]
fn what_the_program_writes_is_accepted() {
    let walk = walked(&whole()).unwrap();
    assert_eq!(walk.living(), ["root"]);
    assert!(walk.is_closed());
    assert_eq!(walk.on_paper, [(HEAD, head())]);
}

/// Each line that a later one rests on.
#[test]
fn without_one_of_its_lines_it_is_refused() {
    let whole = whole();
    for missing in 0..whole.len() - 1 {
        // Making keys is told for a sitting that is cut off; a closed sitting may be a cut one.
        let free = matches!(
            whole[missing],
            Event::KeyMaking { .. }
                | Event::SittingClosed {}
                | Event::ShareHandedOut { index: 2, .. }
        );
        let mut events = whole.clone();
        events.remove(missing);
        match walked(&events) {
            Ok(_) => assert!(free || missing + 2 == whole.len(), "{:?}", whole[missing]),
            Err(error) => {
                assert!(error.to_string().starts_with("transcript: line"), "{error}");
            }
        }
    }
}

/// The whole, with one event changed or others before it.
fn refused(is: impl Fn(&Event) -> bool, instead: &[Event]) -> String {
    let mut events = whole();
    let at = place(&events, is);
    events.splice(at..=at, instead.iter().cloned());
    walked(&events).err().unwrap().to_string()
}

#[test]
fn a_plan_that_nobody_confirmed_is_not_signed() {
    let is_confirmed = |event: &Event| matches!(event, Event::PlanConfirmed { .. });
    let error = refused(is_confirmed, &[confirmed("plan"), planned("another")]);
    assert!(error.contains("allowed: it in a sitting for plan"), "{error}");
    let error = refused(is_confirmed, &[confirmed("another")]);
    assert!(error.contains("allowed: the plan made last"), "{error}");
    for by in [names(&["Olga"]), names(&["Olga", "Olga"]), names(&["Olga", "Somebody"])] {
        let plan = digest("plan");
        let error = refused(is_confirmed, &[Event::PlanConfirmed { plan, by }]);
        assert!(error.contains("by: found") && error.contains("of Olga, Wim"), "{error}");
    }
}

#[test]
fn nobody_alone_and_no_other_purpose() {
    let mut events = whole();
    let Event::SittingOpened(opening) = &mut events[0] else { panic!() };
    for witnesses in [&[][..], &["Olga"][..], &["Wim", "Wim"][..]] {
        opening.witnesses = names(witnesses);
        let one = [Event::SittingOpened(opening.clone())];
        let error = walked(&one).err().unwrap().to_string();
        assert!(error.contains("one witness or more, of different names"), "{error}");
    }
    let is_run =
        |event: &Event| matches!(event, Event::SittingOpened(opening) if opening.purpose == "run");
    let error = refused(is_run, &[opened("share test", &[head()])]);
    assert!(error.contains("another one in a sitting for share test"), "{error}");
    // Nothing was compared with paper, and nobody gave a reason.
    let error = refused(is_run, &[opened("run", &[])]);
    assert!(error.contains("allowed: the paper compared, or an exception"), "{error}");
}

#[test]
fn shares_come_one_after_another_to_each_holder() {
    let is_second = |event: &Event| matches!(event, Event::ShareHandedOut { index: 2, .. });
    for wrong in [handed_out(3, "Ben"), handed_out(1, "Ben"), handed_out(2, "Ana")] {
        let error = refused(is_second, &[wrong]);
        assert!(error.contains("allowed: share 2, and each custodian once"), "{error}");
    }
    let is_joined = |event: &Event| matches!(event, Event::SharesJoined { .. });
    let error = refused(is_joined, &[joined(), handed_out(1, "Eva")]);
    assert!(error.contains("in a sitting for keys or share reshare"), "{error}");
}

#[test]
fn a_key_is_destroyed_as_it_was_begun_and_once() {
    let is_begun = |event: &Event| matches!(event, Event::KeyDestroying { .. });
    let error = refused(is_begun, &[destroying("another file")]);
    assert!(error.contains("file: found"), "{error}");
    let is_done = |event: &Event| matches!(event, Event::KeyDestroyed { .. });
    let error = refused(is_done, &[destroyed("another file")]);
    assert!(error.contains("it after key_destroying of the same"), "{error}");
    let error = refused(is_done, &[signing("root-crl")]);
    assert!(error.contains("it after the step before was done"), "{error}");
    let error = refused(is_done, &[destroyed("next"), destroying("next")]);
    assert!(error.contains("each step once"), "{error}");
    let failed = Event::Failed { message: "x".into() };
    let error = refused(is_begun, &[failed, destroying("next")]);
    assert!(error.contains("another one after failed"), "{error}");
}

fn reshare(custodians: &[&str], keys: &[KeyReady]) -> Vec<Event> {
    let by = names(&["Wim", "Olga"]);
    let confirmed = Event::ReshareConfirmed { threshold: 2, custodians: names(custodians), by };
    let handed_out = custodians.iter().zip(1..).map(|(name, index)| handed_out(index, name));
    let done = Event::Reshared { share_set: digest("new set"), keys: keys.to_vec() };
    [
        vec![opened("share reshare", &[head()])],
        prepared(),
        vec![confirmed, joined()],
        handed_out.collect(),
        vec![done, Event::SittingClosed {}],
    ]
    .concat()
}

#[test]
fn a_reshare_has_every_key_and_each_new_holder() {
    let new = key("root", "sealed anew");
    let right = [whole(), reshare(&["Ana", "Cem"], std::slice::from_ref(&new))].concat();
    let walk = walked(&right).unwrap();
    assert_eq!(walk.share_sets.len(), 2);
    assert_eq!(walk.keys[1].file, digest("sealed anew"));
    let refused = |keys: &[KeyReady]| {
        let events = [whole(), reshare(&["Ana", "Cem"], keys)].concat();
        walked(&events).err().unwrap().to_string()
    };
    let error = refused(&[]);
    assert!(error.contains("keys: found none of root"), "{error}");
    // The key that was destroyed comes back, one that never was, another public key, a key twice.
    let other = KeyReady { public_key: "another".into(), ..new.clone() };
    for wrong in
        [&[new.clone(), key("next", "x")][..], &[key("east", "x")], &[other], &[new.clone(), new]]
    {
        let error = refused(wrong);
        assert!(error.contains("the keys of keys_ready that are there"), "{error}");
    }
    for (is, part) in [
        (0, "it after what they are for was confirmed"),
        (1, "it after shares_joined, for a reshare"),
        (2, "it after a share was handed out to each custodian"),
    ] {
        let mut events = right.clone();
        let confirmed = place(&events, |event| matches!(event, Event::ReshareConfirmed { .. }));
        events.remove(confirmed + is + usize::from(is == 2));
        let error = walked(&events).err().unwrap().to_string();
        assert!(error.contains(part), "{is}: {error}");
    }
}
