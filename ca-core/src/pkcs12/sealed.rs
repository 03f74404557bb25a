//! Reading a file: what shows without the password, and then all of it.

use const_oid::ObjectIdentifier;
use der::asn1::{AnyRef, OctetStringRef};
use der::{Decode, Encode, Tag, Tagged};
use pkcs5::pbes2::{self, Kdf};
use zeroize::Zeroizing;

use super::bag::{Contents, KEY, opening};
use super::mac::Mac;
use super::structure::{
    EncryptedData, EncryptedKey, Pfx, SafeBag, elements, encrypted_tag, oid, values,
};
use super::{MAX_COST, MAX_SIZE, Password, Pkcs12Error};
use crate::aws_lc::Direction;
use crate::ber;
use crate::cms::{self, ContentInfo, content_name};
use crate::key::{checked_parameters, crypt};

pub(super) const ENCRYPTED: &str = "encrypted certificates";
/// More parts than any program writes.
const MAX_PARTS: usize = 16;

/// A file as it is without its password: how it is protected is known and was found acceptable,
/// what is in it is not.
pub struct Sealed {
    /// What the MAC covers, as it came.
    safe: Zeroizing<Vec<u8>>,
    pub(super) mac: Mac,
    digest: Vec<u8>,
    pub(super) parts: Vec<Part>,
    pub(super) size: usize,
}

/// One ContentInfo of the AuthenticatedSafe.
pub(super) enum Part {
    /// DER of SafeContents. Private keys in it are encrypted one by one, or not at all.
    Plain {
        contents: Zeroizing<Vec<u8>>,
        bags: Vec<(ObjectIdentifier, Option<pbes2::Parameters>)>,
    },
    Encrypted {
        parameters: pbes2::Parameters,
        ciphertext: Vec<u8>,
    },
}

impl Sealed {
    /// Reads a file in BER or DER, and checks that all its protection is strong enough, and that
    /// opening it costs no more than [`MAX_COST`].
    ///
    /// # Errors
    /// `Pkcs12Error` names the part, what was found and what is allowed.
    pub fn from_der(octets: &[u8]) -> Result<Self, Pkcs12Error> {
        if octets.len() > MAX_SIZE {
            return Err(Pkcs12Error::TooLarge { found: octets.len() });
        }
        let der = ber::to_der(octets).map_err(Pkcs12Error::encoding("PFX"))?;
        let malformed = Pkcs12Error::malformed("PFX");
        let pfx = Pfx::from_der(&der).map_err(&malformed)?;
        if pfx.version != 3 {
            let found = format!("version {}", pfx.version);
            return Err(Pkcs12Error::Field { field: "PFX", found, allowed: "version 3" });
        }
        if pfx.auth_safe.content_type != cms::DATA {
            let found = content_name(pfx.auth_safe.content_type);
            let allowed = "data, protected by a password";
            return Err(Pkcs12Error::Field { field: "authSafe", found, allowed });
        }
        let safe: &OctetStringRef = pfx.auth_safe.content.decode_as().map_err(malformed)?;
        let mac_data = pfx.mac.ok_or(Pkcs12Error::NoMac)?;
        let mac = Mac::read(&mac_data)?;
        let mut cost = Cost(mac.work());
        let parts = read_parts(safe.as_bytes(), &mut cost)?;
        Ok(Self {
            safe: Zeroizing::new(safe.as_bytes().to_vec()),
            mac,
            digest: mac_data.mac.digest.as_bytes().to_vec(),
            parts,
            size: octets.len(),
        })
    }

    /// Checks the MAC, decrypts and reads everything.
    ///
    /// # Errors
    /// `Pkcs12Error::Password` when the password is wrong or one bit of the file was changed;
    /// others name the part, what was found and what is allowed.
    pub fn open(&self, password: Password<'_>) -> Result<Contents, Pkcs12Error> {
        self.mac.verify(password, &self.safe, &self.digest)?;
        let mut cost = Cost(self.cost());
        let mut contents = Contents::default();
        for part in &self.parts {
            match part {
                Part::Plain { contents: safe, .. } => contents.read(safe, password, 0)?,
                Part::Encrypted { parameters, ciphertext } => {
                    let octets = password.0.as_bytes();
                    let plain = crypt(Direction::Decrypt, parameters, octets, ciphertext);
                    let plain = plain.map_err(|failure| opening(ENCRYPTED, failure))?;
                    let plain = ber::to_der(&plain).map_err(Pkcs12Error::encoding(ENCRYPTED))?;
                    // Keys that are encrypted once more inside are seen only now.
                    visible_bags(&plain, &mut cost)?;
                    contents.read(&plain, password, 0)?;
                }
            }
        }
        Ok(contents)
    }

    /// The work of the MAC and of all parts that show without the password.
    fn cost(&self) -> u64 {
        let parts = self.parts.iter().map(|part| match part {
            Part::Plain { bags, .. } => {
                bags.iter().filter_map(|(_, found)| found.as_ref()).map(work).sum()
            }
            Part::Encrypted { parameters, .. } => work(parameters),
        });
        self.mac.work() + parts.sum::<u64>()
    }
}

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sealed({} octets)", self.size)
    }
}

/// The work that the parts so far ask for.
struct Cost(u64);

impl Cost {
    fn add(
        &mut self,
        part: &'static str,
        parameters: &pbes2::Parameters,
    ) -> Result<(), Pkcs12Error> {
        self.0 = self.0.saturating_add(work(parameters));
        if self.0 > MAX_COST { Err(Pkcs12Error::Cost { part, found: self.0 }) } else { Ok(()) }
    }
}

/// The work of one derivation in iterations of PBKDF2. A block of scrypt takes about as long as
/// one of them.
fn work(parameters: &pbes2::Parameters) -> u64 {
    match &parameters.kdf {
        Kdf::Pbkdf2(kdf) => kdf.iteration_count.into(),
        Kdf::Scrypt(kdf) => kdf
            .cost_parameter
            .saturating_mul(kdf.block_size.into())
            .saturating_mul(kdf.parallelization.into()),
        _ => u64::MAX,
    }
}

fn read_parts(safe: &[u8], cost: &mut Cost) -> Result<Vec<Part>, Pkcs12Error> {
    const PART: &str = "AuthenticatedSafe";
    let der = ber::to_der(safe).map_err(Pkcs12Error::encoding(PART))?;
    let infos: Vec<ContentInfo<'_>> =
        elements(&der, Tag::Sequence).map_err(Pkcs12Error::malformed(PART))?;
    if infos.len() > MAX_PARTS {
        let found = format!("{} parts", infos.len());
        return Err(Pkcs12Error::Field { field: PART, found, allowed: "at most 16 parts" });
    }
    infos.iter().map(|info| read_part(info, cost)).collect()
}

fn read_part(info: &ContentInfo<'_>, cost: &mut Cost) -> Result<Part, Pkcs12Error> {
    match info.content_type {
        cms::DATA => {
            let malformed = Pkcs12Error::malformed("data");
            let contents: &OctetStringRef = info.content.decode_as().map_err(malformed)?;
            let contents =
                ber::to_der(contents.as_bytes()).map_err(Pkcs12Error::encoding("SafeContents"))?;
            let bags = visible_bags(&contents, cost)?;
            Ok(Part::Plain { contents, bags })
        }
        cms::ENCRYPTED_DATA => {
            let malformed = Pkcs12Error::malformed("encryptedData");
            let data: EncryptedData<'_> = info.content.decode_as().map_err(&malformed)?;
            if data.content.content_type != cms::DATA {
                let found = content_name(data.content.content_type);
                return Err(Pkcs12Error::Field { field: ENCRYPTED, found, allowed: "data" });
            }
            let parameters = checked_parameters(data.content.algorithm)
                .map_err(Pkcs12Error::encryption(ENCRYPTED))?;
            cost.add(ENCRYPTED, &parameters)?;
            let ciphertext = whole(data.content.encrypted).map_err(malformed)?;
            Ok(Part::Encrypted { parameters, ciphertext })
        }
        other => Err(Pkcs12Error::Field {
            field: "AuthenticatedSafe",
            found: content_name(other),
            allowed: "data and encryptedData",
        }),
    }
}

/// The encrypted content, joined when it comes in pieces.
fn whole(encrypted: AnyRef<'_>) -> der::Result<Vec<u8>> {
    if encrypted.tag() == encrypted_tag(false) {
        return Ok(encrypted.value().to_vec());
    }
    encrypted.tag().assert_eq(encrypted_tag(true))?;
    let as_sequence = AnyRef::new(Tag::Sequence, encrypted.value())?;
    let pieces: Vec<&OctetStringRef> = values(as_sequence, Tag::Sequence)?;
    Ok(pieces.iter().flat_map(|piece| piece.as_bytes()).copied().collect())
}

/// The kinds of the bags, and how the keys among them are encrypted.
fn visible_bags(
    contents: &[u8],
    cost: &mut Cost,
) -> Result<Vec<(ObjectIdentifier, Option<pbes2::Parameters>)>, Pkcs12Error> {
    let malformed = Pkcs12Error::malformed("SafeContents");
    let bags: Vec<SafeBag<'_>> = elements(contents, Tag::Sequence).map_err(&malformed)?;
    let mut found = Vec::new();
    for bag in bags {
        match bag.kind {
            oid::SHROUDED_KEY_BAG => {
                let key: EncryptedKey<'_> = bag.value.decode_as().map_err(&malformed)?;
                let parameters =
                    checked_parameters(key.algorithm).map_err(Pkcs12Error::encryption(KEY))?;
                cost.add(KEY, &parameters)?;
                found.push((bag.kind, Some(parameters)));
            }
            oid::SAFE_CONTENTS_BAG => {
                let inside = Zeroizing::new(bag.value.to_der().map_err(&malformed)?);
                found.extend(visible_bags(&inside, cost)?);
            }
            kind => found.push((kind, None)),
        }
    }
    Ok(found)
}
