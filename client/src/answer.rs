//! The answers of others, read within bounds.

use reqwest::Response;

/// Why an answer was not read.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// It breaks off, or is no HTTP.
    #[error("found an answer that breaks off, allowed is a whole one")]
    Broken(#[source] reqwest::Error),
    /// It is longer than that many octets.
    #[error("found an answer of more than {most} octets, allowed are fewer")]
    TooLong {
        /// As many are read.
        most: usize,
    },
}

/// Reads an answer of at most `most` octets; of a longer one no more than a part behind them.
///
/// # Errors
/// [`Unread`].
pub async fn read_within(mut answer: Response, most: usize) -> Result<Vec<u8>, Unread> {
    let mut octets = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(Unread::Broken)? {
        if octets.len() + part.len() > most {
            return Err(Unread::TooLong { most });
        }
        octets.extend_from_slice(&part);
    }
    Ok(octets)
}
