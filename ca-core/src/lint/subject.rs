//! What lints look at, made of a plan or of a certificate that was read.

use std::cell::OnceCell;

use der::Encode;
use x509_cert::ext::pkix::{ExtendedKeyUsage, NameConstraints};
use x509_cert::name::Name;

use crate::algorithm::{Algorithm, SignatureScheme};
use crate::certificate::{Certificate, TbsFields};
use crate::extensions::{ExtensionError, Extensions};
use crate::general_name::{AltName, AltNameError, MAX_NAMES};
use crate::path::same_name;
use crate::plan::Plan;
use crate::profile::ProfileKind;
use crate::public_key::{PublicKey, PublicKeyError};
use crate::validity::Validity;

/// What a certificate or a request says of its subject.
pub(super) struct Claims<'a> {
    pub(super) subject: &'a Name,
    pub(super) key: Result<&'a PublicKey, &'a PublicKeyError>,
    pub(super) extensions: &'a Extensions,
    /// Why some extensions are not in `extensions`.
    pub(super) unreadable: &'a [ExtensionError],
    /// Whether the subject repeats another authority's, whatever it is.
    pub(super) subject_is_given: bool,
    weakness: OnceCell<Option<PublicKeyError>>,
    names: OnceCell<Vec<Result<AltName, AltNameError>>>,
}

impl<'a> Claims<'a> {
    pub(super) fn new(
        subject: &'a Name,
        key: Result<&'a PublicKey, &'a PublicKeyError>,
        extensions: &'a Extensions,
        unreadable: &'a [ExtensionError],
    ) -> Self {
        let (weakness, names) = (OnceCell::new(), OnceCell::new());
        Self { subject, key, extensions, unreadable, subject_is_given: false, weakness, names }
    }

    /// Why the key is none, or too weak; computed once.
    pub(super) fn key_fault(&self) -> Option<&PublicKeyError> {
        match self.key {
            Err(error) => Some(error),
            Ok(key) => self.weakness.get_or_init(|| key.check_strength().err()).as_ref(),
        }
    }

    /// The alternative names, each checked once; no more of them than are allowed.
    pub(super) fn names(&self) -> &[Result<AltName, AltNameError>] {
        self.names.get_or_init(|| {
            let names = self.extensions.subject_alt_name().into_iter().flat_map(|names| &names.0);
            names.take(MAX_NAMES).map(AltName::from_general_name).collect()
        })
    }

    /// Whether an extendedKeyUsage names this usage.
    pub(super) fn has_usage(&self, usage: const_oid::ObjectIdentifier) -> bool {
        self.extensions.extended_key_usage().is_some_and(|usages| usages.0.contains(&usage))
    }
}

/// A certificate, planned or read.
pub(super) struct Subject<'a> {
    pub(super) claims: Claims<'a>,
    pub(super) fields: &'a TbsFields,
    pub(super) kind: ProfileKind,
    /// The whole certificate in octets; an estimate for one that is not signed yet.
    pub(super) size: usize,
    /// The certificate, when it was read in full.
    pub(super) read: Option<&'a Certificate>,
}

impl<'a> Subject<'a> {
    pub(super) fn of_plan(
        plan: &'a Plan,
        extensions: &'a Extensions,
        unreadable: &'a [ExtensionError],
    ) -> Self {
        let mut claims =
            Claims::new(&plan.fields.subject, Ok(&plan.public_key), extensions, unreadable);
        claims.subject_is_given = plan.kind == ProfileKind::Cross;
        let tbs = plan.fields.encoded_len().map(usize::try_from);
        let tbs = tbs.ok().and_then(Result::ok).unwrap_or(usize::MAX / 2);
        let alternative = plan.alt_scheme.map_or(0, alternative_size);
        let size = tbs + alternative + signature_size(&plan.issuer_key) + SIGNATURE_FRAME;
        Self { claims, fields: &plan.fields, kind: plan.kind, size, read: None }
    }

    pub(super) fn of_certificate(
        claims: Claims<'a>,
        fields: &'a TbsFields,
        size: usize,
        read: Option<&'a Certificate>,
    ) -> Self {
        let constraints = claims.extensions.basic_constraints();
        let authority = constraints.is_some_and(|constraints| constraints.ca);
        let kind = match authority {
            true if is_self_signed(fields, claims.extensions) => ProfileKind::Root,
            true => ProfileKind::Issuing,
            false => ProfileKind::Leaf,
        };
        Self { claims, fields, kind, size, read }
    }

    pub(super) fn extensions(&self) -> &'a Extensions {
        self.claims.extensions
    }

    pub(super) fn is_authority(&self) -> bool {
        self.kind.is_authority()
    }
}

/// Whether subject and issuer are the same, and no other key is named.
pub(super) fn is_self_signed(fields: &TbsFields, extensions: &Extensions) -> bool {
    let identifier = extensions.authority_key_identifier();
    let identifier = identifier.and_then(|found| found.key_identifier.as_ref());
    let own = extensions.subject_key_identifier();
    same_name(&fields.issuer, &fields.subject)
        && identifier.is_none_or(|found| own.is_none_or(|own| found.as_bytes() == own))
}

/// Header and AlgorithmIdentifier around a signature, in octets; RSA-PSS has the longest.
const SIGNATURE_FRAME: usize = 80;

/// An alternative signature with its extension, in octets.
fn alternative_size(scheme: SignatureScheme) -> usize {
    let row = Algorithm::all().iter().find(|row| row.scheme() == scheme);
    row.map_or(0, |row| row.signature_size() + SIGNATURE_FRAME)
}

/// How long a signature of the key is, in octets; 0 where it can't sign.
pub(super) fn signature_size(key: &PublicKey) -> usize {
    Algorithm::of_key(key.kind(), false).map_or(0, Algorithm::signature_size)
}

/// Who issued it, or will.
pub(super) struct Issuer<'a> {
    pub(super) key: &'a PublicKey,
    /// None where there is only a key, as for a planned root.
    pub(super) certificate: Option<IssuerCertificate<'a>>,
}

/// What the issuer's certificate limits below it.
pub(super) struct IssuerCertificate<'a> {
    pub(super) subject: &'a Name,
    pub(super) validity: Validity,
    pub(super) names: Option<&'a NameConstraints>,
    pub(super) usages: Option<&'a ExtendedKeyUsage>,
    /// How many authorities may follow.
    pub(super) path_length: Option<u8>,
    pub(super) key_identifier: Option<&'a [u8]>,
    /// What a server sends beside its own certificate: the issuer's and those above it, without
    /// the root, in octets.
    pub(super) chain_size: usize,
    /// The whole certificate, for lints of what was read; a plan was made of it.
    pub(super) read: Option<&'a Certificate>,
}

impl<'a> Issuer<'a> {
    pub(super) fn of_plan(plan: &'a Plan) -> Self {
        let limits = &plan.issuer_limits;
        let certificate = plan.issuer_validity.map(|validity| IssuerCertificate {
            subject: &plan.fields.issuer,
            validity,
            names: limits.names.as_ref(),
            usages: limits.usages.as_ref(),
            path_length: limits.path_length,
            key_identifier: limits.key_identifier.as_deref(),
            chain_size: limits.chain_size,
            read: None,
        });
        Self { key: &plan.issuer_key, certificate }
    }

    /// `above` are the sizes of the certificates above the issuer's, without the root.
    pub(super) fn of_certificate(issuer: &'a Certificate, above: usize) -> Self {
        let extensions = issuer.extensions();
        let own = if issuer.is_self_issued() { 0 } else { issuer.der().len() };
        let certificate = IssuerCertificate {
            subject: issuer.subject(),
            validity: issuer.validity(),
            names: extensions.name_constraints(),
            usages: extensions.extended_key_usage(),
            path_length: extensions.basic_constraints().and_then(|found| found.path_len_constraint),
            key_identifier: extensions.subject_key_identifier(),
            chain_size: own + above,
            read: Some(issuer),
        };
        Self { key: issuer.public_key(), certificate: Some(certificate) }
    }
}
