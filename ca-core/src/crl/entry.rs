//! Entries of revokedCertificates (RFC 5280 section 5.1.2.6 and 5.3).

use der::asn1::AnyRef;
use der::{Decode, Reader, SliceReader, Tag, Tagged};
use jiff::Timestamp;

use super::error::Fault;
use super::extension::{CERTIFICATE_ISSUER, INVALIDITY_DATE, REASON_CODE, RawExtension, read_all};
use super::instant::{self, DATE, Dates, TIME};
use super::reason::RevocationReason;
use super::serial::EntrySerial;

/// `SEQUENCE { OBJECT IDENTIFIER 2.5.29.21, OCTET STRING { ENUMERATED … } }` up to the code.
const REASON_PREFIX: [u8; 11] = [0x30, 0x0a, 0x06, 0x03, 0x55, 0x1d, 0x15, 0x04, 0x03, 0x0a, 0x01];
/// `SEQUENCE { OBJECT IDENTIFIER 2.5.29.24, OCTET STRING { GeneralizedTime … } }` up to the time.
const INVALIDITY_PREFIX: [u8; 9] = [0x30, 0x18, 0x06, 0x03, 0x55, 0x1d, 0x18, 0x04, 0x11];

/// One revoked certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevokedEntry {
    /// Its serial number.
    pub serial: EntrySerial,
    /// When it was revoked; fractions of a second are cut off.
    pub revoked_at: Timestamp,
    /// Why.
    pub reason: RevocationReason,
    /// Since when its key may have been known to others, or it was wrong in another way.
    pub invalidity_date: Option<Timestamp>,
}

impl RevokedEntry {
    /// An entry that says no more than that.
    pub fn new(serial: EntrySerial, revoked_at: Timestamp) -> Self {
        let reason = RevocationReason::Unspecified;
        Self { serial, revoked_at, reason, invalidity_date: None }
    }

    /// Whether a list of this kind may have the entry.
    pub(super) fn check(&self, in_delta: bool) -> Result<(), Fault> {
        check_reason(self.reason, in_delta)?;
        instant::check("revocationDate", self.revoked_at)?;
        self.invalidity_date.map_or(Ok(()), |date| instant::check("invalidityDate", date))
    }

    /// More than the longest entry, and than the padding of its last part.
    pub(super) const MAX_DER: usize = 128;

    /// Writes the DER to the start of `room`, which has [`Self::MAX_DER`] octets or more, and tells
    /// its length. All lengths are below 128 octets: 22 of serial number, 17 of date, 2 of header,
    /// 12 and 26 of extensions at most. Octets behind it may be overwritten.
    #[inline]
    pub(super) fn write_der(&self, room: &mut [u8], dates: &mut Dates) -> usize {
        let mut entry = Encoding { octets: &mut room[..Self::MAX_DER], length: 0 };
        let content = entry.open();
        let (serial, length) = self.serial.padded();
        entry.put(&[0x02, length as u8], 2);
        entry.put(serial, length);
        let (date, length, time) = dates.encoded(self.revoked_at);
        entry.put(&date, length);
        entry.put(&time, TIME);
        let has_reason = self.reason != RevocationReason::Unspecified;
        if has_reason || self.invalidity_date.is_some() {
            let extensions = entry.open();
            if has_reason {
                entry.put(&REASON_PREFIX, REASON_PREFIX.len());
                entry.put(&[self.reason.code()], 1);
            }
            if let Some(date) = self.invalidity_date {
                entry.put(&INVALIDITY_PREFIX, INVALIDITY_PREFIX.len());
                let (date, time) = dates.generalized(date);
                entry.put(&date, DATE);
                entry.put(&time, TIME);
            }
            entry.close(extensions);
        }
        entry.close(content);
        entry.length
    }
}

/// An entry where it will stay: parts of fixed size are put there by a few moves, nothing is read
/// back. With a million entries that is most of the time beside hashing.
struct Encoding<'a> {
    octets: &'a mut [u8],
    length: usize,
}

impl Encoding<'_> {
    /// Appends the first `length` octets of a part.
    #[inline]
    fn put<const N: usize>(&mut self, part: &[u8; N], length: usize) {
        self.octets[self.length..self.length + N].copy_from_slice(part);
        self.length += length;
    }

    /// Starts a SEQUENCE of less than 128 octets; tells where its content starts.
    #[inline]
    fn open(&mut self) -> usize {
        self.put(&[0x30, 0], 2);
        self.length
    }

    #[inline]
    fn close(&mut self, content: usize) {
        self.octets[content - 1] = (self.length - content) as u8;
    }
}

fn check_reason(reason: RevocationReason, in_delta: bool) -> Result<(), Fault> {
    if reason == RevocationReason::RemoveFromCrl && !in_delta {
        let allowed = "removeFromCRL only in a delta CRL";
        return Err(Fault::new("reasonCode", "removeFromCRL", allowed));
    }
    Ok(())
}

/// The entries of a list, in its order, each decoded when it is asked for.
#[derive(Clone, Debug)]
pub struct Entries<'a> {
    rest: &'a [u8],
    in_delta: bool,
}

impl<'a> Entries<'a> {
    /// `content` is what stands inside revokedCertificates.
    pub(super) fn new(content: &'a [u8], in_delta: bool) -> Self {
        Self { rest: content, in_delta }
    }

    /// The next entry, or why it is none.
    pub(super) fn read_next(&mut self) -> Option<Result<RevokedEntry, Fault>> {
        if self.rest.is_empty() {
            return None;
        }
        let entry = split_first(self.rest).and_then(|(entry, rest)| {
            self.rest = rest;
            read(entry, self.in_delta)
        });
        if entry.is_err() {
            self.rest = &[];
        }
        Some(entry)
    }

    /// The entry with this serial number; the others are only stepped over. Where a list has it
    /// twice, a revocation counts before a removal.
    pub(super) fn find(&self, serial: &EntrySerial) -> Option<RevokedEntry> {
        let octets = serial.as_bytes();
        let integer = [&[0x02, octets.len() as u8], octets].concat();
        let mut rest = self.rest;
        let mut removal = None;
        while !rest.is_empty() {
            // As below: every entry was read before.
            let (entry, behind) = split_first(rest).ok()?;
            rest = behind;
            if !content(entry).is_some_and(|content| content.starts_with(&integer)) {
                continue;
            }
            let entry = read(entry, self.in_delta).ok()?;
            if entry.reason != RevocationReason::RemoveFromCrl {
                return Some(entry);
            }
            removal = Some(entry);
        }
        removal
    }
}

/// What stands inside the SEQUENCE of an entry.
fn content(entry: &[u8]) -> Option<&[u8]> {
    AnyRef::from_der(entry).ok().map(AnyRef::value)
}

impl Iterator for Entries<'_> {
    type Item = RevokedEntry;

    fn next(&mut self) -> Option<RevokedEntry> {
        // `CertificateList::from_der` read every entry once: none is refused here.
        self.read_next()?.ok()
    }
}

/// The first entry and what stands behind it.
fn split_first(content: &[u8]) -> Result<(&[u8], &[u8]), Fault> {
    let refused = Fault::der("the entry");
    let mut reader = SliceReader::new(content).map_err(&refused)?;
    let entry = reader.tlv_bytes().map_err(&refused)?;
    Ok((entry, &content[entry.len()..]))
}

fn read(der: &[u8], in_delta: bool) -> Result<RevokedEntry, Fault> {
    let refused = Fault::der("the entry");
    let mut reader = SliceReader::new(der).map_err(&refused)?;
    let (serial, date, extensions) = reader
        .sequence(|reader| {
            let serial = AnyRef::decode(reader)?;
            let date = AnyRef::decode(reader)?;
            let extensions = if reader.is_finished() { None } else { Some(reader.tlv_bytes()?) };
            Ok::<_, der::Error>((serial, date, extensions))
        })
        .map_err(&refused)?;
    let mut entry = RevokedEntry::new(read_serial(serial)?, instant::read("revocationDate", date)?);
    if let Some(extensions) = extensions {
        read_extensions(extensions, &mut entry)?;
    }
    check_reason(entry.reason, in_delta)?;
    Ok(entry)
}

fn read_serial(value: AnyRef<'_>) -> Result<EntrySerial, Fault> {
    let field = "userCertificate";
    value.tag().assert_eq(Tag::Integer).map_err(Fault::der(field))?;
    EntrySerial::from_integer_octets(value.value()).map_err(|error| {
        Fault::new(field, error.to_string(), "an INTEGER of 1 to 20 octets in its shortest form")
    })
}

fn read_extensions(der: &[u8], entry: &mut RevokedEntry) -> Result<(), Fault> {
    for extension in read_all("crlEntryExtensions", der)? {
        match extension.oid {
            REASON_CODE => entry.reason = read_reason(&extension)?,
            INVALIDITY_DATE => {
                let field = "invalidityDate";
                extension.expect_critical(field, false)?;
                let value = AnyRef::from_der(extension.value).map_err(Fault::der(field))?;
                entry.invalidity_date = Some(instant::read_generalized(field, value)?);
            }
            CERTIFICATE_ISSUER => {
                let allowed = "lists that revoke only their own issuer's certificates";
                return Err(Fault::new("certificateIssuer", "an indirect CRL", allowed));
            }
            oid if extension.critical => {
                let found = format!("critical extension {oid}, which is not understood");
                let allowed = "critical extensions that RFC 5280 section 5.3 names";
                return Err(Fault::new("crlEntryExtensions", found, allowed));
            }
            _ => {}
        }
    }
    Ok(())
}

fn read_reason(extension: &RawExtension<'_>) -> Result<RevocationReason, Fault> {
    let field = "reasonCode";
    extension.expect_critical(field, false)?;
    let octets = extension.primitive(field, Tag::Enumerated)?;
    let reason = match octets {
        [code] => RevocationReason::from_code(*code),
        _ => None,
    };
    let found = || {
        format!(
            "ENUMERATED {}",
            octets.iter().take(8).map(|o| format!("{o:02x}")).collect::<String>()
        )
    };
    reason.ok_or_else(|| Fault::new(field, found(), "0 to 6 and 8 to 10"))
}
