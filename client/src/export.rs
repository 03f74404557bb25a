//! The export of a ledger, read line by line.

use reqwest::Response;
use serde::Deserialize;

use crate::error::ClientError;
use crate::http::Client;
use crate::v1::Certificate;

/// The longest line, in octets: a certificate with its chain, in JSON.
const MOST: usize = 4 * 1024 * 1024;

/// Every record, one after the other. It is whole only when [`Self::next`] gives nothing: a stream
/// that breaks off is an error.
#[derive(Debug)]
pub struct Export {
    client: Client,
    answer: Response,
    waiting: Vec<u8>,
    /// How much of `waiting` has no line end.
    searched: usize,
    ended: bool,
}

/// The last line.
#[derive(Deserialize)]
struct End {
    end: bool,
}

impl Export {
    pub(crate) fn new(client: Client, answer: Response) -> Self {
        Self { client, answer, waiting: Vec::new(), searched: 0, ended: false }
    }

    /// The next line as it came, without its end; nothing behind the last.
    ///
    /// # Errors
    /// `ClientError` when the stream breaks off, or is none of an export; nothing comes after it.
    pub async fn next_line(&mut self) -> Result<Option<Vec<u8>>, ClientError> {
        while !self.ended {
            if let Some(line) = self.line() {
                match serde_json::from_slice(&line) {
                    Ok(End { end: true }) => self.ended = true,
                    _ => return Ok(Some(line)),
                }
                continue;
            }
            if self.waiting.len() > MOST {
                self.ended = true;
                let reason = format!("found a line of more than {MOST} octets, allowed are fewer");
                return Err(self.client.unexpected(200, &reason));
            }
            let part = self.answer.chunk().await.map_err(|error| self.client.failed(&error))?;
            let Some(part) = part else {
                self.ended = true;
                let server = self.client.server().to_string();
                let reason = "the export has no last line; what came is not all of it".to_owned();
                return Err(ClientError::Broken { server, reason });
            };
            self.waiting.extend_from_slice(&part);
        }
        Ok(None)
    }

    /// The next record; nothing behind the last.
    ///
    /// # Errors
    /// As [`Self::next_line`].
    pub async fn next(&mut self) -> Result<Option<Certificate>, ClientError> {
        let Some(line) = self.next_line().await? else { return Ok(None) };
        serde_json::from_slice(&line).map(Some).map_err(|error| {
            let reason = format!("found a line that is no record ({error})");
            self.client.unexpected(200, &reason)
        })
    }

    fn line(&mut self) -> Option<Vec<u8>> {
        let end = self.waiting[self.searched..].iter().position(|octet| *octet == b'\n');
        let Some(end) = end.map(|end| self.searched + end) else {
            self.searched = self.waiting.len();
            return None;
        };
        let rest = self.waiting.split_off(end + 1);
        let mut line = std::mem::replace(&mut self.waiting, rest);
        line.pop();
        self.searched = 0;
        Some(line)
    }
}
