//! The three verifiers that judge each case.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use ca_core::certificate::Certificate;
use ca_core::path::{Options, ServerName, Usage, verify_path};
use interop::peers::{self, Installed, Peer};
use rustls_pki_types::{CertificateDer, ServerName as PkiName, UnixTime};

use crate::cases::{Case, Kind, NameKind, der};

/// What a tool says of a case.
pub(crate) enum Verdict {
    Accepts,
    Refuses(String),
    /// It has no such option.
    Unable,
}

/// Ours. A certificate that can't be read is left out when others may do without it.
pub(crate) fn espalier(case: &Case) -> Verdict {
    let leaf = match Certificate::from_der(&der(&case.peer_certificate)) {
        Ok(leaf) => leaf,
        Err(error) => return Verdict::Refuses(error.to_string()),
    };
    let mut unreadable = String::new();
    let mut read_all = |pems: &[String]| -> Vec<Certificate> {
        let read = |pem: &String| match Certificate::from_der(&der(pem)) {
            Ok(certificate) => Some(certificate),
            Err(error) => {
                unreadable = format!(" ({error})");
                None
            }
        };
        pems.iter().filter_map(read).collect()
    };
    let anchors = read_all(&case.trusted_certs);
    let intermediates = read_all(&case.untrusted_intermediates);
    let mut options = Options::at(case.at());
    options.usage = Some(match case.validation_kind {
        Kind::Server => Usage::ServerAuth,
        Kind::Client => Usage::ClientAuth,
    });
    options.max_depth = case.max_chain_depth.unwrap_or(options.max_depth);
    let names: Vec<Option<ServerName>> = case
        .names()
        .map(|name| match name.kind {
            NameKind::Dns => ServerName::dns(&name.value).ok(),
            NameKind::Rfc822 => ServerName::email(&name.value).ok(),
            NameKind::Ip => name.value.parse().ok().map(ServerName::Ip),
        })
        .collect();
    let malformed = !names.is_empty() && names.contains(&None);
    let names = if names.is_empty() { vec![None] } else { names };
    for name in names {
        options.name = name;
        let outcome = verify_path(&leaf, &intermediates, &anchors, &options);
        if let Some(error) = outcome.error {
            return Verdict::Refuses(format!("{error}{unreadable}"));
        }
    }
    if malformed {
        return Verdict::Refuses("the expected name is malformed".into());
    }
    Verdict::Accepts
}

/// rustls-webpki, driven as the suite's own harness does.
pub(crate) fn webpki(case: &Case) -> Verdict {
    let named = case.expected_peer_name.as_ref();
    let Some(name) = named.filter(|_| case.validation_kind == Kind::Server) else {
        return Verdict::Unable;
    };
    if case.max_chain_depth.is_some() || name.kind == NameKind::Rfc822 {
        return Verdict::Unable;
    }
    match webpki_result(case, &name.value) {
        Ok(()) => Verdict::Accepts,
        Err(reason) => Verdict::Refuses(reason),
    }
}

fn webpki_result(case: &Case, name: &str) -> Result<(), String> {
    let leaf = CertificateDer::from(der(&case.peer_certificate));
    let leaf = webpki::EndEntityCert::try_from(&leaf).map_err(|error| error.to_string())?;
    let list = |pems: &[String]| -> Vec<CertificateDer<'static>> {
        pems.iter().map(|pem| CertificateDer::from(der(pem))).collect()
    };
    let roots = list(&case.trusted_certs);
    let anchors: Result<Vec<_>, _> = roots.iter().map(webpki::anchor_from_trusted_cert).collect();
    let anchors = anchors.map_err(|error| error.to_string())?;
    let intermediates = list(&case.untrusted_intermediates);
    let seconds = u64::try_from(case.at().as_second()).map_err(|error| error.to_string())?;
    leaf.verify_for_usage(
        webpki::ALL_VERIFICATION_ALGS,
        &anchors,
        &intermediates,
        UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds)),
        webpki::KeyUsage::server_auth(),
        None,
        None,
    )
    .map_err(|error| error.to_string())?;
    let name = PkiName::try_from(name.to_owned()).map_err(|error| error.to_string())?;
    leaf.verify_is_valid_for_subject_name(&name).map_err(|error| error.to_string())
}

/// An `openssl` that runs: the peers' one, or the one of this system.
pub(crate) struct OpenSsl {
    peer: Option<Installed>,
    pub(crate) version: String,
    folder: tempfile::TempDir,
}

impl OpenSsl {
    /// None when there is none.
    pub(crate) fn find() -> Option<Self> {
        let peer = match peers::peer("openssl") {
            Peer::Present(openssl) => Some(openssl),
            Peer::Missing { .. } => None,
        };
        let found = Self { peer, version: String::new(), folder: tempfile::tempdir().ok()? };
        let version = found.command().arg("version").output().ok()?;
        let version = String::from_utf8_lossy(&version.stdout);
        let version = version.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
        Some(Self { version, ..found })
    }

    fn command(&self) -> Command {
        match &self.peer {
            Some(peer) => peer.command("openssl"),
            None => Command::new("openssl"),
        }
    }

    /// `openssl verify` with the options of the suite's own harness. One of its settings has no
    /// option here: that a wildcard may not be part of a label.
    pub(crate) fn judge(&self, case: &Case) -> Verdict {
        if case.names().count() > 1 {
            return Verdict::Unable;
        }
        let roots = self.write("roots.pem", &case.trusted_certs);
        let leaf = self.write("leaf.pem", std::slice::from_ref(&case.peer_certificate));
        let mut command = self.command();
        command.args(["verify", "-x509_strict", "-partial_chain", "-auth_level", "2"]);
        command.arg("-trusted").arg(roots);
        if !case.untrusted_intermediates.is_empty() {
            let pool = self.write("intermediates.pem", &case.untrusted_intermediates);
            command.arg("-untrusted").arg(pool);
        }
        match case.validation_time {
            Some(_) => command.arg("-attime").arg(case.at().as_second().to_string()),
            None => command.arg("-no_check_time"),
        };
        for name in case.names() {
            command.arg(match name.kind {
                NameKind::Dns => "-verify_hostname",
                NameKind::Ip => "-verify_ip",
                NameKind::Rfc822 => "-verify_email",
            });
            command.arg(&name.value);
        }
        if !case.extended_key_usage.is_empty() {
            let server = case.validation_kind == Kind::Server;
            command.args(["-purpose", if server { "sslserver" } else { "sslclient" }]);
        }
        if let Some(depth) = case.max_chain_depth {
            command.arg("-verify_depth").arg(depth.to_string());
        }
        let output = command.arg(leaf).output().expect("openssl starts");
        if output.status.success() {
            return Verdict::Accepts;
        }
        Verdict::Refuses(String::from_utf8_lossy(&output.stderr).into_owned())
    }

    fn write(&self, name: &str, pems: &[String]) -> PathBuf {
        let path = Path::new(self.folder.path()).join(name);
        let mut file = std::fs::File::create(&path).expect("a file in a temporary folder");
        for pem in pems {
            writeln!(file, "{}", pem.trim_end()).expect("the temporary folder has room");
        }
        path
    }
}
