//! Reading requests.

use der::asn1::AnyRef;
use der::{Decode, Encode, Tag, Tagged};
use spki::AlgorithmIdentifierOwned;
use x509_cert::ext::pkix::name::GeneralName;

use super::{OcspRequest, RequestSignature};
use crate::crl::error::Fault;
use crate::crl::extension::{RawExtension, read_all};
use crate::name::MAX_DER;
use crate::ocsp::cert_id::CertId;
use crate::ocsp::error::{OcspError, OcspMessage, in_request};
use crate::ocsp::fields::{
    Fields, bits, check_version, context, read_certificates, refuse_critical, signature_algorithm,
};
use crate::ocsp::nonce::Nonce;
use crate::ocsp::{ACCEPTABLE_RESPONSES, BASIC, MAX_CERT_IDS, NONCE};

/// Types of response that a client may name.
const MAX_TYPES: usize = 16;

pub(super) fn request(der: Vec<u8>) -> Result<OcspRequest, OcspError> {
    let parts = outer(&der).map_err(in_request)?;
    // TBSRequest is the first thing inside the SEQUENCE.
    let end = der.len() - parts.behind_tbs;
    let tbs_range = end - parts.tbs.len()..end;
    let tbs = tbs(parts.tbs).map_err(in_request)?;
    let signature = parts.signature.map(signature).transpose()?;
    if signature.is_some() && tbs.requestor_name.is_none() {
        let fault = Fault::new("requestorName", "none", "the signer's name in a signed request");
        return Err(in_request(fault));
    }
    Ok(OcspRequest {
        tbs: tbs_range,
        cert_ids: tbs.cert_ids,
        nonce: tbs.nonce,
        requestor_name: tbs.requestor_name,
        signature,
        der,
    })
}

struct Outer<'a> {
    tbs: &'a [u8],
    /// Octets behind TBSRequest.
    behind_tbs: usize,
    signature: Option<&'a [u8]>,
}

fn outer(der: &[u8]) -> Result<Outer<'_>, Fault> {
    let content = AnyRef::from_der(der).map_err(Fault::der("OCSPRequest"))?;
    content.tag().assert_eq(Tag::Sequence).map_err(Fault::der("OCSPRequest"))?;
    let content = content.value();
    let mut fields = Fields::inside("OCSPRequest", content)?;
    let tbs = fields.next_der("tbsRequest")?;
    let signature = fields.optional("optionalSignature", context(0))?;
    fields.finish()?;
    Ok(Outer { tbs, behind_tbs: content.len() - tbs.len(), signature })
}

struct Tbs {
    requestor_name: Option<GeneralName>,
    cert_ids: Vec<CertId>,
    nonce: Option<Nonce>,
}

fn tbs(der: &[u8]) -> Result<Tbs, Fault> {
    let mut fields = Fields::of("tbsRequest", der)?;
    check_version(fields.optional("version", context(0))?)?;
    let requestor_name = fields.optional("requestorName", context(1))?;
    let requestor_name = requestor_name.map(requestor).transpose()?;
    let cert_ids = request_list(fields.next("requestList", Tag::Sequence)?)?;
    let extensions = fields.optional("requestExtensions", context(2))?;
    fields.finish()?;
    let nonce = extensions.map(request_extensions).transpose()?.flatten();
    Ok(Tbs { requestor_name, cert_ids, nonce })
}

fn requestor(der: &[u8]) -> Result<GeneralName, Fault> {
    let field = "requestorName";
    // Bounded before it is decoded: decoding a SET sorts it, by the square of its members.
    if der.len() > MAX_DER {
        return Err(Fault::new(field, format!("{} octets", der.len()), "at most 8192 octets"));
    }
    let name = GeneralName::from_der(der).map_err(Fault::der(field))?;
    if name.to_der().map_err(Fault::der(field))? != der {
        return Err(Fault::not_canonical(field));
    }
    Ok(name)
}

fn request_list(content: &[u8]) -> Result<Vec<CertId>, Fault> {
    let field = "requestList";
    let mut fields = Fields::inside(field, content)?;
    let mut all = Vec::new();
    while !fields.is_finished() {
        if all.len() == MAX_CERT_IDS {
            return Err(Fault::new(field, "more than 100 requests", "at most 100"));
        }
        let mut request = Fields::of("Request", fields.next_der(field)?)?;
        all.push(CertId::read(request.next_der("reqCert")?)?);
        let extensions = request.optional("singleRequestExtensions", context(0))?;
        request.finish()?;
        if let Some(extensions) = extensions {
            // serviceLocator (RFC 6960 section 4.4.6) is for responders that pass requests on.
            let all = read_all("singleRequestExtensions", extensions)?;
            refuse_critical("singleRequestExtensions", &all)?;
        }
    }
    if all.is_empty() {
        return Err(Fault::new(field, "an empty list", "at least one request"));
    }
    Ok(all)
}

fn request_extensions(der: &[u8]) -> Result<Option<Nonce>, Fault> {
    let field = "requestExtensions";
    let mut nonce = None;
    let (known, others): (Vec<_>, Vec<_>) = read_all(field, der)?
        .into_iter()
        .partition(|extension| [NONCE, ACCEPTABLE_RESPONSES].contains(&extension.oid));
    for extension in known {
        match extension.oid {
            NONCE => nonce = Some(Nonce::read(&extension)?),
            _ => check_acceptable(&extension)?,
        }
    }
    refuse_critical(field, &others)?;
    Ok(nonce)
}

/// A client that takes no basic response (RFC 6960 section 4.4.3) can't be answered.
fn check_acceptable(extension: &RawExtension<'_>) -> Result<(), Fault> {
    let field = "acceptableResponses";
    let mut types = Fields::of(field, extension.value)?;
    for _ in 0..MAX_TYPES {
        if types.is_finished() {
            break;
        }
        let oid = const_oid::ObjectIdentifier::from_der(types.next_der(field)?);
        if oid.map_err(Fault::der(field))? == BASIC {
            return Ok(());
        }
    }
    Err(Fault::new(field, "no id-pkix-ocsp-basic", "id-pkix-ocsp-basic among the first 16"))
}

fn signature(content: &[u8]) -> Result<RequestSignature, OcspError> {
    let (algorithm, octets, certs) = signature_parts(content).map_err(in_request)?;
    let certificates = match certs {
        Some(certs) => read_certificates(OcspMessage::Request, certs)?,
        None => Vec::new(),
    };
    if certificates.is_empty() {
        let allowed = "the signer's certificate at the front";
        return Err(in_request(Fault::new("certs", "none", allowed)));
    }
    Ok(RequestSignature { algorithm, octets, certificates })
}

type SignatureParts<'a> = (AlgorithmIdentifierOwned, Vec<u8>, Option<&'a [u8]>);

fn signature_parts(content: &[u8]) -> Result<SignatureParts<'_>, Fault> {
    let mut fields = Fields::of("optionalSignature", content)?;
    let algorithm = signature_algorithm(fields.next_der("signatureAlgorithm")?)?;
    let octets = bits("signature", fields.next_der("signature")?)?;
    let certs = fields.optional("certs", context(0))?;
    fields.finish()?;
    Ok((algorithm, octets, certs))
}
