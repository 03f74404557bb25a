//! Attribute types, their string types and upper bounds (RFC 5280 appendix A.1, X.520).

use std::fmt;

use const_oid::ObjectIdentifier;
use der::{Tag, Tagged};
use x509_cert::attr::AttributeTypeAndValue;

use super::{NameError, text};
use crate::escape::hides_or_reorders;

/// commonName.
pub(super) const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const COUNTRY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.6");

/// The type of an attribute in a name; prints its short name, or the dotted numbers of a type
/// that is not in the table.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct AttributeType(ObjectIdentifier);

/// Which string type an attribute is written in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum StringType {
    /// DirectoryString: UTF8String is written, PrintableString is read as well.
    Directory,
    /// PrintableString only.
    Printable,
    /// IA5String only.
    Ia5,
}

struct Row {
    label: &'static str,
    aliases: &'static [&'static str],
    oid: ObjectIdentifier,
    string: StringType,
    /// Upper bound in characters.
    max: usize,
}

const fn row(
    label: &'static str,
    aliases: &'static [&'static str],
    oid: &'static str,
    string: StringType,
    max: usize,
) -> Row {
    Row { label, aliases, oid: ObjectIdentifier::new_unwrap(oid), string, max }
}

/// Upper bounds: RFC 5280 appendix A.1 (`ub-…`); where it has none, those of X.520 (streetAddress,
/// businessCategory, organizationIdentifier) and RFC 4524 (userId).
static ROWS: [Row; 18] = [
    row("CN", &["commonName"], "2.5.4.3", StringType::Directory, 64),
    row("O", &["organizationName"], "2.5.4.10", StringType::Directory, 64),
    row("OU", &["organizationalUnitName"], "2.5.4.11", StringType::Directory, 64),
    row("C", &["countryName"], "2.5.4.6", StringType::Printable, 2),
    row("ST", &["S", "stateOrProvinceName"], "2.5.4.8", StringType::Directory, 128),
    row("L", &["localityName"], "2.5.4.7", StringType::Directory, 128),
    row("STREET", &["streetAddress"], "2.5.4.9", StringType::Directory, 128),
    row("DC", &["domainComponent"], "0.9.2342.19200300.100.1.25", StringType::Ia5, 63),
    row("UID", &["userId"], "0.9.2342.19200300.100.1.1", StringType::Directory, 256),
    row("SN", &["surname"], "2.5.4.4", StringType::Directory, 256),
    row("GN", &["givenName"], "2.5.4.42", StringType::Directory, 256),
    row("T", &["title"], "2.5.4.12", StringType::Directory, 64),
    row("serialNumber", &[], "2.5.4.5", StringType::Printable, 64),
    row("dnQualifier", &[], "2.5.4.46", StringType::Printable, 64),
    row("postalCode", &[], "2.5.4.17", StringType::Directory, 40),
    row("businessCategory", &[], "2.5.4.15", StringType::Directory, 128),
    row("organizationIdentifier", &[], "2.5.4.97", StringType::Directory, 256),
    row("emailAddress", &["E", "email"], "1.2.840.113549.1.9.1", StringType::Ia5, 255),
];

/// The bound of attributes that are not in the table, in characters.
const MAX_OTHER: usize = 256;

impl AttributeType {
    /// The type with this identifier.
    pub fn from_oid(oid: ObjectIdentifier) -> Self {
        Self(oid)
    }

    /// Reads a short name, a long name or dotted numbers, in any case.
    ///
    /// # Errors
    /// `NameError::UnknownAttribute` with what was found.
    pub fn named(text: &str) -> Result<Self, NameError> {
        let wanted = text.trim();
        let known = ROWS.iter().find(|row| {
            row.label.eq_ignore_ascii_case(wanted)
                || row.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(wanted))
        });
        let dotted = || wanted.strip_prefix("OID.").unwrap_or(wanted).parse().ok();
        known
            .map(|row| row.oid)
            .or_else(dotted)
            .map(Self)
            .ok_or_else(|| NameError::UnknownAttribute { found: wanted.chars().take(80).collect() })
    }

    /// Its identifier.
    pub fn oid(self) -> ObjectIdentifier {
        self.0
    }

    /// Its short name, if it is in the table.
    pub(super) fn label(self) -> Option<&'static str> {
        self.row().map(|row| row.label)
    }

    pub(super) fn string_type(self) -> StringType {
        self.row().map_or(StringType::Directory, |row| row.string)
    }

    fn row(self) -> Option<&'static Row> {
        ROWS.iter().find(|row| row.oid == self.0)
    }
}

impl fmt::Display for AttributeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.label() {
            Some(label) => f.write_str(label),
            None => self.0.fmt(f),
        }
    }
}

impl fmt::Debug for AttributeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AttributeType({self})")
    }
}

/// Checks one attribute's string type, length and characters.
pub(super) fn check(found: &AttributeTypeAndValue) -> Result<(), NameError> {
    let attribute = AttributeType(found.oid);
    let tag = found.value.tag();
    let (fits, allowed) = match attribute.string_type() {
        StringType::Directory => {
            (matches!(tag, Tag::Utf8String | Tag::PrintableString), "UTF8String or PrintableString")
        }
        StringType::Printable => (tag == Tag::PrintableString, "PrintableString"),
        StringType::Ia5 => (tag == Tag::Ia5String, "IA5String"),
    };
    // An unknown attribute defines its own type; of the ASCII ones IA5String is harmless.
    let other = attribute.row().is_none() && tag == Tag::Ia5String;
    if !fits && !other {
        return Err(NameError::StringType { attribute, found: tag, allowed });
    }
    let Some(value) = text::string_of(&found.value) else {
        return Err(NameError::Character {
            attribute,
            found: char::REPLACEMENT_CHARACTER,
            allowed: "those of its string type",
        });
    };
    check_value(attribute, value)
}

fn check_value(attribute: AttributeType, value: &str) -> Result<(), NameError> {
    if value.trim().is_empty() {
        return Err(NameError::Empty { attribute });
    }
    if attribute.0 == COUNTRY {
        let two = value.len() == 2 && value.bytes().all(|byte| byte.is_ascii_uppercase());
        let found = || value.chars().take(80).collect();
        return if two { Ok(()) } else { Err(NameError::Country { found: found() }) };
    }
    let allowed = attribute.row().map_or(MAX_OTHER, |row| row.max);
    let found = value.chars().count();
    if found > allowed {
        return Err(NameError::TooLong { attribute, found, allowed });
    }
    match value.chars().find(|character| hides_or_reorders(*character)) {
        None => Ok(()),
        Some(found) => Err(NameError::Character {
            attribute,
            found,
            allowed: "letters, digits, signs and spaces, without characters that control, hide or reorder text",
        }),
    }
}
