#![allow(clippy::unwrap_used)] // a panic is the failure report
