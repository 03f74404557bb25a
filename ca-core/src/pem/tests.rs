#![allow(clippy::unwrap_used)] // a panic is the failure report

use super::*;

/// SEQUENCE { INTEGER 5 }.
const DER: &[u8] = &[0x30, 0x03, 0x02, 0x01, 0x05];

fn blocks(text: &str) -> Result<Vec<Block>, PemError> {
    match read(text.as_bytes())? {
        Input::Pem(blocks) => Ok(blocks),
        Input::Der(_) => panic!("text was taken for DER"),
    }
}

fn refused(text: &str) -> String {
    blocks(text).unwrap_err().to_string()
}

#[test]
fn every_label_survives_a_round_trip() {
    for label in Label::ALL {
        let text = encode_secret(label, DER);
        let found = blocks(&text).unwrap();
        assert_eq!((found.len(), found[0].label(), found[0].der()), (1, label, DER));
        assert_eq!(encode(label, DER), *text);
    }
}

#[test]
fn line_ends_line_lengths_indents_and_text_between_blocks_are_tolerated() {
    let der = [&[0x30, 0x81, 0xc8][..], &[0; 200]].concat();
    let plain = encode(Label::Certificate, &der);
    let body: String = plain.lines().filter(|line| !line.starts_with('-')).collect();
    let wrapped = |width: usize, end: &str| {
        let characters: Vec<char> = body.chars().collect();
        let lines: Vec<String> =
            characters.chunks(width).map(|line| line.iter().collect()).collect();
        format!(
            "-----BEGIN CERTIFICATE-----{end}{}{end}-----END CERTIFICATE-----{end}",
            lines.join(end)
        )
    };
    let variants = [
        plain.clone(),
        plain.replace('\n', "\r\n"),
        plain.replace('\n', "\r"),
        plain.trim_end().to_owned(),
        plain.lines().map(|line| format!("    {line} \n")).collect(),
        format!("\u{feff}subject=CN = a\nissuer=CN = b\n{plain}Bag Attributes: x\n"),
        wrapped(76, "\n"),
        wrapped(3, "\r\n"),
        wrapped(100_000, "\n"),
        plain.replace("-----\nM", "-----\n\nM"),
    ];
    for text in variants {
        assert_eq!(blocks(&text).unwrap()[0].der(), der, "{text:?}");
    }
}

#[test]
fn blocks_keep_their_order_and_lines() {
    let text = format!(
        "# first\n{}\n{}",
        encode(Label::PublicKey, DER),
        encode(Label::Certificate, &[0x30, 0x00])
    );
    let found = blocks(&text).unwrap();
    let places: Vec<_> = found.iter().map(|block| (block.line(), block.label())).collect();
    assert_eq!(places, [(2, Label::PublicKey), (6, Label::Certificate)]);
}

#[test]
fn parameters_before_an_ec_key_are_passed_over_but_are_no_block_alone() {
    let parameters =
        "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
    let text = format!("{parameters}{}", encode(Label::EcPrivateKey, DER));
    assert_eq!(blocks(&text).unwrap().len(), 1);
    assert!(matches!(blocks(parameters), Err(PemError::NoBlock { .. })));
}

#[test]
fn wrong_boundaries_are_refused_by_line_and_label() {
    let block = encode(Label::Certificate, DER);
    for (text, wanted) in [
        (
            block.replace("CERTIFICATE", "PKCS12"),
            "line 1: found the label `PKCS12`, allowed are CERTIFICATE,",
        ),
        (
            block.replace("END CERTIFICATE", "END PUBLIC KEY"),
            "line 3: the block ends as `PUBLIC KEY`, allowed is `CERTIFICATE`",
        ),
        (
            block.replace("-----END CERTIFICATE-----\n", ""),
            "line 1: the block `CERTIFICATE` has no END",
        ),
        (format!("\n{}", &block[28..]), "line 3: found an END of `CERTIFICATE` without its BEGIN"),
        (
            block.replacen("CERTIFICATE-----", "CERTIFICATE----", 1),
            "line 1: found `-----BEGIN CERTIFICATE----`",
        ),
        (
            block.replacen("CERTIFICATE-----", "CERTIFICATE----- x", 1),
            "line 1: found `-----BEGIN CERTIFICATE----- x`",
        ),
        (format!("{}\n{block}", &block[..28]), "line 1: the block `CERTIFICATE` has no END"),
        ("hello".into(), "starts with 0x68 and has no line"),
        (String::new(), "input: empty"),
    ] {
        let error = refused(&text);
        assert!(error.contains(wanted), "{text:?}: {error}");
    }
}

#[test]
fn wrong_content_is_refused_by_line() {
    let block =
        |body: &str| format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
    for (body, wanted) in [
        ("MAMCAQ", "line 1: the block's base64 has 6 characters"),
        ("MAMCAQU", "7 characters"),
        ("MAM=AQU=", "or a wrong end"),
        ("MAMCAQU=\nMAMCAQU=", "or a wrong end"),
        ("", "line 1: the block is empty"),
        ("MAM*AQU=", "line 2: found the octet 0x2a, allowed is base64"),
        ("Proc-Type: 4,ENCRYPTED\n\nMAMCAQU=", "openssl pkcs8 -topk8"),
        ("MAMCAQUA", "line 1: 1 octets after the DER value, which ends at 5"),
        ("MAMCAQ==", "line 1: truncated DER: found 4 octets, its header says at least 5"),
        ("BAMCAQU=", "line 1: not DER: found the tag 0x04"),
    ] {
        let error = refused(&block(body));
        assert!(error.contains(wanted), "{body:?}: {error}");
    }
}

#[test]
fn bounds_hold() {
    let block = encode(Label::Certificate, DER);
    assert_eq!(blocks(&block.repeat(MAX_BLOCKS)).unwrap().len(), MAX_BLOCKS);
    assert_eq!(
        blocks(&block.repeat(MAX_BLOCKS + 1)).unwrap_err(),
        PemError::TooManyBlocks { line: 301 }
    );
    let padded = |size: usize| format!("{block}{}", " ".repeat(size - block.len()));
    assert_eq!(blocks(&padded(MAX_FILE_SIZE)).unwrap().len(), 1);
    assert_eq!(
        blocks(&padded(MAX_FILE_SIZE + 1)).unwrap_err(),
        PemError::TooLarge { found: MAX_FILE_SIZE + 1, allowed: MAX_FILE_SIZE }
    );
}

/// The start of a revocation list, whose entries have this many octets.
fn list(octets: usize) -> Vec<u8> {
    let fields = [2, 1, 1, 0x30, 0, 0x30, 0, 0x17, 0, 0x17, 0];
    let header = |length: usize| [&[0x30, 0x83], &(length as u32).to_be_bytes()[1..]].concat();
    let signed = [&fields[..], &header(octets)].concat();
    let inner = [header(signed.len() + octets), signed].concat();
    [header(inner.len() + octets + 5), inner, vec![0; octets], vec![0x30, 0, 3, 1, 0]].concat()
}

#[test]
fn only_revocation_lists_may_be_large() {
    let large = list(2 * MAX_FILE_SIZE);
    assert!(may_be_large(&large) && may_be_large(&large[..40]) && !may_be_large(&large[..18]));
    assert!(matches!(read(&large).unwrap(), Input::Der(der) if *der == large));
    let text = encode(Label::Crl, &large);
    assert!(may_be_large(&text.as_bytes()[..40]));
    assert_eq!(blocks(&format!("Bag\n{text}")).unwrap()[0].der(), large);
    assert_eq!(blocks(&text.repeat(2)).unwrap().len(), 2);

    // The same as a certificate, by its label or by its fields.
    let allowed = MAX_FILE_SIZE;
    let other = encode(Label::Certificate, &large);
    assert_eq!(blocks(&other).unwrap_err(), PemError::TooLarge { found: other.len(), allowed });
    let mut certificate = large;
    certificate[17] = 0x30;
    let found = certificate.len();
    assert_eq!(read(&certificate).unwrap_err(), PemError::TooLarge { found, allowed });
    // A key behind a list.
    let error = blocks(&format!("{text}{}", encode(Label::PrivateKey, DER))).unwrap_err();
    assert!(matches!(error, PemError::NotListInLarge { found: Label::PrivateKey, .. }), "{error}");
    assert!(error.to_string().contains("only revocation lists (X509 CRL)"), "{error}");
}

#[test]
fn der_is_told_from_text_and_its_header_is_checked() {
    assert!(matches!(read(DER).unwrap(), Input::Der(der) if *der == DER));
    for (der, wanted) in [
        (&[0x30, 0x80, 0x02, 0x01, 0x05, 0, 0][..], DerError::Indefinite),
        (&[0x30, 0x81, 0x03, 0x02, 0x01, 0x05], DerError::LongLength),
        (&[0x30, 0x82, 0x00, 0x81, 0x02], DerError::LongLength),
        (&[0x30, 0x85, 0, 0, 0, 0, 1, 0], DerError::Length { found: 0x85 }),
        (&[0x30, 0x03, 0x02, 0x01], DerError::Truncated { found: 4, needed: 5 }),
        (&[0x30, 0x82, 0x01], DerError::Truncated { found: 3, needed: 4 }),
        (&[0x30, 0x03, 0x02, 0x01, 0x05, 0], DerError::Trailing { extra: 1, needed: 5 }),
    ] {
        assert_eq!(read(der).unwrap_err(), PemError::Der(wanted), "{der:02x?}");
    }
    // Text may start with the digit that is also the tag of a SEQUENCE.
    let text = format!("0. the first block\n{}", encode(Label::Certificate, DER));
    assert_eq!(blocks(&text).unwrap()[0].line(), 2);
    assert!(matches!(read(b"\x04\x01\x00"), Err(PemError::NoBlock { first: 4 })));
}

#[test]
fn labels_from_strangers_are_escaped_and_cut() {
    let text = format!("-----BEGIN \u{1b}[2J\u{202e}{}-----\n-----END X-----\n", "A".repeat(500));
    let error = refused(&text);
    assert!(!error.contains('\u{1b}') && !error.contains('\u{202e}'), "{error:?}");
    assert!(error.contains("\\1B[2J\\E2\\80\\AEAAAA") && error.len() < 400, "{error}");
}

#[test]
fn nothing_of_a_block_shows_in_debug() {
    let text = encode_secret(Label::PrivateKey, DER);
    let shown = format!("{:?}", read(text.as_bytes()).unwrap());
    assert_eq!(shown, "Pem([Block(PRIVATE KEY at line 1, 5 octets)])");
}

#[test]
fn what_is_written_in_parts_is_the_same() {
    for octets in [1, 48, 49, 48 * 1024, 48 * 1024 + 1, 100_000] {
        let der = vec![0xa5; octets];
        let mut written = Vec::new();
        write(Label::Crl, &der, &mut written).unwrap();
        assert_eq!(written, encode(Label::Crl, &der).as_bytes(), "{octets}");
    }
}
