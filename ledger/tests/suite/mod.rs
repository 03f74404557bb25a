//! The test suite of every store: written once, run against each by a [`Factory`].
//!
//! A new store implements the factory and calls `suite_for!` in a test file of its own.

#![allow(clippy::unwrap_used, unreachable_pub, dead_code)] // a panic is the failure report

pub mod authorities;
pub mod crls;
pub mod issuance;
pub mod keys;
pub mod material;
pub mod revoking;
pub mod sabotage;
pub mod searching;
pub mod service;
pub mod simulation;
pub mod writing;

use std::future::Future;

use ledger::{Ledger, LedgerError};

/// One database for one test.
pub trait Factory: Send + Sync + 'static {
    /// Opens the database; the same one each time.
    fn open(&self) -> impl Future<Output = Ledger> + Send;

    /// Runs SQL past the store, as an operator with a shell could.
    fn raw(&self, sql: &'static str) -> impl Future<Output = Result<(), String>> + Send;

    /// Makes every INSERT into `certificate` fail with the message "disk on fire".
    fn break_certificate_inserts(&self) -> impl Future<Output = ()> + Send;
}

/// Closes the ledger after checking that nothing but orphans is wrong with it.
pub async fn check_and_close(ledger: Ledger) -> ledger::Report {
    let report = ledger::check(&*ledger, &mut |_| ()).await.unwrap();
    assert!(report.is_sound(), "{:#?}", report.findings);
    let counts = ledger.counts().await.unwrap();
    assert_eq!(report.checked, counts);
    ledger.close().await.unwrap();
    assert!(matches!(ledger.counts().await, Err(LedgerError::Closed)));
    report
}

/// Makes one `#[tokio::test]` of each case, with a fresh factory.
#[macro_export]
macro_rules! suite_for {
    ($factory:expr) => {
        $crate::suite_for!(@cases $factory;
            authorities::an_authority_is_added_once,
            authorities::another_authority_of_the_same_name_is_refused,
            authorities::an_authority_collects_certificates,
            issuance::positions_run_from_one_without_gaps,
            issuance::a_serial_is_never_used_twice,
            issuance::a_repeated_request_gets_the_same_bytes,
            issuance::a_key_with_another_body_is_a_conflict,
            issuance::a_stored_certificate_is_found_by_serial_and_fingerprint,
            issuance::a_certificate_that_was_not_recorded_is_refused,
            issuance::a_record_has_one_certificate,
            issuance::a_record_is_revoked_once,
            issuance::a_certificate_that_comes_after_its_revocation_is_refused,
            issuance::what_was_cut_off_is_ended_and_nothing_that_was_stored,
            issuance::fields_out_of_bounds_are_refused,
            keys::a_component_belongs_to_one_key,
            keys::a_key_is_certified_again_unless_the_record_refuses,
            keys::an_authority_keeps_its_keys_to_itself,
            keys::a_blocked_key_is_revoked_and_never_certified_again,
            keys::an_authority_with_a_blocked_key_issues_nothing,
            keys::one_of_two_that_want_a_component_wins,
            revoking::an_authority_is_revoked_as_a_whole,
            revoking::a_large_authority_is_revoked_in_steps,
            revoking::what_ocsp_is_told,
            crls::numbers_of_an_authority_only_grow,
            crls::a_list_has_what_was_revoked_before_its_number,
            crls::an_expired_entry_leaves_after_one_more_list,
            crls::a_list_of_the_future_settles_nothing,
            crls::the_oldest_current_list_is_the_lowest_number_that_somebody_may_hold,
            crls::a_shard_has_the_certificates_that_name_it,
            crls::only_the_reserved_list_is_stored,
            crls::the_latest_revocation_is_told,
            searching::each_filter_narrows_the_search,
            searching::cursors_walk_every_entry_once_in_both_orders,
            searching::entries_stream_by_position,
            searching::a_tally_comes_to_what_is_there,
            writing::concurrent_requests_share_commits,
            writing::one_refused_request_harms_no_other,
            writing::closing_carries_out_what_waits,
            writing::rows_only_grow,
            writing::an_orphan_is_revoked_by_its_serial,
            service::events_have_an_order_without_gaps,
            service::each_filter_narrows_the_events,
            service::a_token_is_found_by_the_digest_of_its_secret,
            service::one_of_two_that_want_a_name_gets_it,
            service::a_token_is_revoked_once,
            service::a_lease_has_one_holder,
            simulation::random_operations_keep_every_invariant,
        );
    };
    (@cases $factory:expr; $($area:ident::$case:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                suite::$area::$case(&$factory).await;
            }
        )*
    };
}
