//! Too many requests: per requester, and per address that nobody is known behind.

use espalier::auth::Presented;
use jiff::Timestamp;

use crate::desk::{Desk, nothing};
use crate::forge::NOW;
use crate::tokens::good;

const FEW: &str = "rate_limits: { requester_per_second: 1, requester_burst: 3, unauthenticated_per_second: 1, unauthenticated_burst: 2 }";

#[tokio::test]
async fn a_peer_that_fails_too_often_is_told_to_wait_and_others_are_not() {
    let desk = Desk::new(FEW).await;
    for _ in 0..2 {
        Desk::expect_refusal(desk.bearer("x").await, 401, "token: form");
    }
    let answer = desk.bearer("x").await;
    let wait = answer.as_ref().map(drop).unwrap_err().retry_after_seconds();
    assert_eq!(wait, Some(1));
    Desk::expect_refusal(answer, 429, "requests: found too many, allowed again in 1 s");
    let presented = Presented { peer: "192.0.2.8:1".parse().unwrap(), ..nothing() };
    let now = Timestamp::from_second(NOW).unwrap();
    let error = desk.authenticator.authenticate(presented, now).await.map(drop).unwrap_err();
    assert_eq!(error.status(), 401);
}

/// A new configuration gives nobody a full allowance, unless it says another one.
#[tokio::test]
async fn a_reload_leaves_what_is_left_of_an_allowance() {
    let desk = Desk::new(FEW).await;
    for _ in 0..3 {
        desk.bearer("x").await.map(drop).unwrap_err();
    }
    let now = Timestamp::from_second(NOW).unwrap();
    let other = FEW.replace("unauthenticated_burst: 2", "unauthenticated_burst: 3");
    for (config, status) in [(FEW, 429), (other.as_str(), 401)] {
        let next = Desk::new(config).await.authenticator.succeeding(&desk.authenticator);
        let presented = Presented { bearer: Some("x"), ..nothing() };
        let error = next.authenticate(presented, now).await.map(drop).unwrap_err();
        assert_eq!(error.status(), status, "{config}");
    }
}

#[tokio::test]
async fn a_requester_has_its_own_allowance_whatever_its_neighbours_do() {
    let desk = Desk::new(FEW).await;
    // The address failed too often: who is known behind it is served all the same.
    for _ in 0..5 {
        desk.bearer("x").await.map(drop).unwrap_err();
    }
    let (one, two) = (good(&desk, "one").await, good(&desk, "two").await);
    for _ in 0..3 {
        desk.bearer(&one).await.unwrap();
    }
    Desk::expect_refusal(desk.bearer(&one).await, 429, "requests: found too many");
    desk.bearer(&two).await.unwrap();
}
