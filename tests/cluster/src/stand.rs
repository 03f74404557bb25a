//! All that a certificate passes through: a control plane, our issuer program, and a server with an
//! authority of each mode.

use std::fs;
use std::sync::OnceLock;

use serde_json::json;

use crate::cluster::{Cluster, Options};
use crate::controllers::{Controllers, SYSTEM, rights_by_the_owner, token};
use crate::namespace::Namespace;
use crate::server::{AUTHORITIES, Authority, Grant, Server, auth};

/// Whom tokens of service accounts are for.
pub const AUDIENCE: &str = "https://espalier.tests";

/// Each way in which an issuer may ask: how the names of cluster-wide ones end that requests are approved for,
/// behind that of their authority, and its `auth`.
pub const WAYS: [(&str, &str); 3] = [
    ("", "{token: {secretRef: {name: token}}}"),
    ("-account", "{serviceAccount: {name: requester, audience: \"https://espalier.tests\"}}"),
    ("-holder", "{clientCertificate: {secretRef: {name: holder}}}"),
];

/// A cluster, the issuer program, and a server.
#[derive(Debug)]
pub struct Stand {
    // Dropped in this order: nothing asks for what is gone.
    /// The issuer program.
    pub controllers: Controllers,
    /// The server.
    pub server: Server,
    /// A token of the server that may ask for everything.
    pub token: String,
    /// The control plane.
    pub cluster: Cluster,
}

impl Stand {
    /// The one that all tests of this binary share; the first that asks starts it.
    ///
    /// Without the control plane, `None`, and the reason was told.
    ///
    /// # Panics
    /// When a part of it does not start.
    #[must_use]
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Stand>> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(&AUTHORITIES)).as_ref()
    }

    /// Starts one of its own, with these authorities, of which the first vouches for the server and
    /// for clients.
    ///
    /// # Panics
    /// As [`Self::shared`].
    #[must_use]
    pub fn start(authorities: &[Authority]) -> Option<Self> {
        let cluster = Cluster::start(approving(authorities))?;
        let folder = cluster.folder().to_owned();
        let mut controllers = Controllers::install(&cluster, &folder.join("issuer"));
        let mut server = Server::make(&folder.join("server"), authorities);
        fs::copy(cluster.ca_file(), server.file("ca.crt")).unwrap();
        fs::write(server.file("token"), token(&cluster, "espalier")).unwrap();
        let door = authorities[0].name;
        server.configure(&auth(cluster.server(), AUDIENCE, door));
        let all = Grant { name: "issuers", authority: "*", profile: "*", names: "*" };
        let token = server.token(&all);
        server.start();
        controllers.start();
        Some(Self { controllers, server, token, cluster })
    }

    /// A server of its own for a test that stops it or starts it otherwise, not started yet, with a
    /// classical and a composite authority; the Secret `own` in the namespace has a token that may ask
    /// it for everything.
    #[must_use]
    pub fn server_for(&self, namespace: &Namespace<'_>) -> Server {
        let folder = self.cluster.folder().join("servers").join(namespace.name());
        let server = Server::make(&folder, &AUTHORITIES[..2]);
        let all = Grant { name: "issuers", authority: "*", profile: "*", names: "*" };
        namespace.apply(&secret("own", &server.token(&all)));
        server
    }

    /// Publishes the roots of these authorities, and of no others, where the issuer program looks for them.
    pub fn publish(&self, authorities: &[&str]) {
        let roots = authorities.iter();
        let roots: String =
            roots.map(|name| self.server.certificate(&format!("{name}-root"))).collect();
        let bundle = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "roots" },
            "data": { "ca.crt": roots },
        });
        self.cluster.namespaced(SYSTEM).apply(&bundle.to_string());
    }

    /// A namespace for one test, with the service account `requester`, which may ask the server for
    /// everything, the Secret `token` with a token that may as well, and its owner's leave for the issuer
    /// program to use what issuers name.
    #[must_use]
    pub fn namespace(&self, start: &str) -> Namespace<'_> {
        let namespace = self.cluster.namespace(start);
        namespace.apply(&self.credentials());
        namespace.apply(&rights_by_the_owner());
        namespace
    }

    /// The same objects for cluster-wide issuers, which the chart's values name.
    pub fn credentials_of_cluster_issuers(&self) {
        self.cluster.namespaced(SYSTEM).apply(&self.credentials());
    }

    fn credentials(&self) -> String {
        let secret = secret("token", &self.token);
        let account = json!({
            "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": "requester" },
        });
        format!("{secret}\n---\n{account}\n")
    }

    /// The manifest of an issuer at this stand's server.
    #[must_use]
    pub fn issuer(&self, issuer: &Issuer<'_>) -> String {
        issuer.at(&self.server)
    }
}

fn secret(name: &str, token: &str) -> String {
    let metadata = json!({ "name": name });
    json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": { "token": token },
    })
    .to_string()
}

/// The approver approves requests to every namespaced issuer, and to cluster-wide ones that are called
/// like an authority: those of other names are for tests that judge by hand.
fn approving(authorities: &[Authority]) -> Options {
    let mut approved = vec!["pqissuers.espalier.dev/*".to_owned()];
    for authority in authorities {
        let name = |(end, _)| format!("pqclusterissuers.espalier.dev/{}{end}", authority.name);
        approved.extend(WAYS.map(name));
    }
    Options { approved, ..Options::default() }
}

/// An issuer's manifest.
#[derive(Debug, Clone, Copy)]
pub struct Issuer<'a> {
    /// `PQIssuer` or `PQClusterIssuer`.
    pub kind: &'a str,
    /// Its name.
    pub name: &'a str,
    /// The authority that signs.
    pub authority: &'a str,
    /// The value of `auth`, in YAML.
    pub auth: &'a str,
    /// The profiles that requests may choose, in YAML.
    pub profiles: &'a str,
}

impl<'a> Issuer<'a> {
    /// A `PQIssuer` that asks with the token of its namespace.
    #[must_use]
    pub fn by_token(name: &'a str, authority: &'a str) -> Self {
        let [(_, auth), ..] = WAYS;
        Self { kind: "PQIssuer", name, authority, auth, profiles: "[tls-client, tls-peer]" }
    }

    /// The manifest, for this server.
    #[must_use]
    pub fn at(&self, server: &Server) -> String {
        let Self { kind, name, authority, auth, profiles } = self;
        let (url, bundle) = (server.url(), server.bundle(&format!("{}-root", server.door())));
        format!(
            "\napiVersion: espalier.dev/v1alpha1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec:\n  \
             server: {{url: \"{url}\", caBundle: {bundle}}}\n  authority: {authority}\n  profile: tls-server\n  \
             allowedProfiles: {profiles}\n  auth: {auth}\n"
        )
    }
}
