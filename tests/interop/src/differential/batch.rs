//! A batch: made from its number and the seed, judged by both.

use ca_core::certificate::Certificate;
use ca_core::path::{Options, ServerName, Usage, verify_path};
use ca_core::pem::Label;
use fuzzing::choices::Choices;
use fuzzing::mutation::{Mutant, mutant, mutant_of};
use fuzzing::parts::common_name;
use fuzzing::pki::{FAMILIES, Kind, LEAF_NAME, Pki, SLOW_FAMILY, verified_at};

use super::theirs::{Theirs, verify};
use super::{Case, Ours};
use crate::openssl::OpenSsl;

/// One batch in so many mutates what stands between root and leaf.
const BETWEEN: usize = 5;
/// One batch in so many is of the family that signs slowly. It has no divisor in common with
/// [`BETWEEN`], so that both come together as well.
const SLOW: usize = 16;

/// The cases of one batch.
pub(super) fn judged(openssl: &OpenSsl, seed: u64, number: usize, count: usize) -> Vec<Case> {
    let pki = Pki::new(family(number));
    let seed = seed.wrapping_mul(0x0100_0000_01b3).wrapping_add(number as u64);
    let mut choices = Choices::seeded(seed);
    let as_server = choices.one_in(2);
    openssl.write_pem("root.pem", Label::Certificate, pki.root_certificate.der());
    let batch = Batch { openssl, pki: &pki, as_server, count };
    if number % BETWEEN == 1 { batch.between(&mut choices) } else { batch.leaves(&mut choices) }
}

fn family(number: usize) -> &'static str {
    if number % SLOW == 5 { SLOW_FAMILY } else { FAMILIES[number % FAMILIES.len()] }
}

struct Batch<'a> {
    openssl: &'a OpenSsl,
    pki: &'a Pki,
    as_server: bool,
    count: usize,
}

impl Batch<'_> {
    /// Certificates below the issuing authority, which is as it should be.
    fn leaves(&self, choices: &mut Choices<'_>) -> Vec<Case> {
        let issuing = &self.pki.issuing_certificate;
        self.openssl.write_pem("between.pem", Label::Certificate, issuing.der());
        let mutants: Vec<Mutant> = (0..self.count)
            .map(|_| {
                let kinds = [Kind::Leaf, Kind::Leaf, Kind::Leaf, Kind::Authority, Kind::Issuing];
                let kind = choices.pick(&kinds);
                mutant(self.pki, kind, choices)
            })
            .collect();
        let ders: Vec<&[u8]> = mutants.iter().map(|mutant| &mutant.der[..]).collect();
        let theirs = self.theirs(&ders);
        let between = std::slice::from_ref(issuing);
        let case = |(mutant, theirs): (Mutant, Theirs)| {
            let ours = match Certificate::from_der(&mutant.der) {
                Ok(certificate) => self.ours(&certificate, between),
                Err(error) => Ours::Unreadable(error),
            };
            self.case(mutant, false, ours, theirs)
        };
        mutants.into_iter().zip(theirs).map(case).collect()
    }

    /// Authorities between the root and a leaf each, both with a name that no other pair has.
    fn between(&self, choices: &mut Choices<'_>) -> Vec<Case> {
        let pairs: Vec<(Mutant, Vec<u8>)> = (0..self.count)
            .map(|at| {
                let name = common_name(&format!("Issuing CA {at}"));
                let mut tbs = self.pki.tbs(Kind::Issuing);
                let mut leaf = self.pki.tbs(Kind::Leaf);
                for (node, place) in [(&mut tbs, 5), (&mut leaf, 3)] {
                    *node.at_mut(&[place]).expect("the fields stand in their order") = name.clone();
                }
                (
                    mutant_of(self.pki, Kind::Issuing, tbs, choices),
                    self.pki.signed(Kind::Leaf, &leaf),
                )
            })
            .collect();
        // OpenSSL takes no file of intermediates in which one can't be read.
        self.openssl.write_pem(
            "between.pem",
            Label::Certificate,
            self.pki.issuing_certificate.der(),
        );
        let ders: Vec<&[u8]> = pairs.iter().map(|(mutant, _)| &mutant.der[..]).collect();
        let readable: Vec<bool> =
            self.theirs(&ders).iter().map(|verdict| *verdict != Theirs::Unreadable).collect();
        let pem = |der: &[u8]| ca_core::pem::encode(Label::Certificate, der);
        let pool: String = ders
            .iter()
            .zip(&readable)
            .filter(|(_, readable)| **readable)
            .map(|(der, _)| pem(der))
            .collect();
        self.openssl.write("between.pem", pool);
        let leaves: Vec<&[u8]> = pairs.iter().map(|(_, leaf)| &leaf[..]).collect();
        let theirs = self.theirs(&leaves);
        let case = |((pair, readable), theirs): (((Mutant, Vec<u8>), bool), Theirs)| {
            let (mutant, leaf) = pair;
            let ours = match Certificate::from_der(&mutant.der) {
                Ok(between) => {
                    let leaf = Certificate::from_der(&leaf).expect("the leaf was not mutated");
                    self.ours(&leaf, &[between])
                }
                Err(error) => Ours::Unreadable(error),
            };
            let theirs = if readable { theirs } else { Theirs::Unreadable };
            self.case(mutant, true, ours, theirs)
        };
        pairs.into_iter().zip(readable).zip(theirs).map(case).collect()
    }

    fn theirs(&self, ders: &[&[u8]]) -> Vec<Theirs> {
        let files: Vec<String> = (0..ders.len()).map(|at| format!("c{at}.pem")).collect();
        for (file, der) in files.iter().zip(ders) {
            self.openssl.write_pem(file, Label::Certificate, der);
        }
        let at = verified_at().as_second();
        let server = format!("-purpose sslserver -verify_hostname {LEAF_NAME}");
        let server = if self.as_server { server.as_str() } else { "" };
        let options = format!(
            "-x509_strict -policy 2.5.29.32.0 -auth_level 2 -attime {at} {server} -CAfile root.pem -untrusted between.pem"
        );
        verify(self.openssl, &options, &files)
    }

    fn ours(&self, leaf: &Certificate, between: &[Certificate]) -> Ours {
        let mut options = Options::at(verified_at());
        if self.as_server {
            options.usage = Some(Usage::ServerAuth);
            options.name = ServerName::dns(LEAF_NAME).ok();
        }
        let anchors = std::slice::from_ref(&self.pki.root_certificate);
        match verify_path(leaf, between, anchors, &options).error {
            None => Ours::Accepts,
            Some(error) => Ours::Refuses(error),
        }
    }

    fn case(&self, mutant: Mutant, between: bool, ours: Ours, theirs: Theirs) -> Case {
        let (family, as_server) = (self.pki.family, self.as_server);
        let Mutant { der, changes, .. } = mutant;
        Case { family, der, between, as_server, changes, ours, theirs }
    }
}
