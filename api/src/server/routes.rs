//! The routes: one table, with who may use each. What has no row does not exist.

mod audit;
mod authorities;
mod catalogue;
mod certificates;
mod docs;
mod export;
mod health;
mod metrics;
mod tokens;

use axum::Router;
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, delete, get, post};
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;

use super::access::{Access, guard};
use super::exchange::{exchange, unknown_method, unknown_path};
use super::state::{App, Room};
use crate::auth::Role;

/// A row of the table.
pub struct Route {
    /// The method; HEAD goes with GET.
    pub method: Method,
    /// The path, with places in braces.
    pub path: &'static str,
    /// Who may use it.
    pub access: Access,
    /// What the audit log calls it; none for what changes nothing.
    pub action: Option<&'static str>,
    handler: MethodRouter<App>,
}

/// A row of what only looks.
fn look(path: &'static str, access: Access, handler: MethodRouter<App>) -> Route {
    Route { method: Method::GET, path, access, action: None, handler }
}

/// A row of what the audit log is told.
fn act(
    method: Method,
    path: &'static str,
    access: Access,
    action: &'static str,
    handler: MethodRouter<App>,
) -> Route {
    Route { method, path, access, action: Some(action), handler }
}

const REQUESTERS: Access = Access::OneOf(&[Role::Requester]);
const REVOKERS: Access = Access::OneOf(&[Role::Revoker]);
const AUDITORS: Access = Access::OneOf(&[Role::Auditor]);
const ADMINS: Access = Access::OneOf(&[Role::Admin]);
/// Whoever has a role at all. Of certificates, requesters see their own.
const ANYBODY: Access =
    Access::OneOf(&[Role::Requester, Role::Revoker, Role::Auditor, Role::Admin]);

/// Every route.
pub fn table() -> Vec<Route> {
    use certificates as of;
    const SERIAL: &str = "/v1/certificates/{serial}";
    const RENEW: &str = "/v1/certificates/{serial}/renew";
    const REVOKE: &str = "/v1/certificates/{serial}/revoke";
    let check = Route {
        method: Method::POST,
        path: "/v1/certificates:check",
        access: REQUESTERS,
        action: None,
        handler: post(of::check::check),
    };
    let issue = post(of::issue::issue);
    vec![
        act(Method::POST, "/v1/certificates", REQUESTERS, "certificate.issue", issue),
        look("/v1/certificates", ANYBODY, get(of::search::search)),
        look(SERIAL, ANYBODY, get(of::show::show)),
        act(Method::POST, RENEW, REQUESTERS, "certificate.renew", post(of::renew::renew)),
        act(Method::POST, REVOKE, REVOKERS, "certificate.revoke", post(of::revoke::revoke)),
        check,
        look("/v1/authorities", ANYBODY, get(authorities::list)),
        look("/v1/authorities/{name}", ANYBODY, get(authorities::show)),
        look("/v1/authorities/{name}/crl", ANYBODY, get(authorities::crl)),
        look("/v1/profiles", ANYBODY, get(catalogue::profiles)),
        look("/v1/algorithms", ANYBODY, get(catalogue::algorithms)),
        act(Method::POST, "/v1/tokens", ADMINS, "token.create", post(tokens::create)),
        look("/v1/tokens", ADMINS, get(tokens::list)),
        act(Method::DELETE, "/v1/tokens/{id}", ADMINS, "token.revoke", delete(tokens::revoke)),
        look("/v1/audit", AUDITORS, get(audit::search)),
        act(Method::GET, "/v1/ledger/export", AUDITORS, "ledger.export", get(export::export)),
        look("/metrics", AUDITORS, get(metrics::metrics)),
        look("/healthz", Access::Open, get(health::healthz)),
        look("/readyz", Access::Open, get(health::readyz)),
        look("/openapi.json", Access::Open, get(docs::openapi)),
        look("/docs", Access::Open, get(docs::page)),
        look("/docs/page.js", Access::Open, get(docs::script)),
        look("/docs/problems", Access::Open, get(docs::problems)),
    ]
}

/// The handlers' own descriptions.
#[derive(utoipa::OpenApi)]
#[openapi(paths(
    certificates::issue::issue,
    certificates::search::search,
    certificates::show::show,
    certificates::renew::renew,
    certificates::revoke::revoke,
    certificates::check::check,
    authorities::list,
    authorities::show,
    authorities::crl,
    catalogue::profiles,
    catalogue::algorithms,
    tokens::create,
    tokens::list,
    tokens::revoke,
    audit::search,
    export::export,
    metrics::metrics,
    health::healthz,
    health::readyz,
    docs::openapi,
    docs::page,
    docs::script,
    docs::problems,
))]
struct Described;

/// What the handlers say of themselves; [`super::openapi`] adds the rest.
pub fn described() -> OpenApi {
    Described::openapi()
}

/// The router of the API.
pub fn router(app: &App) -> Router {
    let mut router = Router::new();
    for Route { path, access, action, handler, .. } in table() {
        let with = (app.clone(), access, action);
        let guarded = handler.route_layer(from_fn_with_state(with, guard));
        router = router.route(path, guarded);
    }
    router
        .fallback(unknown_path)
        .method_not_allowed_fallback(unknown_method)
        .layer(from_fn_with_state((app.clone(), Room::Api), exchange))
        .with_state(app.clone())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::server::openapi::operations;

    #[test]
    fn the_table_and_the_description_are_the_same_set() {
        let table: BTreeSet<(String, String)> = table()
            .iter()
            .map(|route| (route.method.to_string().to_lowercase(), route.path.to_owned()))
            .collect();
        assert_eq!(operations(&described()).into_iter().collect::<BTreeSet<_>>(), table);
    }

    #[test]
    fn only_these_are_open() {
        let open: Vec<&str> = table()
            .iter()
            .filter(|route| route.access == Access::Open)
            .map(|route| route.path)
            .collect();
        let expected =
            ["/healthz", "/readyz", "/openapi.json", "/docs", "/docs/page.js", "/docs/problems"];
        assert_eq!(open, expected);
        for route in table() {
            assert!(route.access != Access::OneOf(&[]), "{}", route.path);
            let changes = route.method != Method::GET && route.path != "/v1/certificates:check";
            assert!(!changes || route.action.is_some(), "{} is not audited", route.path);
        }
    }
}
