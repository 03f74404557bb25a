//! Revocation lists as they lie in the data folder, and `GET /crl/{name}.crl`.
//!
//! A file is handed out only after its signature was checked and the ledger knew it by its
//! fingerprint: a list that the ledger does not know may lack a revocation.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::SystemTime;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Response};
use ca_core::certificate::Certificate;
use ca_core::crl::{CertificateList, MAX_CRL_SIZE};
use ca_core::fingerprint::Fingerprint;
use ca_core::general_name::AbsoluteUri;
use jiff::Timestamp;
use ledger::{CrlFilter, Ledger};

use super::dated::Dated;
use super::series::Series;
use super::{Public, no_such, stem};
use crate::server::negotiate::PKIX_CRL;
use crate::server::problem::Refusal;

/// Lists of the ledger among which a file is looked for.
const NEWEST: u32 = 50;

/// The lists that are handed out, by the names of their series.
#[derive(Debug, Default)]
pub struct Lists {
    handed_out: RwLock<HashMap<String, Arc<List>>>,
    /// The series that must have one.
    expected: OnceLock<Vec<Expected>>,
}

/// A series that must have a list, as long as its authority's certificate is valid.
#[derive(Debug)]
pub struct Expected {
    /// The name of the list.
    pub name: String,
    /// The name of its authority.
    pub authority: String,
}

/// A list that was checked.
#[derive(Debug)]
pub struct List {
    document: Dated,
    /// The name of its authority.
    pub authority: String,
    /// Its number.
    pub number: u64,
    /// When it was made.
    pub this_update: Timestamp,
    /// Until when it is current.
    pub next_update: Timestamp,
    /// Where it says that its deltas are.
    freshest: Vec<String>,
    /// It has every revocation up to this position.
    pub(super) through: u64,
    stamp: Stamp,
}

/// What changes when a file does.
type Stamp = (Option<SystemTime>, u64);

impl Lists {
    /// The newest list of this name; an authority's is its complete one.
    pub fn of(&self, name: &str) -> Option<Arc<List>> {
        self.handed_out.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// The lists that this server makes; none where it hands out none.
    pub fn expected(&self) -> Option<&[Expected]> {
        self.expected.get().map(Vec::as_slice)
    }

    /// From now on there must be these lists.
    pub(super) fn expect(&self, lists: Vec<Expected>) {
        // Set once, where the public listener is opened.
        let _ = self.expected.set(lists);
    }

    /// Every list that is handed out, with its name, in no order.
    pub fn all(&self) -> Vec<(String, Arc<List>)> {
        let lists = self.handed_out.read().unwrap_or_else(PoisonError::into_inner);
        lists.iter().map(|(name, list)| (name.clone(), Arc::clone(list))).collect()
    }

    fn put(&self, name: &str, list: List) {
        let mut lists = self.handed_out.write().unwrap_or_else(PoisonError::into_inner);
        lists.insert(name.to_owned(), Arc::new(list));
    }
}

impl Public {
    pub(super) fn list_file(&self, name: &str) -> PathBuf {
        self.folder.lists().join(format!("{name}.crl"))
    }

    /// Has the number of the list that was stored last by a server with this folder, or is about to
    /// be.
    pub(super) fn announcement_file(&self, name: &str) -> PathBuf {
        self.folder.lists().join(format!("{name}.number"))
    }

    /// The number in that file. While the list that is handed out has a lower one, somebody was cut
    /// off between storing the list and publishing it. 0 where nothing is announced.
    pub(super) async fn announced(&self, name: &str) -> u64 {
        let text = tokio::fs::read_to_string(self.announcement_file(name)).await;
        text.ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0)
    }

    /// Reads the file again where it changed. One that is wrong changes nothing.
    ///
    /// # Errors
    /// Why it is not handed out.
    pub(super) async fn look(&self, series: &Series, issuer: &Certificate) -> Result<(), String> {
        let name = &series.name;
        let path = self.list_file(name);
        let stamp = match tokio::fs::metadata(&path).await {
            Ok(found) => (found.modified().ok(), found.len()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error.to_string()),
        };
        if self.app.lists().of(name).is_some_and(|list| list.stamp == stamp) {
            return Ok(());
        }
        if stamp.1 > MAX_CRL_SIZE as u64 {
            return Err(format!("found {} octets, allowed are {MAX_CRL_SIZE}", stamp.1));
        }
        let der = tokio::fs::read(&path).await.map_err(|error| error.to_string())?;
        let list = checked(series, der, issuer, self.app.ledger(), stamp).await?;
        self.app.lists().put(name, list);
        Ok(())
    }
}

async fn checked(
    series: &Series,
    der: Vec<u8>,
    issuer: &Certificate,
    ledger: &Ledger,
    stamp: Stamp,
) -> Result<List, String> {
    let list = CertificateList::from_der(der).map_err(|error| error.to_string())?;
    list.verify(issuer).map_err(|error| error.to_string())?;
    let filter = CrlFilter {
        scope: Some(series.scope.clone()),
        kind: Some(series.kind),
        stored: true,
        ..CrlFilter::of(&series.authority)
    };
    let fingerprint = Fingerprint::of(list.der());
    let newest = ledger.crls(filter, NEWEST).await.map_err(|error| error.to_string())?;
    let known = newest
        .into_iter()
        .find(|known| known.list.as_ref().is_some_and(|list| list.fingerprint == fingerprint));
    let known = known.ok_or_else(|| {
        format!(
            "found number {}, allowed are the {NEWEST} newest lists of its kind in the ledger",
            list.number()
        )
    })?;
    let (since, until) = (list.this_update(), list.next_update());
    let document = Dated::new(PKIX_CRL, list.der().to_vec(), since, until);
    let (number, through) = (known.number, known.through);
    let freshest = list.freshest_crl().map(str::to_owned).collect();
    let authority = series.authority.clone();
    let (this_update, next_update) = (since, until);
    Ok(List { document, authority, number, this_update, next_update, freshest, through, stamp })
}

impl List {
    /// Its octets.
    pub fn der(&self) -> &Bytes {
        self.document.octets()
    }

    /// Whether it names the places of the series' deltas, and no others.
    pub(super) fn names_deltas_of(&self, series: &Series) -> bool {
        self.freshest.iter().map(String::as_str).eq(series.freshest.iter().map(AbsoluteUri::as_str))
    }
}

pub(super) async fn get(
    State(public): State<Public>,
    Path(file): Path<String>,
    headers: HeaderMap,
) -> Result<Response<Body>, Refusal> {
    let list =
        stem(&file, "crl").and_then(|name| public.app.lists().of(name)).ok_or_else(no_such)?;
    Ok(list.document.answer(&headers, public.app.now(), public.cache_seconds()))
}
