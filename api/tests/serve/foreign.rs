//! What belongs to others: its existence is nobody else's business.

use serde_json::{Value, json};

use crate::issuing::{csr, served};
use crate::running::Running;

/// A token with this grant.
fn token(server: &Running, name: &str, grant: &Value) -> String {
    let body = json!({"name": name, "expires_in_days": 1, "grant": grant});
    let made = server.post_json("/v1/tokens", &body);
    assert_eq!(made.status, 201, "{made:?}");
    made.json()["secret"].as_str().unwrap().to_owned()
}

/// The serial numbers of all pages of one certificate each, and how many pages there were.
fn walked(server: &Running, token: &str) -> (Vec<String>, usize) {
    let (mut serials, mut pages, mut next) = (Vec::new(), 0, String::new());
    loop {
        let target = format!("/v1/certificates?limit=1{next}");
        let page = server.as_token(token, "GET", &target, None).json();
        pages += 1;
        for one in page["certificates"].as_array().unwrap() {
            serials.push(one["serial"].as_str().unwrap().to_owned());
        }
        match page["next"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => return (serials, pages),
        }
    }
}

#[test]
fn pages_are_of_what_may_be_seen_and_revoking_what_is_others_finds_nothing() {
    let (bench, server) = served();
    let requester = json!({
        "roles": ["requester"], "authorities": ["issuing"], "profiles": ["tls-server"],
        "names": ["DNS:*.apps.test"],
    });
    let own = token(&server, "own", &requester);
    let ask = json!({"csr": csr(&bench, "a.apps.test")});
    let mine = server.as_token(&own, "POST", "/v1/certificates", Some(&ask)).json();
    let mine = mine["serial"].as_str().unwrap().to_owned();
    for name in ["b.test", "c.test"] {
        let issued = server.post_json("/v1/certificates", &json!({"csr": csr(&bench, name)}));
        assert_eq!(issued.status, 201, "{issued:?}");
    }
    // Behind the own one there are three of others, and two before it.
    assert_eq!(walked(&server, &own), (vec![mine.clone()], 1));
    let reach = |roles: &[&str], authority: &str, profile: &str| json!({"roles": roles, "authorities": [authority], "profiles": [profile]});
    let nothing = token(&server, "nothing", &reach(&["auditor"], "issuing", "tls-client"));
    assert_eq!(walked(&server, &nothing), (vec![], 1));
    let servers = token(&server, "servers", &reach(&["revoker"], "*", "tls-server"));
    let (serials, pages) = walked(&server, &servers);
    assert_eq!((serials.len(), pages), (4, 4), "quickstart's own, and three");
    let everything = walked(&server, &server.token);
    assert_eq!(everything.0.len(), 6);

    // To revoke what is others' is the same as to revoke nothing.
    let clients = token(&server, "clients", &reach(&["revoker"], "issuing", "tls-client"));
    let unknown = "4000000000000000000000000000000000000000";
    let revoke = |token: &str, serial: &str| {
        let target = format!("/v1/certificates/{serial}/revoke");
        server.as_token(token, "POST", &target, Some(&json!({})))
    };
    let (foreign, none) = (revoke(&clients, &mine), revoke(&clients, unknown));
    for (answer, serial) in [(&foreign, mine.as_str()), (&none, unknown)] {
        answer.is_problem(404, "not-found", &["serial: found"]);
        let detail = answer.json()["detail"].as_str().unwrap().replace(serial, "");
        assert_eq!(detail, "serial: found , allowed is one that is in this ledger");
    }
    assert_eq!(revoke(&servers, &mine).status, 200);
    server.end();
}

#[test]
fn a_tokens_name_is_taken_over_by_whoever_could_have_given_it_alone() {
    let (_bench, server) = served();
    let all = json!({
        "roles": ["admin"], "authorities": ["*"], "profiles": ["tls-server"], "names": ["*"],
    });
    let less =
        json!({"roles": ["requester"], "authorities": ["issuing"], "profiles": ["tls-server"]});
    let more =
        json!({"roles": ["requester"], "authorities": ["issuing"], "profiles": ["tls-client"]});
    let deputy = token(&server, "deputy", &all);
    token(&server, "ci", &less);
    token(&server, "other", &more);
    let make = |secret: &str, name: &str, take_over: bool| {
        let body =
            json!({"name": name, "expires_in_days": 1, "grant": less, "take_over": take_over});
        server.as_token(secret, "POST", "/v1/tokens", Some(&body))
    };
    make(&deputy, "ci", false).is_problem(422, "invalid-field", &["name: found that of token t-"]);
    assert_eq!(make(&deputy, "ci", true).status, 201);
    make(&deputy, "other", true).is_problem(403, "forbidden", &["profiles"]);
    assert_eq!(make(&server.token, "other", true).status, 201);
    server.end();
}
