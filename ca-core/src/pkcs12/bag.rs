//! Keys and certificates out of their bags (RFC 7292 section 4.2).

use der::asn1::{AnyRef, OctetStringRef};
use der::{Encode, Tag};
use zeroize::Zeroizing;

use super::structure::{BagAttribute, CertBag, EncryptedKey, SafeBag, elements, oid, values};
use super::{MAX_BAGS, MAX_NAME, Password, Pkcs12Error};
use crate::aws_lc::Direction;
use crate::certificate::Certificate;
use crate::key::{Failure, PrivateKey, checked_parameters, crypt};

/// The deepest nesting of bags in bags (section 4.2.6).
const MAX_DEPTH: usize = 4;
pub(super) const KEY: &str = "private key";

/// A private key of a file.
#[derive(Debug)]
pub struct KeyEntry {
    /// The key.
    pub key: PrivateKey,
    /// What people call it.
    pub name: Option<String>,
    /// What binds it to its certificate; the same octets stand there. Not to be relied on: the
    /// public key tells for sure.
    pub local_key_id: Option<Vec<u8>>,
}

/// A certificate of a file.
#[derive(Debug)]
pub struct CertificateEntry {
    /// The certificate.
    pub certificate: Certificate,
    /// What people call it.
    pub name: Option<String>,
    /// See [`KeyEntry::local_key_id`].
    pub local_key_id: Option<Vec<u8>>,
    /// Whether Java takes it for trusted.
    pub is_trusted: bool,
}

/// All that a file holds.
#[derive(Debug, Default)]
pub struct Contents {
    /// The private keys, in the order of the file.
    pub keys: Vec<KeyEntry>,
    /// The certificates, in the order of the file.
    pub certificates: Vec<CertificateEntry>,
    /// What else is there and was passed over, by name.
    pub skipped: Vec<String>,
}

impl Contents {
    /// The certificate of this key, found by the public key.
    pub fn certificate_of(&self, key: &PrivateKey) -> Option<&CertificateEntry> {
        let spki = key.public_key().spki_der();
        self.certificates.iter().find(|entry| entry.certificate.public_key().spki_der() == spki)
    }

    /// Takes what the DER of a SafeContents holds.
    pub(super) fn read(
        &mut self,
        safe_contents: &[u8],
        password: Password<'_>,
        depth: usize,
    ) -> Result<(), Pkcs12Error> {
        let malformed = Pkcs12Error::malformed("SafeContents");
        for bag in elements::<SafeBag<'_>>(safe_contents, Tag::Sequence).map_err(malformed)? {
            self.read_bag(&bag, password, depth)?;
        }
        Ok(())
    }

    fn read_bag(
        &mut self,
        bag: &SafeBag<'_>,
        password: Password<'_>,
        depth: usize,
    ) -> Result<(), Pkcs12Error> {
        let position = self.keys.len() + self.certificates.len() + self.skipped.len() + 1;
        if position > MAX_BAGS {
            return Err(Pkcs12Error::TooMany);
        }
        let malformed = Pkcs12Error::malformed("SafeBag");
        let attributes = Attributes::read(bag.attributes)?;
        match bag.kind {
            oid::KEY_BAG => {
                let der = Zeroizing::new(bag.value.to_der().map_err(malformed)?);
                self.push_key(position, &der, attributes)
            }
            oid::SHROUDED_KEY_BAG => {
                let key: EncryptedKey<'_> = bag.value.decode_as().map_err(malformed)?;
                let parameters =
                    checked_parameters(key.algorithm).map_err(Pkcs12Error::encryption(KEY))?;
                let password = password.0.as_bytes();
                let encrypted = key.encrypted.as_bytes();
                let der = crypt(Direction::Decrypt, &parameters, password, encrypted);
                let der = der.map_err(|failure| opening(KEY, failure))?;
                self.push_key(position, &der, attributes)
            }
            oid::CERT_BAG => {
                let cert: CertBag<'_> = bag.value.decode_as().map_err(&malformed)?;
                if cert.kind != oid::X509_CERTIFICATE {
                    self.skipped.push(format!("a certificate of type {}", cert.kind));
                    return Ok(());
                }
                let der: &OctetStringRef = cert.value.decode_as().map_err(malformed)?;
                let certificate = Certificate::from_der(der.as_bytes())
                    .map_err(|error| Pkcs12Error::Certificate { position, error: error.into() })?;
                let Attributes { name, local_key_id, is_trusted } = attributes;
                let entry = CertificateEntry { certificate, name, local_key_id, is_trusted };
                self.certificates.push(entry);
                Ok(())
            }
            oid::SAFE_CONTENTS_BAG => {
                if depth >= MAX_DEPTH {
                    let found = format!("bags in bags, {} levels deep", depth + 1);
                    let allowed = "at most 4 levels";
                    return Err(Pkcs12Error::Field { field: "SafeContents", found, allowed });
                }
                let inside = Zeroizing::new(bag.value.to_der().map_err(malformed)?);
                self.read(&inside, password, depth + 1)
            }
            kind => {
                self.skipped.push(bag_name(kind));
                Ok(())
            }
        }
    }

    fn push_key(
        &mut self,
        position: usize,
        der: &[u8],
        attributes: Attributes,
    ) -> Result<(), Pkcs12Error> {
        let key = PrivateKey::from_der(der);
        let key = key.map_err(|error| Pkcs12Error::Key { position, error: error.into() })?;
        let Attributes { name, local_key_id, .. } = attributes;
        self.keys.push(KeyEntry { key, name, local_key_id });
        Ok(())
    }
}

/// What a kind of bag is called.
pub(super) fn bag_name(kind: const_oid::ObjectIdentifier) -> String {
    match kind {
        oid::KEY_BAG => "a private key in the clear".into(),
        oid::SHROUDED_KEY_BAG => "an encrypted private key".into(),
        oid::CERT_BAG => "a certificate".into(),
        oid::CRL_BAG => "a revocation list".into(),
        oid::SECRET_BAG => "a secret".into(),
        oid::SAFE_CONTENTS_BAG => "bags".into(),
        other => format!("a bag of type {other}"),
    }
}

/// What did not work when something was decrypted.
pub(super) fn opening(part: &'static str, failure: Failure) -> Pkcs12Error {
    match failure {
        Failure::Derivation => Pkcs12Error::Refused,
        Failure::Cipher => Pkcs12Error::Sealed { part },
    }
}

#[derive(Default)]
struct Attributes {
    name: Option<String>,
    local_key_id: Option<Vec<u8>>,
    is_trusted: bool,
}

impl Attributes {
    /// Attributes that are not known are passed over.
    fn read(set: Option<AnyRef<'_>>) -> Result<Self, Pkcs12Error> {
        let malformed = Pkcs12Error::malformed("bagAttributes");
        let mut attributes = Self::default();
        let Some(set) = set else { return Ok(attributes) };
        for attribute in values::<BagAttribute<'_>>(set, Tag::Set).map_err(&malformed)? {
            let all: Vec<AnyRef<'_>> = values(attribute.values, Tag::Set).map_err(&malformed)?;
            let [value, ..] = all.as_slice() else { continue };
            match attribute.kind {
                oid::FRIENDLY_NAME => attributes.name = Some(friendly_name(*value)?),
                oid::LOCAL_KEY_ID => {
                    let octets: &OctetStringRef = value.decode_as().map_err(&malformed)?;
                    attributes.local_key_id = Some(octets.as_bytes().to_vec());
                }
                oid::TRUSTED_KEY_USAGE => attributes.is_trusted = true,
                _ => {}
            }
        }
        Ok(attributes)
    }
}

/// A BMPString; characters past the basic plane come as two units, as OpenSSL writes them.
fn friendly_name(value: AnyRef<'_>) -> Result<String, Pkcs12Error> {
    use der::Tagged as _;
    let octets = value.value();
    let bad = |found: &str| Pkcs12Error::Name { found: found.into() };
    if value.tag() != Tag::BmpString || !octets.len().is_multiple_of(2) {
        return Err(bad("something else than a BMPString"));
    }
    if octets.len() > 2 * MAX_NAME {
        return Err(bad(&format!("{} characters", octets.len() / 2)));
    }
    let units = octets.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    let text: Result<String, _> = char::decode_utf16(units).collect();
    text.map_err(|_| bad("half a character"))
}
