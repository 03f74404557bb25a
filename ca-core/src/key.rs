//! Private keys.

mod private;

pub use private::{KeyError, PrivateKey};
