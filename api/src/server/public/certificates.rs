//! `GET /ca/{authority}.cer` and `.pem`: certificates of authorities, where caIssuers leads.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Response};

use super::dated::Dated;
use super::{Public, no_such, stem};
use crate::authority::chain_pem;
use crate::server::negotiate::{PEM_CHAIN, PKIX_CERT};
use crate::server::problem::Refusal;

pub(super) async fn get(
    State(public): State<Public>,
    Path(file): Path<String>,
    headers: HeaderMap,
) -> Result<Response<Body>, Refusal> {
    let (name, as_pem) = match (stem(&file, "cer"), stem(&file, "pem")) {
        (Some(name), _) => (name, false),
        (_, Some(name)) => (name, true),
        _ => return Err(no_such()),
    };
    let served = public.app.authorities().get(name).ok_or_else(no_such)?;
    let (own, above) = served.chain.split_first().ok_or_else(no_such)?;
    let (since, until) = (own.validity().not_before(), own.validity().not_after());
    let dated = if as_pem {
        let pem = chain_pem(own.der(), above, &served.links);
        Dated::new(PEM_CHAIN, pem, since, until)
    } else {
        Dated::new(PKIX_CERT, own.der().to_vec(), since, until)
    };
    Ok(dated.answer(&headers, public.app.now(), public.cache_seconds()))
}
