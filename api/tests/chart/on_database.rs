//! Servers on a ledger in PostgreSQL: the Job makes tables, authorities and Secrets, and servers start from these.

use std::fs;

use interop::peers::tried;
use test_cluster::{Cluster, Namespace};
use test_postgres::Cluster as Postgres;

use crate::pod::Pod;
use crate::release::{NO_KINDS, Release, is_ready, issues};

/// A Secret with one value.
fn secret(namespace: &Namespace<'_>, name: &str, key: &str, value: &str) {
    let literal = format!("--from-literal={key}={value}");
    namespace.kubectl().run(&["create", "secret", "generic", name, &literal]).ok();
}

#[test]
fn servers_on_a_database_are_made_by_a_job_and_started_from_its_secrets() {
    let Some(postgres) = Postgres::start_or_skip(&[]) else { return };
    let Some(cluster) = Cluster::shared() else { return };
    postgres.role("espalier");
    postgres.role("espalier_owner");
    postgres.database("ledger", "espalier_owner");
    let namespace = cluster.namespace("database");
    secret(&namespace, "server", "password", Postgres::PASSWORD);
    secret(&namespace, "owner", "password", Postgres::PASSWORD);
    secret(&namespace, "pass", "passphrase", "correct horse");
    secret(&namespace, "foreign", "key.pem", "not for the bootstrap");
    let values = format!(
        "{NO_KINDS}
ledger:
  store: postgres
  postgres:
    url: {}
    passwordSecret: {{name: server}}
    owner: {{url: {}, passwordSecret: {{name: owner}}}}
keys: {{passphraseSecret: {{name: pass}}}}
server: {{replicas: 2, tls: {{extraNames: [localhost]}}}}
",
        postgres.tcp_url("espalier", "ledger"),
        postgres.tcp_url("espalier_owner", "ledger"),
    );
    let release = Release::install(cluster, namespace, &values);
    let jobs = release.namespace.list("jobs");
    let job = format!("job/{}", jobs[0]["metadata"]["name"].as_str().unwrap());

    let first = tempfile::tempdir().unwrap();
    let pod = release.pod(&job, first.path());
    // Before the owner's step there is nothing to make authorities in, and nothing is made.
    let early = pod.run("bootstrap");
    early.fails(3, &["espalier ledger migrate"]);
    pod.run("migrate").done();
    let made = pod.run("bootstrap").done();
    assert_eq!(made.stdout(), "root: made\nissuing: made\napi-pq: made\napi-classic: made\n");
    release.no_key_is_told(&[made.stdout()]);
    let root = release.namespace.get("secret/espalier-authority-root");
    assert_eq!((&root["immutable"], &root["type"]), (&true.into(), &"Opaque".into()));

    // The Job may make Secrets and read those of its authorities; it may not look into others, nor change one.
    let may = |verb: &str, object: &str| {
        let account =
            format!("system:serviceaccount:{}:espalier-bootstrap", release.namespace.name());
        let words = ["auth", "can-i", verb, object, "--as", &account];
        release.namespace.kubectl().run(&words).ended_well()
    };
    assert!(may("get", "secret/espalier-authority-root") && may("create", "secrets"));
    let bundle = format!("clustertrustbundle/{}.espalier-trust", release.namespace.name());
    assert!(may("create", &bundle) && may("patch", &bundle));
    for (verb, object) in [
        ("get", "secret/foreign"),
        ("list", "secrets"),
        ("update", "secret/espalier-authority-root"),
        ("delete", "secret/espalier-authority-root"),
        ("get", "configmap/espalier-server"),
        ("create", "configmap/other"),
        ("create", "clustertrustbundle/other"),
        ("patch", "clustertrustbundle/other"),
    ] {
        assert!(!may(verb, object), "{verb} {object}");
    }

    // Run again in another pod it makes nothing, and one authority more gets its keys from a parent's Secret.
    let again = tempfile::tempdir().unwrap();
    let run = release.pod(&job, again.path()).run("bootstrap").done();
    assert_eq!(run.stdout().matches("was there").count(), 4, "{}", run.stdout());
    assert!(!again.path().join("var/lib/espalier/data/authorities/root/key.pem").exists());

    // A server gets the keys of its authorities, and not the root's. Two of them answer alike.
    let logs = tempfile::tempdir().unwrap();
    let trust = release.namespace.get("configmap/espalier-trust");
    let trusted = trust["data"]["ca.crt"].as_str().unwrap();
    release.roots_are_the_clusters();
    let roots = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let mut running = Vec::new();
    for (number, folder) in roots.iter().enumerate() {
        let pod = release.pod("deployment/espalier-server", folder.path());
        let log = logs.path().join(number.to_string());
        let server = pod.start("server", &log);
        let keys = folder.path().join("var/lib/espalier/data/authorities");
        is_ready(&release, &pod);
        assert!(keys.join("issuing/key.pem").exists() && !keys.join("root").exists());
        issues(&release, &pod, trusted);
        running.push((server, log));
    }
    for (server, log) in running {
        assert!(server.end(), "{}", fs::read_to_string(log).unwrap());
    }

    // An empty database in the place of the one that was lost: nothing is founded over keys that have signed, whether
    // all of their Secrets are there, or the root's alone.
    postgres.database("lost", "espalier_owner");
    let mut template = release.namespace.get(&job)["spec"]["template"]["spec"].to_string();
    for role in ["espalier", "espalier_owner"] {
        let (right, wrong) = (postgres.tcp_url(role, "ledger"), postgres.tcp_url(role, "lost"));
        assert!(template.contains(&right));
        template = template.replace(&right, &wrong);
    }
    let template = serde_json::from_str(&template).unwrap();
    let bootstrap = || {
        let root = tempfile::tempdir().unwrap();
        let pod = Pod::new(cluster, &release.namespace, &template, root.path());
        pod.run("migrate").done();
        pod.run("bootstrap")
    };
    let words = ["Secret espalier-authority-issuing: ", "the ledger does not know root", "backup"];
    bootstrap().fails(3, &words);
    for name in ["issuing", "api-pq", "api-classic"] {
        let secret = format!("secret/espalier-authority-{name}");
        release.namespace.kubectl().run(&["delete", &secret]).ok();
    }
    bootstrap().fails(3, &["ConfigMap espalier-trust: ", "that the ledger does not know"]);
    let still = release.namespace.get("configmap/espalier-trust");
    assert_eq!(still["data"], trust["data"], "the trust was changed");
    // As it is where a run was cut off after its first key: it goes on, with that key.
    release.namespace.kubectl().run(&["delete", "configmap/espalier-trust"]).ok();
    assert_eq!(bootstrap().done().stdout().matches(": made").count(), 4);
    tried(
        "kubernetes",
        "charts/espalier on PostgreSQL",
        "installed, bootstrapped by a Job, served by two",
    );
}
