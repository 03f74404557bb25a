//! Espalier's command and server: key custody, files, issuance, the REST API.
//!
//! [`cli`] reads the command line and runs one command; every command is a file of its own below
//! it. The modules beside it hold what commands share: reading ([`input`]) and writing
//! ([`output`]) files, passphrases and private key files; [`server`] is the REST server. Nothing here reads a clock or draws
//! randomness by itself: `main` hands both over in a [`cli::Context`].

pub mod auth;
pub mod authority;
pub mod bootstrap;
pub mod cli;
pub mod crl_making;
pub mod data_folder;
pub mod delegate;
pub mod hierarchy;
pub mod input;
pub mod issuance;
pub mod key_file;
pub mod key_making;
pub mod ledger_check;
pub mod logging;
pub mod output;
pub mod passphrase;
pub mod possession;
pub mod process;
pub mod profiles;
pub mod progress;
pub mod quickstart;
pub mod registry;
pub mod renewal;
pub mod server;
mod standing;
pub mod table;
pub mod wire;
