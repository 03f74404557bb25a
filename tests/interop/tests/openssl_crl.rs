//! OpenSSL's `crl` and `verify`: full, delta and sharded lists, ours judged by it and its own judged by us.

#![allow(clippy::unwrap_used)] // a panic is the failure report

use ca_core::algorithm::Algorithm;
use ca_core::pem::Label;
use interop::crls::{Kind, OTHER_PLACE, PLACE, World, judged, not_judged, twins};
use interop::issue::{Role, now, pkcs8};
use interop::judge::accepted_but_no_twin;
use interop::openssl::OpenSsl;
use interop::peers::tried;
use jiff::SignedDuration;

const PEER: &str = "openssl";

/// OpenSSL knows no composites.
const ALGORITHMS: &[&str] =
    &["ECDSA-P256", "Ed25519", "RSA-2048-PSS", "ML-DSA-44", "ML-DSA-65", "SLH-DSA-SHA2-128f"];

const SIGNATURE: &str = "CRL signature failure";
const EXPIRED: &str = "CRL has expired";
const NO_LIST: &str = "unable to get certificate CRL";
const OTHER_SCOPE: &str = "different CRL scope";

fn worlds() -> impl Iterator<Item = (&'static Algorithm, World)> {
    ALGORITHMS.iter().map(|name| {
        let algorithm = Algorithm::named(name).unwrap();
        (algorithm, World::of(algorithm))
    })
}

fn write(openssl: &OpenSsl, world: &World) {
    for (file, certificate) in [
        ("root.pem", &world.root.certificate),
        ("issuing.pem", &world.issuing.certificate),
        ("revoked.pem", &world.revoked),
        ("good.pem", &world.good),
    ] {
        openssl.write_pem(file, Label::Certificate, certificate.der());
    }
}

/// `openssl crl -verify`: the signature alone.
fn signature(openssl: &OpenSsl, list: &[u8]) -> Result<(), String> {
    openssl.write("list.der", list);
    let output = openssl.run("crl -verify -noout -inform DER -in list.der -CAfile issuing.pem")?;
    if output.error.contains("verify OK") { Ok(()) } else { Err(output.error) }
}

/// `openssl verify -crl_check` of a leaf by these lists, deltas and extensions included.
fn leaf(openssl: &OpenSsl, leaf: &str, lists: &[&[u8]]) -> Result<(), String> {
    let pem: String = lists.iter().map(|der| ca_core::pem::encode(Label::Crl, der)).collect();
    openssl.write("lists.pem", pem);
    let options = "-x509_strict -crl_check -extended_crl -use_deltas";
    let files = "-CAfile root.pem -untrusted issuing.pem -CRLfile lists.pem";
    openssl.run(&format!("verify {options} {files} {leaf}.pem")).map(drop)
}

/// The good leaf passes, and the revoked one is refused for being revoked.
fn both(openssl: &OpenSsl, lists: &[&[u8]]) -> Result<(), String> {
    leaf(openssl, "good", lists)?;
    match leaf(openssl, "revoked", lists) {
        Err(reason) if reason.contains("certificate revoked") => Ok(()),
        other => Err(format!("the revoked leaf: {other:?}")),
    }
}

fn refused(openssl: &OpenSsl, lists: &[&[u8]], reason: &str) {
    for name in ["good", "revoked"] {
        let error = leaf(openssl, name, lists).unwrap_err();
        assert!(error.contains(reason), "{name}: {error}");
    }
}

#[test]
fn it_judges_by_our_lists() {
    let Some(openssl) = OpenSsl::present() else { return };
    for (algorithm, world) in worlds() {
        write(&openssl, &world);
        let now = now() - SignedDuration::from_mins(1);
        let revoked = [&world.revoked];
        let empty = world.list(Kind::Full, &[], now);
        for kind in Kind::ALL {
            let list = world.list(kind, &revoked, now);
            let what = format!("our {} {}", algorithm.family(), kind.name());
            accepted_but_no_twin(
                PEER,
                &format!("{what}, crl -verify"),
                &list,
                &twins(&list),
                |der| signature(&openssl, der),
            );
            both(&openssl, &kind.with_base(&empty, &list))
                .unwrap_or_else(|error| panic!("{algorithm}, {what}: {error}"));
            tried(
                PEER,
                &format!("{what}, verify -crl_check"),
                "good leaf accepted, revoked one refused",
            );
        }
        for kind in [Kind::Full, Kind::Shard(PLACE)] {
            let list = world.list(kind, &revoked, now);
            for (_, twin) in &twins(&list)[..2] {
                refused(&openssl, &[twin], SIGNATURE);
            }
            let old = world.list(kind, &revoked, now - SignedDuration::from_hours(48));
            refused(&openssl, &[&old], EXPIRED);
            let other = World::list_by(&world.root, kind, &revoked, now);
            refused(&openssl, &[&other], NO_LIST);
            let what = format!("our {} {}", algorithm.family(), kind.name());
            tried(PEER, &what, "refused: flipped, expired, other issuer");
        }
        refused(&openssl, &[&world.list(Kind::Shard(OTHER_PLACE), &revoked, now)], OTHER_SCOPE);
    }
}

const CONFIGURATION: &str = "[ca]
default_ca=d
[d]
database=index.txt
crlnumber=number
default_md=default
default_crl_days=1
crl_extensions=e
[e]
authorityKeyIdentifier=keyid
";

/// The extension that makes a list one of this kind.
fn extension(kind: Kind) -> String {
    match kind {
        Kind::Full => String::new(),
        Kind::Delta => "2.5.29.27=critical,DER:020104\n".into(),
        Kind::Shard(place) => {
            format!("issuingDistributionPoint=critical,@p\n[p]\nfullname=URI:{place}\n")
        }
    }
}

#[test]
fn we_judge_by_its_lists() {
    let Some(openssl) = OpenSsl::present() else { return };
    for (algorithm, world) in worlds() {
        write(&openssl, &world);
        openssl.write_pem("key.pem", Label::PrivateKey, &pkcs8(algorithm, Role::Issuing));
        let serial: String =
            world.revoked.serial_octets().iter().map(|octet| format!("{octet:02X}")).collect();
        let list = |kind, revoked: bool| {
            openssl.write("ca.cnf", format!("{CONFIGURATION}{}", extension(kind)));
            openssl.write("number", if kind == Kind::Delta { "06\n" } else { "05\n" });
            let line = format!(
                "R\t491231235959Z\t260101000000Z,keyCompromise\t{serial}\tunknown\t/CN=x\n"
            );
            openssl.write("index.txt", if revoked { line } else { String::new() });
            let padding = if algorithm.name().ends_with("PSS") { PSS } else { "" };
            let files = "-config ca.cnf -cert issuing.pem -keyfile key.pem -out list.pem";
            openssl.run(&format!("ca -gencrl {padding} {files}")).unwrap();
            pem_rfc7468::decode_vec(&openssl.read("list.pem")).unwrap().1
        };
        for kind in Kind::ALL {
            judged(PEER, algorithm, &world, kind, &list(kind, true));
        }
        not_judged(&world, &list(Kind::Shard(OTHER_PLACE), true));
        let none = world.verdict(&world.good, &[], now());
        assert!(none.contains("none of 0 lists"), "{none}");
    }
}

const PSS: &str = "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest -md sha256";
