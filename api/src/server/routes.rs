//! The routes: one table, with who may use each. What has no row does not exist.

mod certificates;
mod docs;
mod health;

use axum::Router;
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get, post};
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;

use super::access::{Access, guard};
use super::exchange::{exchange, unknown_method, unknown_path};
use super::state::App;
use crate::auth::Role;

/// A row of the table.
pub struct Route {
    /// The method; HEAD goes with GET.
    pub method: Method,
    /// The path, with places in braces.
    pub path: &'static str,
    /// Who may use it.
    pub access: Access,
    handler: MethodRouter<App>,
}

fn row(method: Method, path: &'static str, access: Access, handler: MethodRouter<App>) -> Route {
    Route { method, path, access, handler }
}

/// Who may look at certificates: requesters see their own.
const READERS: Access =
    Access::OneOf(&[Role::Requester, Role::Revoker, Role::Auditor, Role::Admin]);

/// Every route.
pub fn table() -> Vec<Route> {
    let requesters = Access::OneOf(&[Role::Requester]);
    vec![
        row(Method::POST, "/v1/certificates", requesters, post(certificates::issue::issue)),
        row(Method::GET, "/v1/certificates/{serial}", READERS, get(certificates::show::show)),
        row(Method::GET, "/healthz", Access::Open, get(health::healthz)),
        row(Method::GET, "/readyz", Access::Open, get(health::readyz)),
        row(Method::GET, "/openapi.json", Access::Open, get(docs::openapi)),
        row(Method::GET, "/docs", Access::Open, get(docs::page)),
        row(Method::GET, "/docs/page.js", Access::Open, get(docs::script)),
        row(Method::GET, "/docs/problems", Access::Open, get(docs::problems)),
    ]
}

/// The handlers' own descriptions.
#[derive(utoipa::OpenApi)]
#[openapi(paths(
    certificates::issue::issue,
    certificates::show::show,
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
    for Route { path, access, handler, .. } in table() {
        let guarded = handler.route_layer(from_fn_with_state((app.clone(), access), guard));
        router = router.route(path, guarded);
    }
    router
        .fallback(unknown_path)
        .method_not_allowed_fallback(unknown_method)
        .layer(from_fn_with_state(app.clone(), exchange))
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
        }
    }
}
