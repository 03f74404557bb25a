//! An error with its causes, on one line.

use std::error::Error;

/// The message of `error` and of each of its causes; a cause that is part of the message is not
/// repeated.
pub fn told(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let text = inner.to_string();
        if !message.contains(&text) {
            message = format!("{message}: {text}");
        }
        cause = inner.source();
    }
    message
}
