//! Linting what was read: certificates, requests and lists of anyone.

use der::{Decode, Encode};

use super::list::Listed;
use super::request::Requested;
use super::subject::{Claims, Issuer, Subject, is_self_signed};
use super::{Check, Finding, LintOverrides, Object, Severity, all};
use crate::certificate::{
    Certificate, CertificateError, MAX_CERTIFICATE_SIZE, Outer, TbsFields, check_name_sizes,
};
use crate::extensions::{Extension, ExtensionError, Extensions};
use crate::public_key::{PublicKey, PublicKeyError};

/// The parts of a certificate, each read as far as it goes: one that the strict reader refuses
/// still has fields to look at.
pub(super) struct Parts {
    pub(super) outer: Outer,
    pub(super) canonical: bool,
    fields: TbsFields,
    key: Result<PublicKey, PublicKeyError>,
    extensions: Extensions,
    unreadable: Vec<ExtensionError>,
    /// The strict reader's word.
    strict: Result<Certificate, CertificateError>,
    size: usize,
}

impl Parts {
    fn read(der: &[u8]) -> Result<Self, CertificateError> {
        if der.len() > MAX_CERTIFICATE_SIZE {
            return Err(CertificateError::TooLarge { found: der.len() });
        }
        let outer = Outer::read(der)?;
        let tbs = &der[outer.tbs.clone()];
        check_name_sizes(tbs)?;
        let fields = TbsFields::from_der(tbs)?;
        let canonical = fields.to_der()? == tbs;
        let key = PublicKey::from_spki(&fields.subject_public_key_info.to_der()?);
        let all = fields.extensions.iter().flatten().map(Extension::from).collect();
        let (extensions, unreadable) = Extensions::read_each(all);
        let strict = Certificate::from_der(der);
        Ok(Self { outer, canonical, fields, key, extensions, unreadable, strict, size: der.len() })
    }

    fn subject(&self) -> Subject<'_> {
        let claims = Claims::new(
            &self.fields.subject,
            self.key.as_ref(),
            &self.extensions,
            &self.unreadable,
        );
        let read = self.strict.as_ref().ok();
        Subject::of_certificate(claims, &self.fields, self.size, read)
    }
}

/// Lints certificates that stand together, as a chain does: for each, what was found in it.
///
/// The issuer of each is the one behind it, where its name fits; of the last one `issuer`, or
/// itself when it is self-signed. Lints that need an issuer are left out where there is none.
/// Nothing is trusted by this: see [`crate::path`].
pub fn lint_certificates(
    ders: &[&[u8]],
    issuer: Option<&Certificate>,
    overrides: &LintOverrides,
) -> Vec<Vec<Finding>> {
    let parts: Vec<Result<Parts, CertificateError>> =
        ders.iter().map(|der| Parts::read(der)).collect();
    let lint_one = |(at, read): (usize, &Result<Parts, CertificateError>)| match read {
        Err(error) => unreadable(Object::Certificate, error.to_string(), overrides),
        Ok(lower) => lint_parts(lower, &parts[at + 1..], issuer, overrides),
    };
    parts.iter().enumerate().map(lint_one).collect()
}

fn lint_parts(
    parts: &Parts,
    behind: &[Result<Parts, CertificateError>],
    last_issuer: Option<&Certificate>,
    overrides: &LintOverrides,
) -> Vec<Finding> {
    let subject = parts.subject();
    let next = behind.first().and_then(|next| next.as_ref().ok());
    let upper = next.map(Parts::subject);
    let issuer = issuer_of(parts, behind, last_issuer);
    let mut findings: Vec<Finding> = all()
        .filter_map(|lint| {
            let detail = match lint.check {
                Check::Claims(check) => check(&subject.claims),
                Check::Certificate(check) => check(&subject),
                Check::Read(check) => check(&subject, parts),
                Check::Issued(check) => check(&subject, issuer.as_ref()?),
                Check::Chain(check) => check(&subject, upper.as_ref()?),
                _ => None,
            };
            detail.map(|detail| lint.finding(detail, overrides))
        })
        .collect();
    if let Err(error) = &parts.strict
        && !has_error(&findings)
    {
        findings.extend(unreadable(Object::Certificate, error.to_string(), overrides));
    }
    findings
}

/// The issuer, and the size of what is above it without a root.
fn issuer_of<'a>(
    parts: &'a Parts,
    behind: &'a [Result<Parts, CertificateError>],
    last_issuer: Option<&'a Certificate>,
) -> Option<Issuer<'a>> {
    let own = parts.strict.as_ref().ok()?;
    // Of the same name with another key is a link certificate (RFC 4210 section 4.4).
    if is_self_signed(&parts.fields, &parts.extensions)
        && last_issuer.is_none_or(|issuer| issuer.subject() == own.subject())
    {
        return Some(Issuer::of_certificate(own, 0));
    }
    let mut rest = behind.iter().map_while(|next| next.as_ref().ok()?.strict.as_ref().ok());
    let next = rest.next().filter(|next| crate::path::same_name(next.subject(), own.issuer()));
    match next {
        Some(next) => {
            let above = rest.filter(|one| !one.is_self_issued()).map(|one| one.der().len()).sum();
            Some(Issuer::of_certificate(next, above))
        }
        None => last_issuer.map(|issuer| Issuer::of_certificate(issuer, 0)),
    }
}

/// Lints a certificate request.
pub fn lint_request(der: &[u8], overrides: &LintOverrides) -> Vec<Finding> {
    let request = Requested::read(der);
    let claims = request.claims();
    let mut findings: Vec<Finding> = all()
        .filter_map(|lint| {
            let detail = match lint.check {
                Check::Claims(check) => check(claims.as_ref()?),
                Check::Request(check) => check(&request),
                _ => None,
            };
            detail.map(|detail| lint.finding(detail, overrides))
        })
        .collect();
    if let Err(error) = &request.strict
        && !has_error(&findings)
    {
        findings.extend(unreadable(Object::Request, error.to_string(), overrides));
    }
    findings
}

/// Lints a revocation list, with `issuer` also its signature and who may make it.
pub fn lint_list(
    der: &[u8],
    issuer: Option<&Certificate>,
    overrides: &LintOverrides,
) -> Vec<Finding> {
    let list = Listed::read(der, issuer);
    let mut findings: Vec<Finding> = all()
        .filter_map(|lint| match lint.check {
            Check::List(check) => check(&list).map(|detail| lint.finding(detail, overrides)),
            _ => None,
        })
        .collect();
    if let Err(error) = &list.read
        && !has_error(&findings)
    {
        findings.extend(unreadable(Object::List, error.to_string(), overrides));
    }
    findings
}

fn has_error(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.severity == Severity::Error)
}

fn unreadable(object: Object, why: String, overrides: &LintOverrides) -> Vec<Finding> {
    let of_object = |check| matches!(check, Check::Unreadable(of) if of == object);
    let lint = all().find(|lint| of_object(lint.check));
    lint.map(|lint| lint.finding(why, overrides)).into_iter().collect()
}
