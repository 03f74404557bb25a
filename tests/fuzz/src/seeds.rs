//! What the fuzzers start from: the test data of this checkout, vectors made by others, and what
//! ca-core makes itself.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ca_core::algorithm::Algorithm;
use ca_core::certificate::Certificate;
use ca_core::crl::{
    CertificateList, CrlBuilder, EntrySerial, RevocationReason, RevokedEntry, Scope,
};
use ca_core::csr::CertificateRequest;
use ca_core::general_name::{AbsoluteUri, AltName};
use ca_core::inspect::Kind;
use ca_core::key::PrivateKey;
use ca_core::name::DistinguishedName;
use ca_core::ocsp::{CertId, CertIdHash, CertStatus, Nonce, OcspRequest, Responder, UpdateWindow};
use ca_core::pem::{self, Input};
use ca_core::pkcs7::CertificateBag;
use ca_core::pkcs12::{Bundle, MacDerivation, Password, Protection, seal};
use jiff::SignedDuration;

use crate::choices::Choices;
use crate::pki::{FAMILIES, Kind as CertificateKind, Pki, Repeatable, certificate, verified_at};
use crate::targets::encrypted_key::PASSPHRASE;
use crate::tree::{Node, split};

/// Seeds of each target, by its name.
pub type Seeds = BTreeMap<&'static str, Vec<Vec<u8>>>;

/// The largest file that is taken; fuzzers are slow with more.
const MAX_SIZE: usize = 32 * 1024;

/// All seeds. Vectors that are not there are left out.
///
/// # Errors
/// When a file that is there can't be read.
///
/// # Panics
/// When ca-core can't make its own, which its tests rule out.
pub fn all() -> io::Result<Seeds> {
    let mut seeds = Seeds::new();
    for folder in folders() {
        for path in files(&folder)? {
            add_file(&mut seeds, &fs::read(path)?);
        }
    }
    for family in FAMILIES {
        made(&mut seeds, &Pki::new(family));
    }
    for number in 0..64_u64 {
        let mut choices = Choices::seeded(number);
        add(&mut seeds, "path", choices.octets(48));
    }
    Ok(seeds)
}

/// Writes each seed into a file of its own below `folder`, in a folder named as its target.
///
/// # Errors
/// When something can't be read or written.
pub fn write(folder: &Path) -> io::Result<()> {
    for (target, seeds) in all()? {
        let folder = folder.join(target);
        fs::create_dir_all(&folder)?;
        for seed in seeds {
            let name = ca_core::fingerprint::Fingerprint::of(&seed).to_string();
            fs::write(folder.join(name), seed)?;
        }
    }
    Ok(())
}

fn folders() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let places = ["ca-core/tests/data", "ca-core/profiles", "tests/fuzz/data", "../shared/vectors"];
    places.map(|place| root.join(place)).into_iter().filter(|folder| folder.is_dir()).collect()
}

/// Every file below a folder, in order.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else if path.metadata()?.len() <= MAX_SIZE as u64 {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn add(seeds: &mut Seeds, target: &'static str, seed: Vec<u8>) {
    let all = seeds.entry(target).or_default();
    if seed.len() <= MAX_SIZE && !all.contains(&seed) {
        all.push(seed);
    }
}

/// A file goes to the targets that read what it holds.
fn add_file(seeds: &mut Seeds, octets: &[u8]) {
    match pem::read(octets) {
        Ok(Input::Der(der)) => add_der(seeds, &der),
        Ok(Input::Pem(blocks)) => {
            add(seeds, "inspected", octets.to_vec());
            blocks.iter().for_each(|block| add_der(seeds, block.der()));
        }
        Err(_) if octets.starts_with(b"version:") => add(seeds, "profile", octets.to_vec()),
        Err(_) => {}
    }
}

fn add_der(seeds: &mut Seeds, der: &[u8]) {
    add(seeds, "inspected", der.to_vec());
    let target = match Kind::of(der) {
        Some(Kind::Certificate) => "certificate",
        Some(Kind::CertificateRequest) => "request",
        Some(Kind::RevocationList) => "revocation_list",
        Some(Kind::Pkcs8PrivateKey | Kind::Sec1PrivateKey | Kind::Pkcs1PrivateKey) => "private_key",
        Some(Kind::EncryptedPrivateKey) => "encrypted_key",
        Some(Kind::Pkcs7) => "pkcs7",
        _ => return,
    };
    add(seeds, target, der.to_vec());
}

/// What ca-core makes for one family.
fn made(seeds: &mut Seeds, pki: &Pki) {
    for kind in [CertificateKind::Leaf, CertificateKind::Authority] {
        let tbs = pki.tbs(kind);
        let signature = pki.issuing.signer.sign(&tbs.to_der()).expect("it signs");
        add_der(seeds, &certificate(&tbs, &pki.algorithm, &signature).to_der());
    }
    let subject = DistinguishedName::parse("CN=leaf.test,O=Fuzzed").expect("a subject");
    let names = ["DNS:leaf.test", "IP:192.0.2.1"].map(|name| AltName::parse(name).expect("a name"));
    let request = CertificateRequest::build(&subject, &names, &[], &pki.leaf.signer);
    add_der(seeds, request.expect("a request can be made").der());
    let list = lists(seeds, pki);
    bags(seeds, pki, list);
    answers(seeds, pki);
    key(seeds, pki);
}

/// A bag of certificates, one of a list, one of both, and one as Java writes it: in BER.
fn bags(seeds: &mut Seeds, pki: &Pki, list: CertificateList) {
    let chain = vec![pki.issuing_certificate.clone(), pki.root_certificate.clone()];
    for (certificates, lists) in
        [(chain.clone(), vec![]), (vec![], vec![list.clone()]), (chain, vec![list])]
    {
        let bag = CertificateBag::new(certificates, lists).and_then(|bag| bag.to_der());
        let der = bag.expect("a bag of one to three can be made");
        add(seeds, "pkcs7", indefinite(&der));
        add_der(seeds, &der);
    }
}

/// The same value, its outermost length open.
fn indefinite(der: &[u8]) -> Vec<u8> {
    let (tag, content, _) = split(der).expect("it is DER");
    [&[tag, 0x80], content, &[0, 0]].concat()
}

/// A full list, a delta and a shard of the root; gives the last.
fn lists(seeds: &mut Seeds, pki: &Pki) -> CertificateList {
    let made = verified_at();
    let due = made + SignedDuration::from_hours(24);
    let full = CrlBuilder::new(&pki.root_certificate, 8_u64.into(), made, due).expect("it may");
    let place = AbsoluteUri::new("http://crl.test/1.crl").expect("a place");
    let delta = full.clone().delta(7_u64.into()).expect("a base below");
    let shard = full.clone().scope(Scope::shard(&[place]).expect("one place")).expect("a scope");
    let serial = EntrySerial::of(&pki.issuing_certificate).expect("a serial number of 16 octets");
    let other = EntrySerial::from_integer_octets(&[9; 8]).expect("a serial number");
    let mut hold = RevokedEntry::new(serial, made);
    hold.reason = RevocationReason::CertificateHold;
    hold.invalidity_date = Some(made);
    let mut der = Vec::new();
    for (builder, entries) in [
        (&full, &[][..]),
        (&full, &[hold, RevokedEntry::new(other, made)]),
        (&delta, &[hold]),
        (&shard, &[hold]),
    ] {
        der.clear();
        let signed = builder.sign(entries.iter().copied(), &pki.root.signer, &mut der);
        signed.expect("a list can be made");
        add_der(seeds, &der);
    }
    CertificateList::from_der(der).expect("what was made can be read")
}

/// A question about the issuing authority, and the root's answers.
fn answers(seeds: &mut Seeds, pki: &Pki) {
    let (certificate, issuer) = (&pki.issuing_certificate, &pki.root_certificate);
    let id =
        CertId::of(certificate, issuer, CertIdHash::Sha1).expect("a serial number of 16 octets");
    let nonce = Nonce::new(&[7; 16]).expect("a nonce of 16 octets");
    let request = OcspRequest::build(&[id], Some(&nonce)).expect("a request for one certificate");
    add(seeds, "ocsp_request", request.der().to_vec());
    let responder = Responder::authority(issuer, &pki.root.signer).expect("it may answer");
    let now = verified_at();
    let window = UpdateWindow::new(now, now, None).expect("a window of one instant");
    for status in [
        CertStatus::Good,
        CertStatus::Unknown,
        CertStatus::revoked(now, RevocationReason::KeyCompromise),
    ] {
        let answer = responder.respond(&request, &window, |_| status);
        add(seeds, "ocsp_response", answer.expect("it answers"));
    }
}

/// A key in the clear, and with its certificate in a PKCS#12 file.
fn key(seeds: &mut Seeds, pki: &Pki) {
    // RSA keys are files, and take long to find.
    if pki.family.starts_with("RSA") {
        return;
    }
    let algorithm = Algorithm::named(pki.family).expect("a known family");
    let key = PrivateKey::generate(algorithm, &mut Repeatable::seeded(5));
    let pkcs8 = key.and_then(|key| key.to_pkcs8_der()).expect("a key can be made and written");
    add_der(seeds, &pkcs8);
    let key = PrivateKey::from_der(&pkcs8).expect("what was written is read");
    let mut tbs = pki.tbs(CertificateKind::Leaf);
    *tbs.at_mut(&[6]).expect("the key stands there") =
        Node::parse(key.public_key().spki_der()).expect("a key is DER");
    let certificate = Certificate::from_der(&pki.signed(CertificateKind::Leaf, &tbs));
    let chain = [certificate.expect("a right one"), pki.issuing_certificate.clone()];
    let bundle = Bundle::new(Some(&key), &chain, Some("fuzz")).expect("they belong together");
    let password = Password::new(PASSPHRASE).expect("the passphrase is text");
    let protection = Protection::new(MacDerivation::default(), Protection::MIN_ITERATIONS);
    let protection = protection.expect("the least that is written");
    let file = seal(&bundle, password, protection, &mut Repeatable::seeded(6));
    add(seeds, "pkcs12", file.expect("it is sealed"));
}
