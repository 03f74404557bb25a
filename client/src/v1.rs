//! The types of `/v1`.

mod certificate;
mod health;
mod problem;

pub use certificate::{Certificate, IssueCertificate, IssueParameters, Revocation, Status};
pub use health::{Check, Health, Readiness};
pub use problem::Problem;
