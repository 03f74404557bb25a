//! Distinguished names: what a person types, what is printed, what a certificate may hold
//! (RFC 5280 section 4.1.2.4, RFC 4514).

mod attribute;
mod text;

use std::fmt;

use const_oid::ObjectIdentifier;
use der::{Decode, Encode};
use x509_cert::name::Name;

pub use attribute::AttributeType;

use crate::escape::quoted;

/// The most attributes that a name may have.
pub const MAX_ATTRIBUTES: usize = 32;
/// The longest text that is read as a name, in octets.
pub const MAX_TEXT: usize = 4096;
/// The longest DER name that is read from a request, in octets.
pub(crate) const MAX_DER: usize = 8192;

/// A distinguished name whose attributes were checked: string types, characters and the upper
/// bounds of RFC 5280 appendix A.1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DistinguishedName(Name);

impl DistinguishedName {
    /// Reads what a person types: RFC 4514 (`CN=demo,O=Example`, the most specific attribute
    /// first) or OpenSSL's form (`/O=Example/CN=demo`, the most specific last). The empty text is
    /// the empty name.
    ///
    /// countryName, serialNumber and dnQualifier become PrintableString, domainComponent and
    /// emailAddress IA5String, all others UTF8String.
    ///
    /// # Errors
    /// `NameError` names the attribute, what was found and what is allowed.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if text.len() > MAX_TEXT {
            return Err(NameError::TextTooLong { found: text.len() });
        }
        // A space at the end may be escaped: the parser cuts those that are not.
        let sequence = text::parse(text.trim_start().trim_end_matches(['\n', '\r', '\t']))?;
        Self::from_name(Name::from_der(&sequence.to_der()?)?)
    }

    /// A name of these attributes, one in each part, the most general first. The values are
    /// taken as they are; nothing in them is an escape.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn of(attributes: &[(AttributeType, &str)]) -> Result<Self, NameError> {
        let sequence = text::sequence(attributes)?;
        Self::from_name(Name::from_der(&sequence.to_der()?)?)
    }

    /// Checks a name that came in a request.
    ///
    /// # Errors
    /// `NameError` names the attribute that is empty, too long, of another string type than RFC
    /// 5280 allows for new certificates, or holds control characters.
    pub fn from_name(name: Name) -> Result<Self, NameError> {
        let found = name.iter().count();
        if found > MAX_ATTRIBUTES {
            return Err(NameError::TooManyAttributes { found });
        }
        name.iter().try_for_each(attribute::check)?;
        Ok(Self(name))
    }

    /// Takes the subject of a certificate that exists, unchecked: a cross certificate must repeat
    /// it octet for octet.
    pub(crate) fn as_found(name: Name) -> Self {
        Self(name)
    }

    /// The name as x509-cert holds it.
    pub fn as_name(&self) -> &Name {
        &self.0
    }

    /// Whether it has no attribute.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The types of its attributes, in the order in which they are encoded.
    pub fn attribute_types(&self) -> impl Iterator<Item = AttributeType> + '_ {
        self.0.iter().map(|attribute| AttributeType::from_oid(attribute.oid))
    }

    /// The most specific common name.
    pub fn common_name(&self) -> Option<&str> {
        let names = self.0.iter().filter(|attribute| attribute.oid == attribute::COMMON_NAME);
        names.last().and_then(|attribute| text::string_of(&attribute.value))
    }
}

/// Prints RFC 4514, the most specific attribute first.
impl fmt::Display for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        text::write(f, &self.0)
    }
}

impl std::str::FromStr for DistinguishedName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::parse(text)
    }
}

/// Any name as RFC 4514 text, such as the issuer of a certificate that someone else made.
pub fn to_text(name: &Name) -> String {
    struct Text<'a>(&'a Name);
    impl fmt::Display for Text<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            text::write(f, self.0)
        }
    }
    Text(name).to_string()
}

/// A distinguished name that is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The text is past the bound.
    #[error("name: the text has {found} octets, allowed are at most 4096")]
    TextTooLong {
        /// Octets found.
        found: usize,
    },
    /// A part of the text is not `TYPE=value`.
    #[error(
        "name: found {found}, allowed is TYPE=value, such as CN=demo,O=Example or /O=Example/CN=demo; write a comma, plus or slash inside a value as \\, \\+ or \\/", found = quoted(.found)
    )]
    NoEquals {
        /// What was found.
        found: String,
    },
    /// The attribute type is not known.
    #[error(
        "name: attribute type {found} is not known, allowed are CN, O, OU, C, ST, L, STREET, DC, UID, SN, GN, T, serialNumber, dnQualifier, postalCode, businessCategory, organizationIdentifier, emailAddress and dotted numbers", found = quoted(.found)
    )]
    UnknownAttribute {
        /// What was found.
        found: String,
    },
    /// A wrong escape in the text.
    #[error(
        "name: {attribute} has {found}, allowed after a backslash are two hexadecimal digits or one of \" # + , / ; < = > \\ and space", found = quoted(.found)
    )]
    Escape {
        /// Which attribute.
        attribute: AttributeType,
        /// The value found.
        found: String,
    },
    /// A character that must be escaped in RFC 4514 text.
    #[error("name: {attribute} has a bare {found}, allowed is \\{found}", found = quoted(.found))]
    Unescaped {
        /// Which attribute.
        attribute: AttributeType,
        /// The character found.
        found: char,
    },
    /// `#` with something else than the hexadecimal digits of DER.
    #[error(
        "name: {attribute} has {found}, allowed after # are the hexadecimal digits of one DER value; write a leading # as \\#", found = quoted(.found)
    )]
    Hexadecimal {
        /// Which attribute.
        attribute: AttributeType,
        /// The value found.
        found: String,
    },
    /// No value.
    #[error("name: {attribute} is empty, allowed is at least one character")]
    Empty {
        /// Which attribute.
        attribute: AttributeType,
    },
    /// Longer than RFC 5280's upper bound.
    #[error("name: {attribute} has {found} characters, allowed are at most {allowed}")]
    TooLong {
        /// Which attribute.
        attribute: AttributeType,
        /// Characters found.
        found: usize,
        /// Characters allowed.
        allowed: usize,
    },
    /// countryName is not two letters.
    #[error("name: C is {found}, allowed are the two capital letters of ISO 3166, such as DE", found = quoted(.found))]
    Country {
        /// What was found.
        found: String,
    },
    /// A character that the string type or this CA does not allow.
    #[error("name: {attribute} has the character {found}, allowed are {allowed}", found = quoted(.found))]
    Character {
        /// Which attribute.
        attribute: AttributeType,
        /// The character found.
        found: char,
        /// What is allowed.
        allowed: &'static str,
    },
    /// A string type that RFC 5280 section 4.1.2.4 forbids in new certificates.
    #[error("name: {attribute} is a {found}, allowed is {allowed}")]
    StringType {
        /// Which attribute.
        attribute: AttributeType,
        /// The tag found.
        found: der::Tag,
        /// What is allowed.
        allowed: &'static str,
    },
    /// Too many attributes.
    #[error("name: found {found} attributes, allowed are at most 32")]
    TooManyAttributes {
        /// How many were found.
        found: usize,
    },
    /// Not a DER Name.
    #[error("name: not a DER Name ({0})")]
    Malformed(#[from] der::Error),
}

impl From<ObjectIdentifier> for AttributeType {
    fn from(oid: ObjectIdentifier) -> Self {
        Self::from_oid(oid)
    }
}

#[cfg(test)]
mod tests;
