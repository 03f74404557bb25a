//! All that is measured on: a control plane, a server that signs, and the issuer program.

use std::path::Path;
use std::time::Duration;

use ca_core::algorithm::Algorithm;
use ca_core::csr::CertificateRequest as Csr;
use ca_core::general_name::AltName;
use ca_core::key::PrivateKey;
use ca_core::name::DistinguishedName;
use ca_core::pem;
use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig};
use rustix::process::Signal;
use test_cluster::{AUTHORITIES, Issuer, Stand};
use tokio::runtime::Handle;

use crate::Failure;
use crate::cores::Halves;

/// The issuer of an authority. The approver does not know it: requests are approved here.
pub(crate) fn issuer(authority: &str) -> String {
    format!("bench-{authority}")
}

/// What is measured on.
pub(crate) struct Ground {
    stand: Stand,
    /// Whoever may do everything: makes requests and looks at them.
    pub(crate) admin: Client,
    /// Whoever may do what the issuer program may.
    pub(crate) issuer: Client,
    made: u64,
}

impl Ground {
    /// Starts all of it, and ends the issuer program again: a round starts it.
    pub(crate) fn start(runtime: &Handle, halves: &Halves) -> Result<Self, Failure> {
        let mut stand = Stand::start(&AUTHORITIES).ok_or(
            "the control plane is not there; `cargo xtask cluster build` builds it in some minutes",
        )?;
        halves.give_to(stand.cluster.process().ok_or("the control plane has ended")?)?;
        stand.controllers.end(Signal::TERM);
        // As it is where nobody configures anything.
        stand.controllers.configure("");
        stand.credentials_of_cluster_issuers();
        for authority in &AUTHORITIES {
            let (kind, name) = ("PQClusterIssuer", issuer(authority.name));
            let manifest = Issuer { kind, ..Issuer::by_token(&name, authority.name) };
            stand.cluster.namespaced("default").apply(&stand.issuer(&manifest));
        }
        let admin = client(runtime, stand.cluster.kubeconfig())?;
        let issuer = client(runtime, &stand.controllers.kubeconfig())?;
        Ok(Self { stand, admin, issuer, made: 0 })
    }

    /// Makes a namespace.
    pub(crate) fn namespace(&self) -> String {
        self.stand.cluster.namespace("bench").name().to_owned()
    }

    /// A certification request in PEM: each has a name and a key of its own.
    pub(crate) fn csr(&mut self) -> Result<Vec<u8>, Failure> {
        self.made += 1;
        let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
        let algorithm = Algorithm::named("ECDSA-P256")?;
        let signer = PrivateKey::generate(algorithm, &mut rng)?.signer(algorithm.scheme())?;
        let name = format!("host-{}.bench.example", self.made);
        let subject = DistinguishedName::parse(&format!("CN={name}"))?;
        let names = [AltName::parse(&format!("DNS:{name}"))?];
        let csr = Csr::build(&subject, &names, &[], &signer)?;
        Ok(pem::encode(pem::Label::CertificateRequest, csr.der()).into_bytes())
    }

    /// Starts the issuer program.
    pub(crate) fn start_issuer(&mut self) {
        self.stand.controllers.start();
    }

    /// The most memory that the running issuer program ever held, in octets.
    pub(crate) fn peak_memory(&self) -> u64 {
        self.stand.controllers.running().peak_memory()
    }

    /// What each has used of the processors so far.
    pub(crate) fn used(&self, issuer_runs: bool) -> Used {
        let controllers = &self.stand.controllers;
        Used {
            cluster: self.stand.cluster.processor_time(),
            server: self.stand.server.processor_time(),
            issuer: if issuer_runs {
                controllers.running().processor_time()
            } else {
                Duration::ZERO
            },
        }
    }

    /// Ends the issuer program in good order.
    pub(crate) fn end_issuer(&mut self) {
        self.stand.controllers.end(Signal::TERM);
    }
}

/// Processor time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Used {
    /// API server, database and cert-manager.
    cluster: Duration,
    /// The CA.
    server: Duration,
    /// The issuer program.
    issuer: Duration,
}

impl Used {
    /// For each of so many requests, in milliseconds: cluster, CA and issuer program.
    pub(crate) fn each(self, since: Self, requests: usize) -> [f64; 3] {
        let of = |now: Duration, then: Duration| (now - then).as_secs_f64() * 1e3 / requests as f64;
        [
            of(self.cluster, since.cluster),
            of(self.server, since.server),
            of(self.issuer, since.issuer),
        ]
    }
}

fn client(runtime: &Handle, kubeconfig: &Path) -> Result<Client, Failure> {
    let kubeconfig = Kubeconfig::read_from(kubeconfig)?;
    let options = KubeConfigOptions::default();
    runtime.block_on(async {
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await?;
        Ok(Client::try_from(config)?)
    })
}
