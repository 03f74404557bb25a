//! The types of `/v1`.

mod administration;
mod catalogue;
mod certificate;
mod certificate_requests;
mod health;
mod problem;
mod whole;

pub use administration::{
    AuditEvent, AuditPage, CreateToken, PageParameters, SearchAudit, Token, TokenGrant, TokenPage,
};
pub use catalogue::{
    Algorithm, AlgorithmList, Authority, AuthorityList, Profile, ProfileList, RevocationList,
};
pub use certificate::{Certificate, IssueCertificate, IssueParameters, Revocation, Status};
pub use certificate_requests::{
    CertificatePage, CheckedCertificate, RenewCertificate, RevokeCertificate, SearchCertificates,
};
pub use health::{Check, Health, Readiness};
pub use problem::Problem;
