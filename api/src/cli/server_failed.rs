//! How a command fails when a server does not do what it was asked.

use client::ClientError;

use super::{CliError, Exit};

impl From<ClientError> for CliError {
    fn from(error: ClientError) -> Self {
        let text = error.to_string();
        match &error {
            ClientError::Config { .. } => Self::usage(text),
            ClientError::Refused(refused) => {
                let failure = Self::new(exit(refused.problem.status, refused.problem.slug()), text);
                match refused.problem.slug() {
                    "unauthenticated" => failure.with_hint(
                        "show a token of this server by --token-file or ESPALIER_TOKEN_FILE, or use a context that has one",
                    ),
                    "forbidden" => failure.with_hint(
                        "ask an administrator of the server for a token whose grant covers it",
                    ),
                    _ => failure,
                }
            }
            ClientError::Unreachable { .. } => Self::environment(text).with_hint(
                "check the URL and that the server runs; --data asks a data folder instead",
            ),
            ClientError::Tls { .. } => Self::environment(text).with_hint(
                "name the file with the root that vouches for the server by --server-ca, or in the context",
            ),
            _ => Self::environment(text),
        }
    }
}

/// 2 where the request is at fault, 1 where it is refused, 3 where the server can't, 4 where it is
/// at fault.
fn exit(status: u16, slug: &str) -> Exit {
    match (status, slug) {
        (403 | 404 | 409, _) | (422, "csr-refused" | "certificate-refused" | "key-blocked") => {
            Exit::Refused
        }
        (408 | 429 | 503, _) => Exit::Environment,
        (500.., _) => Exit::Fault,
        _ => Exit::Usage,
    }
}
