//! The text forms of a name: RFC 4514, and OpenSSL's with slashes.

use std::fmt::{self, Write};

use der::asn1::{Any, Ia5StringRef, PrintableStringRef};
use der::{Decode, Encode, Tag, Tagged};
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::name::{Name, RdnSequence, RelativeDistinguishedName};

use super::attribute::{AttributeType, StringType};
use super::{MAX_ATTRIBUTES, NameError};

/// Which of the two forms is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Rfc4514,
    Slashes,
}

pub(super) fn parse(text: &str) -> Result<RdnSequence, NameError> {
    let mut parts = Vec::new();
    let form = match text.strip_prefix('/') {
        Some(rest) => {
            parts.extend(split(rest, '/'));
            Form::Slashes
        }
        None if text.is_empty() => Form::Rfc4514,
        None => {
            parts.extend(split(text, ','));
            parts.reverse();
            Form::Rfc4514
        }
    };
    if parts.len() > MAX_ATTRIBUTES {
        return Err(NameError::TooManyAttributes { found: parts.len() });
    }
    let mut sequence = RdnSequence::default();
    for part in parts {
        let mut rdn = RelativeDistinguishedName::default();
        for attribute in split(part, '+') {
            rdn.insert(parse_attribute(attribute, form)?)?;
        }
        sequence.push(rdn);
    }
    Ok(sequence)
}

/// One attribute in each part, the values taken as they are.
pub(super) fn sequence(attributes: &[(AttributeType, &str)]) -> Result<RdnSequence, NameError> {
    let mut sequence = RdnSequence::default();
    for (attribute, value) in attributes {
        let mut rdn = RelativeDistinguishedName::default();
        rdn.insert(AttributeTypeAndValue {
            oid: attribute.oid(),
            value: string(*attribute, value)?,
        })?;
        sequence.push(rdn);
    }
    Ok(sequence)
}

/// Cuts at every separator that no backslash stands before.
fn split(text: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut escaped) = (0, false);
    for (index, character) in text.char_indices() {
        if character == separator && !escaped {
            parts.push(&text[start..index]);
            start = index + separator.len_utf8();
        }
        escaped = character == '\\' && !escaped;
    }
    parts.push(&text[start..]);
    parts
}

fn parse_attribute(text: &str, form: Form) -> Result<AttributeTypeAndValue, NameError> {
    let Some((label, value)) = text.split_once('=') else {
        return Err(NameError::NoEquals { found: text.chars().take(80).collect() });
    };
    let attribute = AttributeType::named(label)?;
    let value = trim(value);
    if value.is_empty() {
        return Err(NameError::Empty { attribute });
    }
    let value = match value.strip_prefix('#') {
        Some(digits) if form == Form::Rfc4514 => hexadecimal(attribute, digits)?,
        _ => string(attribute, &unescape(attribute, value, form)?)?,
    };
    Ok(AttributeTypeAndValue { oid: attribute.oid(), value })
}

/// Without spaces at both ends, but for a last one that is escaped.
fn trim(value: &str) -> &str {
    let value = value.trim_start_matches(' ');
    let trimmed = value.trim_end_matches(' ');
    let backslashes = trimmed.bytes().rev().take_while(|byte| *byte == b'\\').count();
    // The escape belongs to the first of the spaces that were cut.
    let keep = usize::from(backslashes % 2 == 1 && trimmed.len() < value.len());
    &value[..trimmed.len() + keep]
}

fn unescape(attribute: AttributeType, value: &str, form: Form) -> Result<String, NameError> {
    let wrong = || NameError::Escape { attribute, found: value.chars().take(80).collect() };
    let mut octets = Vec::with_capacity(value.len());
    let mut rest = value.chars();
    while let Some(character) = rest.next() {
        match character {
            '\\' => {
                let text = rest.as_str();
                if let Some(octet) = text.get(..2).and_then(hex_octet) {
                    octets.push(octet);
                    rest = text[2..].chars();
                } else {
                    let special = rest.next().filter(|next| "\"#+,/;<=> \\".contains(*next));
                    octets.push(special.ok_or_else(wrong)? as u8);
                }
            }
            '"' | ';' | '<' | '>' if form == Form::Rfc4514 => {
                return Err(NameError::Unescaped { attribute, found: character });
            }
            _ => octets.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    String::from_utf8(octets).map_err(|_| wrong())
}

fn hex_octet(pair: &str) -> Option<u8> {
    let digits = pair.bytes().all(|byte| byte.is_ascii_hexdigit());
    u8::from_str_radix(pair, 16).ok().filter(|_| digits)
}

fn hexadecimal(attribute: AttributeType, digits: &str) -> Result<Any, NameError> {
    let octets = crate::fingerprint::hex_octets(digits).filter(|_| !digits.contains(':'));
    let value = octets.and_then(|octets| Any::from_der(&octets).ok());
    value.ok_or_else(|| NameError::Hexadecimal {
        attribute,
        found: format!("#{}", digits.chars().take(80).collect::<String>()),
    })
}

fn string(attribute: AttributeType, value: &str) -> Result<Any, NameError> {
    let (tag, allowed) = match attribute.string_type() {
        StringType::Directory => return Ok(Any::new(Tag::Utf8String, value.as_bytes())?),
        StringType::Printable => {
            (Tag::PrintableString, "A to Z, a to z, 0 to 9, space and ' ( ) + , - . / : = ?")
        }
        StringType::Ia5 => (Tag::Ia5String, "ASCII characters"),
    };
    let fits = |character: &char| match tag {
        Tag::PrintableString => is_printable(*character),
        _ => character.is_ascii(),
    };
    match value.chars().find(|character| !fits(character)) {
        None => Ok(Any::new(tag, value.as_bytes())?),
        Some(found) => Err(NameError::Character { attribute, found, allowed }),
    }
}

/// The characters of PrintableString (X.680 clause 41.4).
fn is_printable(character: char) -> bool {
    character.is_ascii_alphanumeric() || " '()+,-./:=?".contains(character)
}

/// The text of a value of one of the string types that a new certificate may hold.
pub(super) fn string_of(value: &Any) -> Option<&str> {
    match value.tag() {
        Tag::Utf8String => std::str::from_utf8(value.value()).ok(),
        Tag::PrintableString => {
            PrintableStringRef::new(value.value()).ok().map(|string| string.as_str())
        }
        Tag::Ia5String => Ia5StringRef::new(value.value()).ok().map(|string| string.as_str()),
        _ => None,
    }
}

/// Writes RFC 4514: most specific first, `OID=#der` for what has no short name or is not text.
pub(super) fn write(f: &mut fmt::Formatter<'_>, name: &Name) -> fmt::Result {
    let sequence: &RdnSequence = name.as_ref();
    let parts: Vec<&RelativeDistinguishedName> = sequence.iter().collect();
    for (index, rdn) in parts.iter().rev().enumerate() {
        if index > 0 {
            f.write_char(',')?;
        }
        for (index, attribute) in rdn.iter().enumerate() {
            if index > 0 {
                f.write_char('+')?;
            }
            write_attribute(f, attribute)?;
        }
    }
    Ok(())
}

fn write_attribute(f: &mut fmt::Formatter<'_>, attribute: &AttributeTypeAndValue) -> fmt::Result {
    let kind = AttributeType::from_oid(attribute.oid);
    // A string type that is not the one we would write must survive the way back.
    let plain = string_of(&attribute.value).filter(|_| kind.label().is_some());
    write!(f, "{kind}=")?;
    let Some(value) = plain else {
        f.write_char('#')?;
        let der = attribute.value.to_der().map_err(|_| fmt::Error)?;
        return crate::fingerprint::write_hex(f, &der);
    };
    let last = value.char_indices().next_back().map_or(0, |(index, _)| index);
    for (index, character) in value.char_indices() {
        match character {
            '#' if index == 0 => f.write_str("\\#")?,
            ' ' if index == 0 || index == last => f.write_str("\\ ")?,
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => write!(f, "\\{character}")?,
            // Control characters, those past ASCII too, as their UTF-8 octets.
            _ if character.is_control() => {
                for octet in character.encode_utf8(&mut [0; 4]).bytes() {
                    write!(f, "\\{octet:02X}")?;
                }
            }
            _ => f.write_char(character)?,
        }
    }
    Ok(())
}
