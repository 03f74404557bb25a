//! `espalier serve`: the REST server.
//!
//! | room | holds |
//! |---|---|
//! | [`config`] | the YAML file, and what it becomes |
//! | [`state`] | what every request may use: ledger, authorities, profiles, signing threads |
//! | [`listener`] | sockets, limits of connections, and their end |
//! | [`exchange`] | what surrounds every request: id, log line, time limit, problem document |
//! | [`access`] | who may ask: each route has a row in the table of [`routes`] |
//! | [`routes`] | one file for each resource of `/v1` |
//! | [`problem`] | every kind of problem, and how errors become one |
//! | [`reload`] | a configuration that changes while the server runs |
//! | [`metrics`] | what is counted and measured |
//! | [`signing`] | the threads that plan, lint, sign and verify |
//! | [`telemetry`] | traces for OpenTelemetry |
//! | [`tls`] | certificates of the server, and of clients as far as TLS goes |
//! | [`public`] | revocation lists, OCSP and CA certificates, for everybody over plain HTTP |
//! | [`openapi`] | the description of all this, made from the code |

pub mod access;
pub mod body;
pub mod config;
pub mod database;
pub mod exchange;
pub mod idempotency;
pub mod listener;
pub mod metrics;
pub mod negotiate;
pub mod openapi;
pub mod page;
pub mod path;
pub mod problem;
pub mod public;
pub mod reload;
pub mod request_id;
pub mod routes;
pub mod run;
pub mod signing;
pub mod state;
pub mod telemetry;
pub mod tls;
pub mod tokens;
pub mod under_way;
