//! Reading responses (RFC 6960 section 4.2).

use std::fmt;
use std::ops::Range;

use der::asn1::AnyRef;
use der::{Decode, Encode, Tag, Tagged};
use jiff::Timestamp;
use spki::AlgorithmIdentifierOwned;
use x509_cert::name::Name;

use super::error::{ErrorStatus, OcspError, OcspMessage, in_response};
use super::fields::{
    Fields, bits, check_version, context, only, read_certificates, refuse_critical,
    signature_algorithm,
};
use super::hash::CertIdHash;
use super::nonce::Nonce;
use super::single::{SingleResponse, time};
use super::{BASIC, EXTENDED_REVOKE, MAX_RESPONSE_SIZE, MAX_SINGLE_RESPONSES, NONCE};
use crate::certificate::Certificate;
use crate::crl::error::Fault;
use crate::crl::extension::read_all;
use crate::name::{MAX_DER, to_text};

/// What a responder sent.
#[derive(Clone, Debug)]
pub enum OcspResponse {
    /// No answer, and why. Nobody signs that: it proves nothing.
    Error(ErrorStatus),
    /// An answer.
    Basic(Box<BasicResponse>),
}

impl OcspResponse {
    /// Reads one DER response of at most 256 KiB. Borrowed octets are copied.
    ///
    /// # Errors
    /// `OcspError` names the field, what was found and what is allowed.
    pub fn from_der(der: impl Into<Vec<u8>>) -> Result<Self, OcspError> {
        let der = der.into();
        if der.len() > MAX_RESPONSE_SIZE {
            let (what, found) = (OcspMessage::Response, der.len());
            return Err(OcspError::TooLarge { what, found, allowed: MAX_RESPONSE_SIZE });
        }
        match outer(&der).map_err(in_response)? {
            Ok(basic) => BasicResponse::read(basic).map(|basic| Self::Basic(Box::new(basic))),
            Err(status) => Ok(Self::Error(status)),
        }
    }

    /// The DER of a response without an answer.
    pub fn error_der(status: ErrorStatus) -> [u8; 5] {
        [0x30, 3, 0x0a, 1, status.code()]
    }

    /// The answer.
    ///
    /// # Errors
    /// `OcspError::ErrorStatus` when there is none.
    pub fn basic(&self) -> Result<&BasicResponse, OcspError> {
        match self {
            Self::Error(status) => Err(OcspError::ErrorStatus(*status)),
            Self::Basic(basic) => Ok(basic),
        }
    }
}

/// Who signed a response, by the response's own word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResponderId {
    /// By the subject of its certificate.
    Name(Box<Name>),
    /// By the SHA-1 of its key, as RFC 6960 section 4.2.1 has it: an identifier.
    Key([u8; 20]),
}

impl ResponderId {
    /// The responder with this certificate, by its key.
    pub fn key_of(certificate: &Certificate) -> Self {
        let digest = CertIdHash::Sha1.digest(certificate.public_key().key_bytes());
        let mut key = [0; 20];
        // SHA-1 has twenty octets.
        key.iter_mut().zip(digest).for_each(|(octet, digested)| *octet = digested);
        Self::Key(key)
    }

    /// The responder with this certificate, by its name.
    pub fn name_of(certificate: &Certificate) -> Self {
        Self::Name(Box::new(certificate.subject().clone()))
    }

    /// Whether it means the responder with this certificate.
    pub fn is(&self, certificate: &Certificate) -> bool {
        match self {
            Self::Name(name) => **name == *certificate.subject(),
            Self::Key(_) => *self == Self::key_of(certificate),
        }
    }

    pub(super) fn to_der(&self) -> Result<Vec<u8>, der::Error> {
        use crate::plan::encode::tlv;
        match self {
            Self::Name(name) => tlv(context(1), &[&name.to_der()?]),
            Self::Key(key) => tlv(context(2), &[&tlv(Tag::OctetString, &[key])?]),
        }
    }

    fn read(fields: &mut Fields<'_>) -> Result<Self, Fault> {
        let field = "responderID";
        if let Some(name) = fields.optional(field, context(1))? {
            return read_name(field, name).map(|name| Self::Name(Box::new(name)));
        }
        let key = only(field, fields.next(field, context(2))?)?;
        key.tag().assert_eq(Tag::OctetString).map_err(Fault::der(field))?;
        let octets = <[u8; 20]>::try_from(key.value());
        let found = || format!("a key hash of {} octets", key.value().len());
        octets
            .map(Self::Key)
            .map_err(|_| Fault::new(field, found(), "a name, or 20 octets of SHA-1"))
    }
}

impl fmt::Display for ResponderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(&to_text(name)),
            Self::Key(key) => {
                f.write_str("the key with the hash ")?;
                crate::fingerprint::write_hex(f, key)
            }
        }
    }
}

fn read_name(field: &'static str, der: &[u8]) -> Result<Name, Fault> {
    // Bounded before it is decoded: decoding a SET sorts it, by the square of its members.
    if der.len() > MAX_DER {
        return Err(Fault::new(field, format!("{} octets", der.len()), "at most 8192 octets"));
    }
    let name = Name::from_der(der).map_err(Fault::der(field))?;
    if name.to_der().map_err(Fault::der(field))? != der {
        return Err(Fault::not_canonical(field));
    }
    Ok(name)
}

/// An answer of which every octet was read once; its signature was not checked (see
/// [`Self::verify`]).
#[derive(Clone, Debug)]
pub struct BasicResponse {
    /// BasicOCSPResponse.
    der: Vec<u8>,
    tbs: Range<usize>,
    responder_id: ResponderId,
    produced_at: Timestamp,
    singles: Vec<SingleResponse>,
    nonce: Option<Nonce>,
    extended_revoke: bool,
    signature_algorithm: AlgorithmIdentifierOwned,
    signature: Vec<u8>,
    certificates: Vec<Certificate>,
}

impl BasicResponse {
    /// The DER of ResponseData, which the signature covers.
    pub fn tbs_der(&self) -> &[u8] {
        &self.der[self.tbs.clone()]
    }

    /// Who signed it, by its own word.
    pub fn responder_id(&self) -> &ResponderId {
        &self.responder_id
    }

    /// When it was signed.
    pub fn produced_at(&self) -> Timestamp {
        self.produced_at
    }

    /// What it says, certificate by certificate.
    pub fn singles(&self) -> &[SingleResponse] {
        &self.singles
    }

    /// The request's nonce.
    pub fn nonce(&self) -> Option<&Nonce> {
        self.nonce.as_ref()
    }

    /// Whether the responder tells certificates that were never issued as revoked (RFC 6960
    /// section 4.4.8).
    pub fn has_extended_revoke(&self) -> bool {
        self.extended_revoke
    }

    /// The AlgorithmIdentifier of the signature.
    pub fn signature_algorithm(&self) -> &AlgorithmIdentifierOwned {
        &self.signature_algorithm
    }

    /// The signature's octets.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// The certificates that it brings along.
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// Reads what stands inside the OCTET STRING.
    fn read(basic: &[u8]) -> Result<Self, OcspError> {
        let parts = Parts::read(basic).map_err(in_response)?;
        let data = ResponseData::read(parts.tbs).map_err(in_response)?;
        let certificates = match parts.certs {
            Some(certs) => read_certificates(OcspMessage::Response, certs)?,
            None => Vec::new(),
        };
        Ok(Self {
            der: basic.to_vec(),
            tbs: parts.tbs_at..parts.tbs_at + parts.tbs.len(),
            responder_id: data.responder_id,
            produced_at: data.produced_at,
            singles: data.singles,
            nonce: data.nonce,
            extended_revoke: data.extended_revoke,
            signature_algorithm: parts.algorithm,
            signature: parts.signature,
            certificates,
        })
    }
}

/// The content of BasicOCSPResponse, or the status that stands in its place.
fn outer(der: &[u8]) -> Result<Result<&[u8], ErrorStatus>, Fault> {
    let mut fields = Fields::of("OCSPResponse", der)?;
    let field = "responseStatus";
    let code = match fields.next(field, Tag::Enumerated)? {
        [code] => *code,
        octets => {
            let found = format!("{} octets", octets.len());
            return Err(Fault::new(field, found, "one octet"));
        }
    };
    let bytes = fields.optional("responseBytes", context(0))?;
    fields.finish()?;
    match (code, ErrorStatus::from_code(code), bytes) {
        (0, _, Some(bytes)) => response_bytes(bytes).map(Ok),
        (0, _, None) => Err(Fault::new("responseBytes", "none", "an answer beside successful")),
        (_, Some(_), Some(_)) => {
            let allowed = "none, unless responseStatus is successful";
            Err(Fault::new("responseBytes", "an answer beside an error", allowed))
        }
        (_, Some(status), None) => Ok(Err(status)),
        (_, None, _) => Err(Fault::new(field, code.to_string(), "0 to 3, 5 or 6")),
    }
}

fn response_bytes(der: &[u8]) -> Result<&[u8], Fault> {
    let mut fields = Fields::of("responseBytes", der)?;
    let field = "responseType";
    let oid = const_oid::ObjectIdentifier::from_der(fields.next_der(field)?);
    let oid = oid.map_err(Fault::der(field))?;
    if oid != BASIC {
        return Err(Fault::new(field, oid.to_string(), "id-pkix-ocsp-basic"));
    }
    let basic = fields.next("response", Tag::OctetString)?;
    fields.finish()?;
    Ok(basic)
}

/// The parts of BasicOCSPResponse.
struct Parts<'a> {
    tbs: &'a [u8],
    /// Where it starts in BasicOCSPResponse.
    tbs_at: usize,
    algorithm: AlgorithmIdentifierOwned,
    signature: Vec<u8>,
    certs: Option<&'a [u8]>,
}

impl<'a> Parts<'a> {
    fn read(basic: &'a [u8]) -> Result<Self, Fault> {
        let field = "BasicOCSPResponse";
        let content = AnyRef::from_der(basic).map_err(Fault::der(field))?;
        content.tag().assert_eq(Tag::Sequence).map_err(Fault::der(field))?;
        let content = content.value();
        let mut fields = Fields::inside(field, content)?;
        let tbs = fields.next_der("tbsResponseData")?;
        let algorithm = signature_algorithm(fields.next_der("signatureAlgorithm")?)?;
        let signature = bits("signature", fields.next_der("signature")?)?;
        let certs = fields.optional("certs", context(0))?;
        fields.finish()?;
        Ok(Self { tbs, tbs_at: basic.len() - content.len(), algorithm, signature, certs })
    }
}

struct ResponseData {
    responder_id: ResponderId,
    produced_at: Timestamp,
    singles: Vec<SingleResponse>,
    nonce: Option<Nonce>,
    extended_revoke: bool,
}

impl ResponseData {
    fn read(der: &[u8]) -> Result<Self, Fault> {
        let mut fields = Fields::of("tbsResponseData", der)?;
        check_version(fields.optional("version", context(0))?)?;
        let responder_id = ResponderId::read(&mut fields)?;
        let produced_at = time("producedAt", fields.next_der("producedAt")?)?;
        let singles = read_singles(fields.next("responses", Tag::Sequence)?)?;
        let extensions = fields.optional("responseExtensions", context(1))?;
        fields.finish()?;
        let (nonce, extended_revoke) = (None, false);
        let mut data = Self { responder_id, produced_at, singles, nonce, extended_revoke };
        if let Some(extensions) = extensions {
            data.read_extensions(extensions)?;
        }
        Ok(data)
    }

    fn read_extensions(&mut self, der: &[u8]) -> Result<(), Fault> {
        let field = "responseExtensions";
        let mut others = Vec::new();
        for extension in read_all(field, der)? {
            match extension.oid {
                NONCE => self.nonce = Some(Nonce::read(&extension)?),
                EXTENDED_REVOKE if extension.value == [0x05, 0] => self.extended_revoke = true,
                EXTENDED_REVOKE => {
                    return Err(Fault::new("extendedRevoke", "another value", "NULL"));
                }
                _ => others.push(extension),
            }
        }
        if self.extended_revoke {
            self.singles.iter_mut().for_each(SingleResponse::mark_never_issued);
        }
        refuse_critical(field, &others)
    }
}

fn read_singles(content: &[u8]) -> Result<Vec<SingleResponse>, Fault> {
    let field = "responses";
    let mut fields = Fields::inside(field, content)?;
    let mut all = Vec::new();
    while !fields.is_finished() {
        if all.len() == MAX_SINGLE_RESPONSES {
            return Err(Fault::new(field, "more than 1000", "at most 1000"));
        }
        all.push(SingleResponse::read(fields.next_der(field)?)?);
    }
    if all.is_empty() {
        return Err(Fault::new(field, "an empty list", "at least one"));
    }
    Ok(all)
}
