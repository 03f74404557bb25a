//! Espalier's REST API as a client sees it: the wire types of [`v1`].
//!
//! Requests refuse members that they do not know, so that a slip is told and not ignored. Answers
//! may gain members in a later release: read them leniently.

pub mod v1;
