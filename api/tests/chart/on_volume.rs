//! A server with its ledger on a volume: what the API server has of it, run as processes with the configuration, the
//! volumes, the service accounts and the rights that it gives them.

use std::fs;

use interop::peers::tried;
use test_cluster::Cluster;

use crate::release::{NO_KINDS, Release, is_ready, issues};

#[test]
fn a_server_on_a_volume_is_made_started_and_upgraded() {
    let Some(cluster) = Cluster::shared() else { return };
    let namespace = cluster.namespace("volume");
    let secret = ["create", "secret", "generic", "pass", "--from-literal=passphrase=correct horse"];
    namespace.kubectl().run(&secret).ok();
    let values = format!(
        "{NO_KINDS}
keys: {{passphraseSecret: {{name: pass}}}}
server: {{tls: {{extraNames: [localhost]}}}}
"
    );
    let release = Release::install(cluster, namespace, &values);
    // The volume outlives the pods.
    let volume = tempfile::tempdir().unwrap();
    let logs = tempfile::tempdir().unwrap();
    let pod = release.pod("statefulset/espalier-server", volume.path());
    // Without the bootstrap there is nothing to serve.
    let early = pod.run("server");
    assert_ne!(early.code, 0, "{}", early.stdout());
    let made = pod.run("bootstrap").done();
    assert_eq!(made.stdout(), "root: made\nissuing: made\napi-pq: made\napi-classic: made\n");
    release.no_key_is_told(&[made.stdout()]);
    assert!(release.namespace.list("secrets").len() == 2, "the passphrase, and Helm's own");
    let trust = release.namespace.get("configmap/espalier-trust");
    let trusted = trust["data"]["ca.crt"].as_str().unwrap();
    release.roots_are_the_clusters();
    let server = pod.start("server", &logs.path().join("first"));
    is_ready(&release, &pod);
    issues(&release, &pod, trusted);
    assert!(server.end(), "{}", fs::read_to_string(logs.path().join("first")).unwrap());

    // Another volume knows nothing of what the release has published, and gets no other root of the same name.
    let lost = tempfile::tempdir().unwrap();
    let other = release.pod("statefulset/espalier-server", lost.path());
    let refused = other.run("bootstrap");
    refused.fails(3, &["ConfigMap espalier-trust: ", "that the ledger does not know", "backup"]);
    assert!(!lost.path().join("var/lib/espalier/data/authorities").exists());
    let still = release.namespace.get("configmap/espalier-trust");
    assert_eq!(still["data"], trust["data"], "the trust was changed");

    // An upgrade with one authority more: another pod on the same volume, which keeps what is there.
    let more = format!(
        "{values}bootstrap:\n  authorities:\n    - {{name: root, algorithm: hybrid, subject: CN=Espalier Root CA}}\n    \
         - {{name: issuing, parent: root, algorithm: hybrid, subject: CN=Espalier Issuing CA}}\n    \
         - {{name: api-pq, parent: root, algorithm: ML-DSA-65, subject: CN=Espalier API PQ CA}}\n    \
         - {{name: api-classic, parent: root, algorithm: ECDSA-P256, subject: CN=Espalier API Classic CA}}\n    \
         - {{name: more, parent: root, algorithm: hybrid, subject: CN=More}}\n"
    );
    let checksum = |release: &Release<'_>| {
        let made = release.namespace.get("statefulset/espalier-server");
        made["spec"]["template"]["metadata"]["annotations"]["checksum/config"].clone()
    };
    let before = checksum(&release);
    release.helm("upgrade", &more).ok();
    assert_ne!(checksum(&release), before, "the pod would stay, and nothing would be made");
    for folder in ["etc", "var/run"] {
        fs::remove_dir_all(volume.path().join(folder)).unwrap();
    }
    let pod = release.pod("statefulset/espalier-server", volume.path());
    let made = pod.run("bootstrap").done();
    let (kept, new) = made.stdout().rsplit_once("api-classic: was there\n").unwrap();
    assert_eq!((kept.matches("was there").count(), new), (3, "more: made\n"));
    let server = pod.start("server", &logs.path().join("second"));
    is_ready(&release, &pod);
    issues(&release, &pod, trusted);
    assert!(server.end());
    // Whoever wants another hierarchy says that nothing relies on the first.
    release.namespace.kubectl().run(&["delete", "configmap/espalier-trust"]).ok();
    let binding = format!("clusterrolebinding/{}:espalier-bootstrap", release.namespace.name());
    release.namespace.kubectl().run(&["delete", &binding]).ok();
    let anew = tempfile::tempdir().unwrap();
    let run = release.pod("statefulset/espalier-server", anew.path()).run("bootstrap");
    assert_eq!((run.code, run.stdout().matches(": made").count()), (0, 5), "{}", run.stdout());
    // What the cluster may lack keeps no server from its start.
    let told = ["no ClusterTrustBundle is published", "espalier-trust", "forbidden"];
    assert!(told.iter().all(|word| run.stderr().contains(word)), "{}", run.stderr());
    tried("kubernetes", "charts/espalier on a volume", "installed, started, upgraded");
}
