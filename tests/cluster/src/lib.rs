//! A real control plane for tests: etcd, kube-apiserver, kube-controller-manager and cert-manager with its admission
//! webhook, in one process (`control-plane/`, built by `cargo xtask cluster build`).
//!
//! Tests of one binary share one cluster, each in a namespace of its own:
//!
//! ```no_run
//! use test_cluster::Cluster;
//!
//! let Some(cluster) = Cluster::shared() else { return }; // skipped, and the reason was told
//! let shop = cluster.namespace("shop");
//! shop.apply("{apiVersion: cert-manager.io/v1, kind: Issuer, metadata: {name: self}, spec: {selfSigned: {}}}");
//! shop.wait("issuer/self", "condition=Ready");
//! ```
//!
//! There is no kubelet and no scheduler: pods stay pending, and a Deployment is tested by running its command line as
//! a process. The cluster ends when the value is dropped or the test process ends, however it ends: it reads from a
//! pipe that the test holds.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // tests only: a panic is the failure report

mod between;
mod certificate;
mod cluster;
mod controllers;
mod kubectl;
mod namespace;
mod pair;
mod record;
mod server;
mod stand;
mod tied;
mod vigil;
mod waiting;

pub use between::{Asked, Between, Twist};
pub use certificate::Wanted;
pub use cluster::{Cluster, Options};
pub use controllers::{Controllers, SYSTEM, free_port};
pub use interop::espalier::beside_this_test;
pub use kubectl::{Kubectl, Said};
pub use namespace::Namespace;
pub use pair::{Pair, decoded};
pub use record::{Record, twice};
pub use server::{AUTHORITIES, Authority, Grant, Server};
pub use stand::{AUDIENCE, Issuer, Stand, WAYS};
pub use tied::Tied;
pub use vigil::Vigil;
pub use waiting::{found, found_within, until};
