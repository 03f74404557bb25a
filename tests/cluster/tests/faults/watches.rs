//! The way to the API server breaks, and what was watched is forgotten there.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::process::Signal;
use serde_json::json;
use test_cluster::{Asked, Between, Stand, Twist};

use crate::{ready, stand, uid, wanted};

const REQUESTS: &str = "/apis/cert-manager.io/v1/certificaterequests?";
const STATUS: &str = "/status?";

/// The issuer program asks for the cluster through this, until [`directly`].
fn through(stand: &mut Stand) -> Between {
    let ca = fs::read_to_string(stand.cluster.ca_file()).unwrap();
    let between = Between::before(stand.cluster.server(), &ca);
    stand.controllers.end(Signal::TERM);
    stand.controllers.asks_at(&between.url());
    stand.controllers.start();
    between
}

fn directly(stand: &mut Stand) {
    stand.controllers.end(Signal::TERM);
    let url = stand.cluster.server().to_owned();
    stand.controllers.asks_at(&url);
    stand.controllers.start();
}

fn is_watch(asked: &Asked) -> bool {
    asked.is("GET", REQUESTS) && asked.path.contains("watch=")
}

/// How often all requests were listed.
fn lists(between: &Between) -> usize {
    let seen = between.seen();
    let list =
        |one: &&String| one.starts_with(&format!("GET {REQUESTS}")) && !one.contains("watch=");
    seen.iter().filter(list).count()
}

/// The same watch from the beginning of the cluster's time, which the API server remembers no more.
fn from_long_ago(path: &str) -> String {
    let (before, after) = path.split_once("resourceVersion=").unwrap();
    let rest = after.find('&').map_or("", |at| &after[at..]);
    format!("{before}resourceVersion=1{rest}")
}

#[test]
fn a_watch_that_expired_is_begun_anew_and_one_that_broke_goes_on() {
    let Some(mut stand) = stand() else { return };
    let mut between = through(&mut stand);
    let shop = ready(&stand, "watches");
    let served = |name: &str| {
        shop.apply(&wanted(name));
        shop.wait(&format!("certificate/{name}"), "condition=Ready");
        assert_eq!(stand.server.issued(&uid(&shop, &shop.request_of(name))), 1, "{name}");
    };
    served("before");
    let listed = lists(&between);
    assert!(listed >= 1, "{:?}", between.seen());
    between.cut();
    served("broken");
    assert_eq!(lists(&between), listed, "what broke goes on where it was");
    let expired = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&expired);
    between.does(move |asked| {
        if is_watch(asked) && count.fetch_add(1, Ordering::Relaxed) == 0 {
            return Twist::At(from_long_ago(&asked.path));
        }
        Twist::Pass
    });
    between.cut();
    served("expired");
    let again = lists(&between) - listed;
    assert!((1..=3).contains(&again), "listed {again} times: {:?}", between.seen());
    drop(shop);
    directly(&mut stand);
}

#[test]
fn writes_that_fail_or_whose_answer_is_lost_lead_to_one_certificate() {
    let Some(mut stand) = stand() else { return };
    let between = through(&mut stand);
    let shop = ready(&stand, "writes");
    let refusal = |code: u16, reason: &str| {
        let text = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code,
            "reason": reason, "message": format!("told to say {reason}"),
        });
        Twist::Instead(code, "application/json", text.to_string())
    };
    for (name, twist) in [
        ("lost", None),
        ("failing", Some((500, "InternalError"))),
        ("conflict", Some((409, "Conflict"))),
        ("busy", Some((429, "TooManyRequests"))),
    ] {
        let left = Arc::new(AtomicUsize::new(2));
        between.does(move |asked| {
            let is_ours =
                asked.is("PATCH", "/apis/cert-manager.io/") && asked.path.contains(STATUS);
            let one_less = |left: usize| left.checked_sub(1);
            if is_ours && left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok()
            {
                return twist.map_or(Twist::Half, |(code, reason)| refusal(code, reason));
            }
            Twist::Pass
        });
        shop.apply(&wanted(name));
        shop.wait(&format!("certificate/{name}"), "condition=Ready");
        assert_eq!(stand.server.issued(&uid(&shop, &shop.request_of(name))), 1, "{name}");
    }
    drop(shop);
    directly(&mut stand);
}
