//! Numbers, serial numbers and reasons.

use super::*;

fn number(octets: &str) -> Result<CrlNumber, InvalidCrlNumber> {
    CrlNumber::from_integer_octets(&hex(octets))
}

#[test]
fn numbers_grow_and_keep_their_shortest_form() {
    for (value, octets) in
        [(0, "00"), (1, "01"), (127, "7f"), (128, "0080"), (255, "00ff"), (256, "0100")]
    {
        let found = CrlNumber::from(value);
        assert_eq!(found.integer_octets(), hex(octets), "{value}");
        assert_eq!(number(octets), Ok(found));
        assert!(found.next().unwrap() > found);
        assert_eq!(found.next().unwrap(), CrlNumber::from(value + 1));
        assert_eq!(found.to_string(), value.to_string());
    }
    let carried = CrlNumber::from(u64::MAX).next().unwrap();
    assert_eq!(carried.to_string(), "18446744073709551616");
    assert_eq!(carried.integer_octets(), hex("010000000000000000"));
}

#[test]
fn the_last_number_has_twenty_octets_and_nothing_follows() {
    let last = number("7fffffffffffffffffffffffffffffffffffffff").unwrap();
    assert_eq!(last.integer_octets().len(), 20);
    assert_eq!(last.to_string(), format!("0x7f{}", "ff".repeat(19)));
    assert_eq!(last.next(), Err(InvalidCrlNumber::TooLong { found: 21 }));
    assert!(number(&format!("7f{}fe", "ff".repeat(18))).unwrap().next() == Ok(last));
}

#[test]
fn what_is_no_number_is_refused() {
    assert_eq!(number(""), Err(InvalidCrlNumber::NotShortest));
    assert_eq!(number("0001"), Err(InvalidCrlNumber::NotShortest));
    assert_eq!(number("ff80"), Err(InvalidCrlNumber::NotShortest));
    assert_eq!(number("80"), Err(InvalidCrlNumber::Negative));
    assert_eq!(number(&"01".repeat(21)), Err(InvalidCrlNumber::TooLong { found: 21 }));
    assert!(number(&"01".repeat(20)).is_ok());
}

#[test]
fn serial_numbers_of_any_length_up_to_twenty_octets_are_held() {
    for length in 1..=20 {
        let octets = vec![0x41; length];
        let serial = EntrySerial::from_integer_octets(&octets).unwrap();
        assert_eq!(serial.as_bytes(), octets);
        assert_eq!(serial.to_string(), "41".repeat(length));
    }
    // Zero and a negative number, which sloppy authorities have.
    assert!(EntrySerial::from_integer_octets(&[0]).is_ok());
    assert!(EntrySerial::from_integer_octets(&[0x80]).is_ok());
    assert_ne!(EntrySerial::from_integer_octets(&[0]), EntrySerial::from_integer_octets(&[0xff]));
    let long = EntrySerial::from_integer_octets(&[1; 21]);
    assert_eq!(long, Err(InvalidEntrySerial::TooLong { found: 21 }));
    for octets in [&[][..], &[0, 1], &[0xff, 0x80]] {
        let found = EntrySerial::from_integer_octets(octets);
        assert_eq!(found, Err(InvalidEntrySerial::NotShortest));
    }
    let own = SerialNumber::generate(&mut crate::plan::tests::rng());
    assert_eq!(EntrySerial::from(&own).as_bytes(), own.as_bytes());
}

#[test]
fn reasons_have_names_and_codes() {
    for reason in RevocationReason::ALL {
        assert_eq!(RevocationReason::from_code(reason.code()), Some(reason));
        assert_eq!(reason.to_string().parse(), Ok(reason));
    }
    assert_eq!("key-compromise".parse(), Ok(RevocationReason::KeyCompromise));
    assert_eq!("CESSATION_OF_OPERATION".parse(), Ok(RevocationReason::CessationOfOperation));
    assert_eq!(RevocationReason::from_code(7), None);
    assert_eq!(RevocationReason::from_code(11), None);
    let unknown = "lost".parse::<RevocationReason>().unwrap_err();
    assert!(
        unknown
            .to_string()
            .starts_with("revocation reason: found \"lost\", allowed are unspecified")
    );
}

#[test]
fn serial_numbers_are_read_as_they_are_shown() {
    for (text, octets) in [
        ("07", &[7][..]),
        ("00", &[0]),
        ("0000", &[0]),
        ("80", &[0, 0x80]),
        ("00:80", &[0, 0x80]),
        ("0000017f", &[1, 0x7f]),
    ] {
        let serial = EntrySerial::from_hex(text).unwrap();
        assert_eq!(serial.as_bytes(), octets, "{text}");
        assert_eq!(EntrySerial::from_hex(&serial.to_string()).unwrap(), serial);
    }
    for (text, refused) in [
        ("", InvalidEntrySerial::NotHex),
        ("7", InvalidEntrySerial::NotHex),
        ("0x07", InvalidEntrySerial::NotHex),
        (&"80".repeat(20), InvalidEntrySerial::TooLong { found: 21 }),
        (&"01".repeat(21), InvalidEntrySerial::TooLong { found: 21 }),
    ] {
        assert_eq!(EntrySerial::from_hex(text).unwrap_err(), refused, "{text}");
    }
}
