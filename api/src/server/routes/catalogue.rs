//! `/v1/profiles` and `/v1/algorithms`: what may be asked for.

use axum::Json;
use axum::extract::State;
use client::v1::{AlgorithmList, Problem, ProfileList};

use crate::server::state::App;
use crate::wire;

/// List the profiles that may be asked for
#[utoipa::path(get, path = "/v1/profiles", operation_id = "listProfiles", tag = "catalogue", responses(
    (status = 200, description = "All of them, by name", body = ProfileList),
    (status = "default", description = "A problem", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn profiles(State(app): State<App>) -> Json<ProfileList> {
    let profiles = app.profiles();
    let shown = profiles.values().map(|profile| wire::profile(profile));
    Json(ProfileList { profiles: shown.collect() })
}

/// List the algorithms that keys can be of
#[utoipa::path(get, path = "/v1/algorithms", operation_id = "listAlgorithms", tag = "catalogue", responses(
    (status = 200, description = "All of them", body = AlgorithmList),
    (status = "default", description = "A problem", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn algorithms() -> Json<AlgorithmList> {
    Json(AlgorithmList { algorithms: wire::algorithms() })
}
