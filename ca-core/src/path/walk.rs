//! Validating one path from its anchor down to the certificate (RFC 5280 section 6.1).

use super::certificate_rules::{
    check_authority, check_extensions, check_fields, check_has_key_identifier, check_key,
    check_key_identifiers, check_validity,
};
use super::link::Link;
use super::name_constraints::Constraints;
use super::outcome::{Check, Fault, Reason, Step, Verdict};
use super::policies::Policies;
use super::{Extent, Options, SecurityPolicy, server_name, subject_alt_name, usage};
use crate::certificate::Certificate;

/// A certificate of a path with the signatures by which its issuer vouches for it. The anchor has
/// none, but for a self-signed certificate that is verified against itself.
pub(super) struct Element<'a> {
    pub(super) certificate: &'a Certificate,
    pub(super) link: Option<Link>,
}

/// A path that is refused.
pub(super) struct Refusal<'a> {
    pub(super) steps: Vec<Step>,
    pub(super) certificate: &'a Certificate,
    pub(super) fault: Fault,
    /// How many certificates lie between the one at fault and the end.
    pub(super) distance: usize,
}

/// Validates a path whose signatures were checked; its first element is the anchor. What comparing
/// names with constraints costs is added to `comparisons`.
pub(super) fn walk<'a>(
    path: &[Element<'a>],
    options: &Options,
    comparisons: &mut usize,
) -> Result<Vec<Step>, Box<Refusal<'a>>> {
    let mut walk = Walk {
        options,
        steps: Vec::new(),
        constraints: Constraints::new(comparisons),
        policies: Policies::new(path.len().saturating_sub(1)),
        may_follow: None,
    };
    for (index, element) in path.iter().enumerate() {
        let issuer = index.checked_sub(1).map(|above| path[above].certificate);
        let place = Place { issuer, is_last: index + 1 == path.len() };
        let checked = walk.certificate(element, place).map_err(|(check, fault)| {
            walk.steps.push(Step::failed(element.certificate, check, &fault));
            fault
        });
        let checked = checked.and_then(|()| walk.revocation(element.certificate, place));
        if let Err(fault) = checked {
            return Err(Box::new(Refusal {
                steps: walk.steps,
                certificate: element.certificate,
                fault,
                distance: path.len() - 1 - index,
            }));
        }
    }
    Ok(walk.steps)
}

/// Where a certificate stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    /// None for the anchor.
    issuer: Option<&'a Certificate>,
    is_last: bool,
}

struct Walk<'a, 'o, 'c> {
    options: &'o Options,
    steps: Vec<Step>,
    constraints: Constraints<'a, 'c>,
    policies: Policies,
    /// CAs that may still follow, self-issued ones not counted; none means any number.
    may_follow: Option<usize>,
}

impl<'a> Walk<'a, '_, '_> {
    fn certificate(
        &mut self,
        element: &Element<'a>,
        place: Place<'_>,
    ) -> Result<(), (Check, Fault)> {
        let certificate = element.certificate;
        self.signatures(element, place)?;
        self.note(certificate, Check::Key, check_key(certificate))?;
        self.note(certificate, Check::Validity, check_validity(certificate, self.options.at))?;
        self.note(certificate, Check::Fields, self.fields(certificate, place))?;
        self.note(certificate, Check::Extensions, check_extensions(certificate))?;
        if place.issuer.is_some() {
            self.names_and_policies(certificate, place)?;
        }
        if place.is_last { self.end(certificate, place) } else { self.issuer(certificate, place) }
    }

    fn signatures(
        &mut self,
        element: &Element<'a>,
        place: Place<'_>,
    ) -> Result<(), (Check, Fault)> {
        let certificate = element.certificate;
        if place.issuer.is_none() {
            let detail = "trusted: it was given as a trust anchor";
            self.steps.push(Step::new(certificate, Check::Issuer, Verdict::Ok, detail));
        }
        let policy = self.options.policy;
        match &element.link {
            Some(link) => {
                self.steps.extend(link.steps(certificate));
                self.note(certificate, Check::SecurityPolicy, link.satisfies(policy))
            }
            // An anchor above others: its key is trusted, so its own signature says nothing.
            None if !place.is_last || policy == SecurityPolicy::Any => Ok(()),
            None => {
                let found = "a trusted certificate whose signature nobody can check";
                let allowed = "a link with the signatures that the policy asks for";
                let fault = Fault::new(Reason::SecurityPolicy, "signature", found, allowed);
                Err((Check::SecurityPolicy, fault))
            }
        }
    }

    fn fields(&self, certificate: &Certificate, place: Place<'_>) -> Result<String, Fault> {
        check_key_identifiers(certificate, place.issuer)?;
        // An anchor above others is trusted as it is: what else it is called and numbered, and
        // bits of keyUsage that do not fit, harm nobody.
        if place.issuer.is_none() && !place.is_last {
            return Ok("key identifiers".into());
        }
        check_fields(certificate)?;
        subject_alt_name::check(certificate)?;
        if place.issuer.is_none() {
            return Ok("serial number, names, key identifiers".into());
        }
        usage::check_consistency(certificate)?;
        Ok("serial number, names, key identifiers, key usage".into())
    }

    fn names_and_policies(
        &mut self,
        certificate: &'a Certificate,
        place: Place<'_>,
    ) -> Result<(), (Check, Fault)> {
        let self_issued = certificate.is_self_issued();
        let names = match (self.constraints.is_empty(), self_issued && !place.is_last) {
            (true, _) => Ok("no issuer limits names".into()),
            (false, true) => Ok("self-issued: limits do not apply".into()),
            (false, false) => {
                self.constraints.check(certificate).map(|()| "within the issuers' limits".into())
            }
        };
        self.note(certificate, Check::NameConstraints, names)?;
        let entered = self.policies.enter(certificate, place.is_last, self_issued);
        entered.map_err(|fault| (Check::CertificatePolicies, fault))
    }

    /// A certificate that issues the next one.
    fn issuer(
        &mut self,
        certificate: &'a Certificate,
        place: Place<'_>,
    ) -> Result<(), (Check, Fault)> {
        let authority = self.authority(certificate, place.issuer.is_none());
        self.note(certificate, Check::Authority, authority)?;
        if let Some(usage) = self.options.usage {
            let usage = usage::check_authority(certificate, usage);
            self.note(certificate, Check::Usage, usage)?;
        }
        self.constraints.add(certificate).map_err(|fault| (Check::NameConstraints, fault))?;
        if place.issuer.is_none() {
            return Ok(());
        }
        let left = self.policies.leave(certificate, certificate.is_self_issued());
        left.map_err(|fault| (Check::CertificatePolicies, fault))
    }

    fn authority(&mut self, certificate: &Certificate, is_anchor: bool) -> Result<String, Fault> {
        check_authority(certificate)?;
        if !is_anchor {
            check_has_key_identifier(certificate)?;
        }
        usage::check_may_sign(certificate)?;
        if !is_anchor && !certificate.is_self_issued() {
            self.may_follow = match self.may_follow {
                Some(0) => return Err(path_length()),
                Some(left) => Some(left - 1),
                None => None,
            };
        }
        let own = certificate.extensions().basic_constraints();
        let own = own.and_then(|constraints| constraints.path_len_constraint).map(usize::from);
        self.may_follow = match (self.may_follow, own) {
            (Some(left), Some(own)) => Some(left.min(own)),
            (left, own) => left.or(own),
        };
        Ok(match self.may_follow {
            Some(left) => format!("a CA; {left} more may follow"),
            None => "a CA; any number may follow".into(),
        })
    }

    /// The certificate that was asked for.
    fn end(
        &mut self,
        certificate: &'a Certificate,
        place: Place<'_>,
    ) -> Result<(), (Check, Fault)> {
        if place.issuer.is_some() {
            let length = Policies::new(0);
            let policies = std::mem::replace(&mut self.policies, length).finish(certificate);
            self.note(certificate, Check::CertificatePolicies, policies)?;
        }
        if let Some(usage) = self.options.usage {
            self.note(certificate, Check::Usage, usage::check_leaf(certificate, usage))?;
        }
        if let Some(name) = &self.options.name {
            self.note(certificate, Check::Name, server_name::check(certificate, name))?;
        }
        Ok(())
    }

    /// Comes last: what an issuer says of a certificate counts once the issuer was validated.
    fn revocation(&mut self, certificate: &Certificate, place: Place<'_>) -> Result<(), Fault> {
        let (Some(demands), Some(issuer)) = (&self.options.revocation, place.issuer) else {
            return Ok(());
        };
        if demands.extent == Extent::Leaf && !place.is_last {
            return Ok(());
        }
        let (step, fault) = demands.check(certificate, issuer, self.options.at);
        self.steps.push(step);
        fault.map_or(Ok(()), Err)
    }

    fn note(
        &mut self,
        certificate: &Certificate,
        check: Check,
        result: Result<String, Fault>,
    ) -> Result<(), (Check, Fault)> {
        let detail = result.map_err(|fault| (check, fault))?;
        self.steps.push(Step::new(certificate, check, Verdict::Ok, detail));
        Ok(())
    }
}

fn path_length() -> Fault {
    Fault::new(
        Reason::PathLength,
        "pathLenConstraint",
        "a further CA below",
        "no further CA, as an issuer above says",
    )
}
