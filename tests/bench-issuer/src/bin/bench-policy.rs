//! `cargo xtask bench policy`: how long a policy needs to bring its certificates back, beside cert-manager alone.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use comfy_table::Table;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use issuer::apply::status;
use issuer::certificate::{Certificate, ISSUING};
use kube::api::{ListParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, ResourceExt as _};
use serde_json::{Value, json};
use test_cluster::{AUTHORITIES, Issuer, Stand};

/// Why there are no figures.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What a rollback may take beyond cert-manager's own time.
const MOST_BEYOND: Duration = Duration::from_secs(60);
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(1_200);
/// Writes at once.
const AT_ONCE: usize = 32;
/// How often it is looked whether all are done: a list of all costs the API server some time as well.
const PAUSE: Duration = Duration::from_secs(1);

/// How long a policy needs to bring its certificates back, beside cert-manager alone
///
/// Both have as many Certificates with keys of P-256. Those of cert-manager's own CA issuer are marked to be issued anew,
/// 32 at once and as fast as the API server takes it, and what counts is the time until all of them are. The others were moved to composite
/// certificates by a PQPolicy, which is told `active: false`, with the rates that the program has by default.
///
/// Exits with 1 when the policy needs 60 s more than cert-manager alone.
#[derive(Debug, Parser)]
#[command(after_help = "Examples:
  cargo xtask bench policy
  cargo xtask bench policy --certificates 100")]
struct Options {
    /// Certificates of each
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    certificates: u32,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "the figures are the result")]
fn run(options: &Options) -> Result<bool, Failure> {
    // The first one counts, and there is no other in this program.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let stand = Stand::start(&AUTHORITIES[..2]).ok_or(
        "the control plane is not there; `cargo xtask cluster build` builds it in some minutes",
    )?;
    let runtime = tokio::runtime::Runtime::new()?;
    let [alone, moved, back] = runtime.block_on(measure(&stand, options.certificates))?;
    let mut table = Table::new();
    table.set_header(["what", "certificates", "s", "per second"]);
    for (what, took) in [
        ("cert-manager's CA issuer, issued anew", alone),
        ("policy, P-256 to composite .45", moved),
        ("policy, active: false, back to P-256", back),
    ] {
        let rate = f64::from(options.certificates) / took.as_secs_f64();
        table.add_row([
            what.to_owned(),
            options.certificates.to_string(),
            format!("{:.1}", took.as_secs_f64()),
            format!("{rate:.1}"),
        ]);
    }
    let beyond = back.saturating_sub(alone);
    let holds = beyond < MOST_BEYOND;
    let verdict = if holds { "ok" } else { "BROKEN" };
    println!(
        "{table}\n\nback beyond cert-manager's own: {:.1} s, allowed: under {} s: {verdict}",
        beyond.as_secs_f64(),
        MOST_BEYOND.as_secs()
    );
    Ok(holds)
}

/// How long each took: cert-manager alone, the policy forth, the policy back.
async fn measure(stand: &Stand, certificates: u32) -> Result<[Duration; 3], Failure> {
    let client = client(stand.cluster.kubeconfig()).await?;
    stand.publish(&["classical", "composite"]);
    let theirs = stand.namespace("theirs");
    theirs.apply(CA_ISSUER);
    let theirs = Api::<Certificate>::namespaced(client.clone(), theirs.name());
    let ours = stand.namespace("ours");
    let issuer = stand.issuer(&Issuer::by_token("issuer", "classical"));
    ours.apply(&format!("{issuer}  authorities: {{composite: composite}}\n"));
    let name = ours.name().to_owned();
    let ours = Api::<Certificate>::namespaced(client.clone(), &name);
    for (api, issuer) in [
        (&theirs, json!({ "group": "cert-manager.io", "kind": "Issuer", "name": "ca" })),
        (&ours, json!({ "group": "espalier.dev", "kind": "PQIssuer", "name": "issuer" })),
    ] {
        make(&client, api, certificates, &issuer).await?;
        all_have(api, certificates, 1).await?;
    }
    let started = Instant::now();
    issue_anew(&theirs).await?;
    all_have(&theirs, certificates, 2).await?;
    let alone = started.elapsed();
    let started = Instant::now();
    stand.cluster.namespaced(&name).apply(&policy(&name, true));
    all_have(&ours, certificates, 2).await?;
    let moved = started.elapsed();
    let started = Instant::now();
    stand.cluster.namespaced(&name).apply(&policy(&name, false));
    all_have(&ours, certificates, 3).await?;
    Ok([alone, moved, started.elapsed()])
}

/// A self-signed CA and the issuer of it.
const CA_ISSUER: &str = "
apiVersion: cert-manager.io/v1
kind: Issuer
metadata: {name: self}
spec: {selfSigned: {}}
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: ca}
spec:
  isCA: true
  commonName: bench
  secretName: ca
  privateKey: {algorithm: ECDSA, size: 256}
  issuerRef: {name: self}
---
apiVersion: cert-manager.io/v1
kind: Issuer
metadata: {name: ca}
spec: {ca: {secretName: ca}}
";

fn policy(namespace: &str, active: bool) -> String {
    let selector = json!({ "matchLabels": { "kubernetes.io/metadata.name": namespace } });
    let object = json!({
        "apiVersion": "espalier.dev/v1alpha1", "kind": "PQPolicy",
        "metadata": { "name": "bench" },
        "spec": { "algorithms": ["dilithium3"], "active": active, "namespaceSelector": selector },
    });
    object.to_string()
}

/// Makes Certificates with keys of P-256.
async fn make(
    client: &Client,
    api: &Api<Certificate>,
    certificates: u32,
    issuer: &Value,
) -> Result<(), Failure> {
    let namespace = api.namespace().unwrap_or_default();
    let made = stream::iter(0..certificates).map(|number| {
        let name = format!("web-{number}");
        let object = json!({
            "apiVersion": "cert-manager.io/v1", "kind": "Certificate",
            "metadata": { "name": name, "namespace": namespace },
            "spec": {
                "secretName": name, "issuerRef": issuer, "dnsNames": ["web.example.com"],
                "privateKey": { "algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always" },
            },
        });
        let path = format!("/apis/cert-manager.io/v1/namespaces/{namespace}/certificates");
        async move {
            let request = kube::core::Request::new(path);
            let request =
                request.create(&PostParams::default(), object.to_string().into_bytes())?;
            client.request::<Value>(request).await.map_err(Failure::from)
        }
    });
    made.buffer_unordered(AT_ONCE).try_for_each(async |_| Ok(())).await
}

/// Marks all to be issued anew, as `cmctl renew --all` does.
async fn issue_anew(api: &Api<Certificate>) -> Result<(), Failure> {
    let all = api.list(&ListParams::default()).await?.items;
    let ours = all.iter().filter(|certificate| certificate.name_any() != "ca");
    let marked = stream::iter(ours).map(async |certificate| {
        let version = certificate.resource_version().unwrap_or_default();
        let condition = json!({
            "type": ISSUING, "status": "True", "reason": "Bench", "message": "",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        });
        status(api, certificate, &version, &json!({ "conditions": [condition] })).await
    });
    marked.buffer_unordered(AT_ONCE).try_for_each(async |_| Ok(())).await?;
    Ok(())
}

/// Waits until all were issued so often and none is being issued.
async fn all_have(api: &Api<Certificate>, certificates: u32, revision: u64) -> Result<(), Failure> {
    let started = Instant::now();
    loop {
        let all = api.list(&ListParams::default()).await?.items;
        let has = |one: &&Certificate| {
            let is_done = one.revision() == Some(revision) && one.issuing_since().is_none();
            is_done && one.name_any() != "ca"
        };
        let done = all.iter().filter(has).count();
        if u32::try_from(done) == Ok(certificates) {
            return Ok(());
        }
        if started.elapsed() > PATIENCE {
            let namespace = api.namespace().unwrap_or_default();
            return Err(
                format!("{namespace}: {done} of {certificates} have revision {revision}").into()
            );
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn client(kubeconfig: &Path) -> Result<Client, Failure> {
    let kubeconfig = Kubeconfig::read_from(kubeconfig)?;
    let options = KubeConfigOptions::default();
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await?;
    Ok(Client::try_from(config)?)
}
