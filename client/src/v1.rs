//! The types of `/v1`.

mod administration;
mod catalogue;
mod certificate;
mod certificate_requests;
mod health;
mod page;
mod problem;
mod secret;
mod whole;

pub use administration::{
    AuditEvent, AuditPage, CreateToken, SearchAudit, Token, TokenGrant, TokenPage,
};
pub use catalogue::{
    Algorithm, AlgorithmList, Authority, AuthorityList, Profile, ProfileList, RevocationList,
};
pub use certificate::{Certificate, IssueCertificate, IssueParameters, Revocation, Status};
pub use certificate_requests::{
    CertificatePage, CheckedCertificate, RenewCertificate, RevokeCertificate, SearchCertificates,
};
pub use health::{Check, Health, Readiness};
pub use page::{PageParameters, Paged, Pages};
pub use problem::Problem;
pub use secret::Secret;
