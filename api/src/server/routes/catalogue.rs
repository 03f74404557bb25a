//! `/v1/profiles` and `/v1/algorithms`: what may be asked for.

use axum::Json;
use axum::extract::State;
use ca_core::algorithm::{Algorithm, Family, MlKem};
use client::v1::{self, AlgorithmList, Problem, ProfileList};

use crate::server::state::App;

/// List the profiles that may be asked for
#[utoipa::path(get, path = "/v1/profiles", operation_id = "listProfiles", tag = "catalogue", responses(
    (status = 200, description = "All of them, by name", body = ProfileList),
    (status = "default", description = "A problem", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn profiles(State(app): State<App>) -> Json<ProfileList> {
    let profiles = app.profiles();
    let shown = profiles.values().map(|profile| v1::Profile {
        name: profile.name().to_owned(),
        description: profile.description().to_owned(),
        keys: profile.allowed_keys(),
        name_kinds: profile.name_kinds().iter().map(ToString::to_string).collect(),
        default_validity_seconds: profile.validity().default_seconds,
        max_validity_seconds: profile.validity().max_seconds,
    });
    Json(ProfileList { profiles: shown.collect() })
}

/// List the algorithms that keys can be of
#[utoipa::path(get, path = "/v1/algorithms", operation_id = "listAlgorithms", tag = "catalogue", responses(
    (status = 200, description = "All of them", body = AlgorithmList),
    (status = "default", description = "A problem", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn algorithms() -> Json<AlgorithmList> {
    let signing = Algorithm::all().iter().map(|row| {
        let oid = row.oid().to_string();
        let aliases = row.aliases().iter().filter(|alias| **alias != oid).cloned();
        v1::Algorithm {
            name: row.name().to_owned(),
            family: row.family().to_string(),
            public_key_bytes: row.public_key_size(),
            signature_bytes: Some(row.signature_size()),
            aliases: aliases.collect(),
            oid,
        }
    });
    let kem = MlKem::ALL.into_iter().map(|set| v1::Algorithm {
        name: set.name().to_owned(),
        oid: set.oid().to_string(),
        family: Family::Kem.to_string(),
        public_key_bytes: set.public_key_size(),
        signature_bytes: None,
        aliases: set.aliases().iter().map(ToString::to_string).collect(),
    });
    Json(AlgorithmList { algorithms: signing.chain(kem).collect() })
}
