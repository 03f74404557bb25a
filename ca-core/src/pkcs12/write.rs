//! Writing a file: certificates in one encrypted part, the key encrypted by itself in another, as
//! OpenSSL and Java lay them out.

use std::collections::BTreeSet;

use const_oid::ObjectIdentifier;
use der::asn1::{AnyRef, ObjectIdentifier as Oid, OctetStringRef};
use der::{Encode, Tag};
use pkcs5::EncryptionScheme;
use pkcs5::pbes2;
use rand_core::CryptoRng;
use spki::AlgorithmIdentifierRef;
use zeroize::Zeroizing;

use super::mac::{Mac, MacDerivation};
use super::structure::{
    BagAttribute, CertBag, EncryptedContentInfo, EncryptedData, EncryptedKey, Pfx, SafeBag,
    encrypted_tag, oid,
};
use super::{MAX_BAGS, MAX_NAME, MAX_SIZE, Password, Pkcs12Error};
use crate::aws_lc::Direction;
use crate::certificate::Certificate;
use crate::cms::{self, ContentInfo};
use crate::key::{PrivateKey, crypt};

/// What goes into a file, checked to belong together.
#[derive(Debug)]
pub struct Bundle<'a> {
    key: Option<&'a PrivateKey>,
    certificates: &'a [Certificate],
    name: Option<&'a str>,
}

impl<'a> Bundle<'a> {
    /// A private key with its certificate, which comes first, and the chain behind it. Without a
    /// key it is a trust store: Java trusts each certificate of it.
    ///
    /// The friendly name goes to the key and its certificate, or to every certificate of a trust
    /// store, numbered from the second on.
    ///
    /// # Errors
    /// `Pkcs12Error::KeyMismatch` when the first certificate is another key's, `NoCertificate`,
    /// `Twice`, `TooMany` and `Name` for what their names say.
    pub fn new(
        key: Option<&'a PrivateKey>,
        certificates: &'a [Certificate],
        name: Option<&'a str>,
    ) -> Result<Self, Pkcs12Error> {
        let first = certificates.first().ok_or(Pkcs12Error::NoCertificate)?;
        if certificates.len() >= MAX_BAGS {
            return Err(Pkcs12Error::TooMany);
        }
        let mut seen = BTreeSet::new();
        let twice = certificates.iter().map(Certificate::fingerprint);
        if let Some(twice) = twice.into_iter().find(|found| !seen.insert(*found)) {
            return Err(Pkcs12Error::Twice { fingerprint: twice.to_string() });
        }
        if let Some(key) = key
            && key.public_key().spki_der() != first.public_key().spki_der()
        {
            return Err(Pkcs12Error::KeyMismatch {
                certificate: first.public_key().fingerprint().to_string(),
                key: key.public_key().fingerprint().to_string(),
            });
        }
        name.map(friendly_name).transpose()?;
        Ok(Self { key, certificates, name })
    }

    /// The attributes of the certificate at this place, and of the key for place 0.
    fn attributes(&self, place: usize) -> Result<Vec<Attribute>, Pkcs12Error> {
        let mut attributes = Vec::new();
        let name = match (self.name, place) {
            (Some(name), 0) => Some(name.to_owned()),
            (Some(name), place) if self.key.is_none() => Some(format!("{name}-{}", place + 1)),
            _ => None,
        };
        if let Some(name) = name {
            attributes.push((oid::FRIENDLY_NAME, Tag::BmpString, friendly_name(&name)?));
        }
        if self.key.is_none() {
            let any = oid::ANY_USAGE.as_bytes().to_vec();
            attributes.push((oid::TRUSTED_KEY_USAGE, Tag::ObjectIdentifier, any));
        } else if place == 0 {
            let id = self.certificates[0].fingerprint().as_bytes().to_vec();
            attributes.push((oid::LOCAL_KEY_ID, Tag::OctetString, id));
        }
        Ok(attributes)
    }
}

/// Type, tag of the value, content of the value.
type Attribute = (ObjectIdentifier, Tag, Vec<u8>);

/// How a file is protected. Keys and certificates are always encrypted by AES-256-CBC under
/// PBKDF2-HMAC-SHA-256, and the MAC is HMAC-SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Protection {
    mac: MacDerivation,
    iterations: u32,
}

impl Protection {
    /// The fewest iterations that are written; what OpenSSL does.
    pub const MIN_ITERATIONS: u32 = 2_048;
    /// The most iterations that are written, for each of MAC, key and certificates.
    pub const MAX_ITERATIONS: u32 = 3_000_000;
    /// The default: .NET reads at most 300,000 of each kind.
    pub const DEFAULT_ITERATIONS: u32 = 250_000;

    /// The same number of iterations for MAC, key and certificates.
    ///
    /// # Errors
    /// `Pkcs12Error::Field` when the number is out of bounds.
    pub fn new(mac: MacDerivation, iterations: u32) -> Result<Self, Pkcs12Error> {
        if (Self::MIN_ITERATIONS..=Self::MAX_ITERATIONS).contains(&iterations) {
            return Ok(Self { mac, iterations });
        }
        Err(Pkcs12Error::Field {
            field: "iterations",
            found: iterations.to_string(),
            allowed: "2048 to 3000000",
        })
    }
}

impl Default for Protection {
    fn default() -> Self {
        Self { mac: MacDerivation::default(), iterations: Self::DEFAULT_ITERATIONS }
    }
}

/// Writes a file in DER. It is encrypted, but the password may be guessed: write it as a secret.
///
/// # Errors
/// `Pkcs12Error::Refused` when AWS-LC fails, `TooLarge` when the file would not be read again.
pub fn seal(
    bundle: &Bundle<'_>,
    password: Password<'_>,
    protection: Protection,
    rng: &mut dyn CryptoRng,
) -> Result<Vec<u8>, Pkcs12Error> {
    let mut writer = Writer { password, protection, rng };
    let mut parts = vec![writer.certificates(bundle)?];
    if let Some(key) = bundle.key {
        parts.push(writer.key(bundle, key)?);
    }
    let safe = sequence_of(parts).map_err(WRITING)?;
    let mut salt = [0; 16];
    writer.rng.fill_bytes(&mut salt);
    let mac = Mac::new(protection.mac, salt, protection.iterations);
    let mac = mac.to_der(password, &safe)?;
    let file = encode_file(&safe, &mac).map_err(WRITING)?;
    if file.len() > MAX_SIZE {
        return Err(Pkcs12Error::TooLarge { found: file.len() });
    }
    Ok(file)
}

const WRITING: fn(der::Error) -> Pkcs12Error =
    |error| Pkcs12Error::Malformed { part: "what is written", error };

fn encode_file(safe: &[u8], mac: &[u8]) -> der::Result<Vec<u8>> {
    use der::Decode as _;
    let safe = OctetStringRef::new(safe)?.to_der()?;
    let auth_safe = ContentInfo { content_type: cms::DATA, content: AnyRef::from_der(&safe)? };
    let mac = super::structure::MacData::from_der(mac)?;
    Pfx { version: 3, auth_safe, mac: Some(mac) }.to_der()
}

struct Writer<'a> {
    password: Password<'a>,
    protection: Protection,
    rng: &'a mut dyn CryptoRng,
}

impl Writer<'_> {
    /// ContentInfo with EncryptedData of all certificates.
    fn certificates(&mut self, bundle: &Bundle<'_>) -> Result<Vec<u8>, Pkcs12Error> {
        let mut bags = Vec::new();
        for (place, certificate) in bundle.certificates.iter().enumerate() {
            let attributes = bundle.attributes(place)?;
            bags.push(certificate_bag(certificate, &attributes).map_err(WRITING)?);
        }
        let contents = Zeroizing::new(sequence_of(bags).map_err(WRITING)?);
        let (algorithm, ciphertext) = self.encrypt(&contents)?;
        encrypted_part(&algorithm, &ciphertext).map_err(WRITING)
    }

    /// ContentInfo with data that holds the encrypted key.
    fn key(&mut self, bundle: &Bundle<'_>, key: &PrivateKey) -> Result<Vec<u8>, Pkcs12Error> {
        let pkcs8 = key.to_pkcs8_der();
        let pkcs8 = pkcs8.map_err(|error| Pkcs12Error::Key { position: 1, error: error.into() })?;
        let (algorithm, ciphertext) = self.encrypt(&pkcs8)?;
        let attributes = bundle.attributes(0)?;
        key_part(&algorithm, &ciphertext, &attributes).map_err(WRITING)
    }

    /// The DER of the AlgorithmIdentifier, and what was encrypted under fresh salt and vector.
    fn encrypt(&mut self, plain: &[u8]) -> Result<(Vec<u8>, Zeroizing<Vec<u8>>), Pkcs12Error> {
        let (mut salt, mut iv) = ([0; 16], [0; 16]);
        self.rng.fill_bytes(&mut salt);
        self.rng.fill_bytes(&mut iv);
        let iterations = self.protection.iterations;
        let parameters = pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(iterations, &salt, iv);
        let parameters = parameters.map_err(|_| Pkcs12Error::Refused)?;
        let ciphertext = crypt(Direction::Encrypt, &parameters, self.password.0.as_bytes(), plain);
        let ciphertext = ciphertext.map_err(|_| Pkcs12Error::Refused)?;
        let algorithm = EncryptionScheme::Pbes2(parameters).to_der().map_err(WRITING)?;
        Ok((algorithm, ciphertext))
    }
}

pub(super) fn encrypted_part(algorithm: &[u8], ciphertext: &[u8]) -> der::Result<Vec<u8>> {
    use der::Decode as _;
    let content = EncryptedContentInfo {
        content_type: cms::DATA,
        algorithm: AlgorithmIdentifierRef::from_der(algorithm)?,
        encrypted: AnyRef::new(encrypted_tag(false), ciphertext)?,
    };
    let data = EncryptedData { version: 0, content }.to_der()?;
    let content = AnyRef::from_der(&data)?;
    ContentInfo { content_type: cms::ENCRYPTED_DATA, content }.to_der()
}

fn key_part(algorithm: &[u8], ciphertext: &[u8], attributes: &[Attribute]) -> der::Result<Vec<u8>> {
    use der::Decode as _;
    let key = EncryptedKey {
        algorithm: AlgorithmIdentifierRef::from_der(algorithm)?,
        encrypted: OctetStringRef::new(ciphertext)?,
    };
    let bag = bag(oid::SHROUDED_KEY_BAG, &key.to_der()?, attributes)?;
    let contents = sequence_of(vec![bag])?;
    let contents = OctetStringRef::new(&contents)?.to_der()?;
    let content = AnyRef::from_der(&contents)?;
    ContentInfo { content_type: cms::DATA, content }.to_der()
}

fn certificate_bag(certificate: &Certificate, attributes: &[Attribute]) -> der::Result<Vec<u8>> {
    use der::Decode as _;
    let der = OctetStringRef::new(certificate.der())?.to_der()?;
    let value = CertBag { kind: oid::X509_CERTIFICATE, value: AnyRef::from_der(&der)? }.to_der()?;
    bag(oid::CERT_BAG, &value, attributes)
}

fn bag(kind: Oid, value: &[u8], attributes: &[Attribute]) -> der::Result<Vec<u8>> {
    use der::Decode as _;
    let mut encoded = Vec::new();
    for (kind, tag, content) in attributes {
        let value = AnyRef::new(*tag, content)?.to_der()?;
        let values = AnyRef::new(Tag::Set, &value)?;
        encoded.push(BagAttribute { kind: *kind, values }.to_der()?);
    }
    // A SET OF stands in the order of its encodings.
    encoded.sort();
    let encoded = encoded.concat();
    let attributes = match encoded.is_empty() {
        true => None,
        false => Some(AnyRef::new(Tag::Set, &encoded)?),
    };
    SafeBag { kind, value: AnyRef::from_der(value)?, attributes }.to_der()
}

fn sequence_of(elements: Vec<Vec<u8>>) -> der::Result<Vec<u8>> {
    AnyRef::new(Tag::Sequence, &elements.concat())?.to_der()
}

/// The content of a BMPString.
fn friendly_name(name: &str) -> Result<Vec<u8>, Pkcs12Error> {
    let bad = |found: String| Err(Pkcs12Error::Name { found });
    if let Some(character) = name.chars().find(|character| character.len_utf16() > 1) {
        return bad(format!("U+{:X}", u32::from(character)));
    }
    match name.chars().count() {
        0 => bad("nothing".into()),
        1..=MAX_NAME => Ok(name.encode_utf16().flat_map(u16::to_be_bytes).collect()),
        found => bad(format!("{found} characters")),
    }
}
