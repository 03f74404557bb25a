//! Offline root ceremonies of Espalier: several people make a root on a machine without a network, and
//! leave what any auditor can check years later.
//!
//! One folder is one ceremony ([`folder`]). Its [`definition`] says what is made. A [`sitting`] makes the
//! keys, another one the [`plan`], a third signs what the plan has ([`signing`]) once people confirmed it;
//! each writes the [`transcript`]. An [`audit`] derives all of it again from the folder, and a
//! [`rehearsal`] goes through all of it unattended.
//!
//! What it made, and what it needs, travels by pictures ([`transfer`]). Each [`witness`] signs the
//! transcript by a key of their own.
//!
//! Keys lie in [`sealed_key`] files under a key that nobody has: [`share_set`] gives each custodian a
//! [`share`] of it, as [`words`] on paper. See `docs/architecture.md` for what this crate may use; time
//! and randomness are arguments.

pub mod audit;
mod canonical;
pub mod causes;
pub mod ceremony_id;
pub mod cli;
pub mod definition;
pub mod digest;
pub mod entropy;
pub mod export;
pub mod folder;
pub mod plan;
pub mod planning;
mod process;
pub mod rehearsal;
pub mod report;
pub mod sealed_key;
pub mod shamir;
pub mod share;
pub mod share_set;
pub mod signing;
pub mod sitting;
pub mod surroundings;
pub mod table;
pub mod transcript;
pub mod transfer;
pub mod witness;
pub mod words;
