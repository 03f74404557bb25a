//! The two ranges of a certificate's DER that the ledger compares: the TBS and the serial number.

use ca_core::certificate::Certificate;
use ca_core::fingerprint::Fingerprint;
use der::asn1::{AnyRef, BitStringRef, IntRef};
use der::{Decode, Header, Reader, SliceReader, Tag, TagNumber, Tagged};

/// Ranges of a certificate's DER (RFC 5280 section 4.1).
#[derive(Debug)]
pub(crate) struct CertificateParts<'a> {
    /// The TBSCertificate, tag and length included: what is signed.
    pub(crate) tbs: &'a [u8],
    /// The content octets of serialNumber.
    pub(crate) serial: &'a [u8],
}

/// Reads `Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signatureValue }` and of
/// the TBS no more than the serial number: the rest was built and checked by `ca_core`.
///
/// # Errors
/// Says what is wrong with the outer structure, trailing bytes included.
pub(crate) fn certificate_parts(der: &[u8]) -> Result<CertificateParts<'_>, der::Error> {
    let mut outer = SliceReader::new(der)?;
    let tbs = outer.sequence(|certificate: &mut SliceReader<'_>| {
        Header::peek(certificate)?.tag().assert_eq(Tag::Sequence)?;
        let tbs = certificate.tlv_bytes()?;
        AnyRef::decode(certificate)?.tag().assert_eq(Tag::Sequence)?;
        BitStringRef::decode(certificate)?;
        Ok::<_, der::Error>(tbs)
    })?;
    outer.finish()?;
    Ok(CertificateParts { tbs, serial: serial_number(tbs)? })
}

/// The digest that was recorded before this certificate was signed: of its TBS, or of its TBS
/// without the alternative signature (2.5.29.74), which is made after the record.
///
/// A certificate that can't be read has the digest of its TBS, which is no record's.
pub(crate) fn record_digest(der: &[u8], tbs: &[u8]) -> Fingerprint {
    /// The encoded identifier 2.5.29.74. Without it there is no such extension, and no need to
    /// read the certificate.
    const ALT_SIGNATURE_VALUE: &[u8] = &[0x06, 0x03, 0x55, 0x1d, 0x4a];
    let may_have_one = tbs.windows(ALT_SIGNATURE_VALUE.len()).any(|at| at == ALT_SIGNATURE_VALUE);
    let certificate = may_have_one.then(|| Certificate::from_der(der).ok()).flatten();
    let digest = certificate.and_then(|certificate| certificate.record_digest().ok());
    digest.unwrap_or_else(|| Fingerprint::of(tbs))
}

/// `TBSCertificate ::= SEQUENCE { [0] EXPLICIT version, serialNumber INTEGER, … }`
fn serial_number(tbs: &[u8]) -> Result<&[u8], der::Error> {
    let version = Tag::ContextSpecific { constructed: true, number: TagNumber(0) };
    let mut reader = SliceReader::new(tbs)?;
    Header::decode(&mut reader)?.tag().assert_eq(Tag::Sequence)?;
    if Tag::peek(&reader)? == version {
        reader.tlv_bytes()?;
    }
    Ok(IntRef::decode(&mut reader)?.as_bytes())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;

    /// Certificate { TBS { [0] { 2 }, 0x41 }, SEQUENCE {}, BIT STRING of 1 octet }.
    const MINIMAL: &[u8] = &[
        0x30, 0x10, 0x30, 0x08, 0xa0, 0x03, 0x02, 0x01, 0x02, 0x02, 0x01, 0x41, 0x30, 0x00, 0x03,
        0x02, 0x00, 0xff,
    ];

    #[test]
    fn finds_the_tbs_with_its_header_and_the_serial() {
        let parts = certificate_parts(MINIMAL).unwrap();
        assert_eq!(parts.tbs, &MINIMAL[2..12]);
        assert_eq!(parts.serial, [0x41]);
    }

    #[test]
    fn refuses_every_truncation_and_trailing_bytes() {
        for end in 0..MINIMAL.len() {
            assert!(certificate_parts(&MINIMAL[..end]).is_err(), "accepted {end} bytes");
        }
        let trailing = [MINIMAL, &[0]].concat();
        assert!(certificate_parts(&trailing).is_err());
    }

    #[test]
    fn refuses_indefinite_and_non_minimal_lengths_and_other_tags() {
        let changed = |at: usize, to: u8| {
            let mut bytes = MINIMAL.to_vec();
            bytes[at] = to;
            certificate_parts(&bytes).is_err()
        };
        assert!(changed(1, 0x80), "indefinite length");
        assert!(changed(0, 0x31), "SET instead of SEQUENCE");
        assert!(changed(2, 0x31), "TBS is a SET");
        assert!(changed(9, 0x04), "serial is an OCTET STRING");
        assert!(changed(14, 0x04), "signature is an OCTET STRING");
        let mut long_form = vec![0x30, 0x81, 0x10];
        long_form.extend_from_slice(&MINIMAL[2..]);
        assert!(certificate_parts(&long_form).is_err(), "length in more octets than needed");
    }
}
