//! Espalier against other people's software and vectors.

pub mod bouncy_castle;
pub mod crls;
pub mod differential;
pub mod espalier;
pub mod faketime;
pub mod issue;
pub mod judge;
pub mod ocsp;
pub mod online;
pub mod openssl;
pub mod peers;
pub mod slh_dsa;
pub mod vectors;
