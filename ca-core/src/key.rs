//! Private keys: made, read, written, turned into signers.

mod backend;
mod classical;
mod encrypted;
mod ml_dsa;
mod ml_kem;
mod pbes2;
mod private;
mod seed_choice;
mod slh_dsa;

pub use encrypted::{KeyDerivation, check_encryption, decrypt, encrypt};
pub(crate) use encrypted::{MAX_ITERATIONS, checked_parameters};
pub(crate) use pbes2::{Failure, crypt};
pub use private::{KeyError, KeyForm, MAX_KEY_SIZE, PrivateKey};
