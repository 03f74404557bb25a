//! How a command fails: an exit code, a message, and what to do.

use std::error::Error;
use std::process::ExitCode;

use client::with_causes;

/// Exit codes other than 0, which means done or valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 1: the answer is no. A certificate, request or signature is not valid, or a profile or
    /// policy refuses it.
    Refused,
    /// 2: the command can't be carried out as it was given. Usage, an input that can't be read, a
    /// wrong passphrase, an output file that exists already.
    Usage,
    /// 3: the surroundings fail. An output that can't be written, a full disk, a read-only or
    /// locked ledger.
    Environment,
    /// 4: a fault of this program or machine, such as two implementations that disagree about a
    /// signature. Nothing was released.
    Fault,
}

impl Exit {
    /// What `espalier --help` says of the codes.
    pub const HELP: &str = "Exit codes:
  0  done; what was checked is valid
  1  not valid, or refused by a profile or policy
  2  usage, unreadable input, wrong passphrase, output file exists
  3  output, data folder or ledger can't be used (full disk, read-only, locked)
  4  a fault of this program or machine; nothing was released";

    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Self::Refused => 1,
            Self::Usage => 2,
            Self::Environment => 3,
            Self::Fault => 4,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command failed, in words for the person who ran it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CliError {
    exit: Exit,
    message: String,
    hint: Option<String>,
}

impl CliError {
    /// A failure with its exit code.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hint: None }
    }

    /// The answer is no: exit code 1.
    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(Exit::Refused, message)
    }

    /// It can't be done as asked: exit code 2.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// The surroundings fail: exit code 3.
    pub fn environment(message: impl Into<String>) -> Self {
        Self::new(Exit::Environment, message)
    }

    /// This program or machine is at fault: exit code 4.
    pub fn fault(message: impl Into<String>) -> Self {
        Self::new(Exit::Fault, message)
    }

    /// A failure with its exit code, the words of an error and of its sources, each said once.
    /// `subject` stands before them: the file or thing that it is about.
    pub fn of(exit: Exit, subject: impl std::fmt::Display, error: &dyn Error) -> Self {
        Self::new(exit, format!("{subject}: {}", with_causes(error)))
    }

    /// Adds what to do.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The exit code.
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// What is wrong, with the value and what is allowed.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do, where there is something.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Layer {
        text: &'static str,
        source: Option<Box<Layer>>,
    }

    #[test]
    fn sources_are_said_once() {
        let inner = Layer { text: "disk is full", source: None };
        let repeated = Layer { text: "write: disk is full", source: Some(Box::new(inner)) };
        let outer = Layer { text: "ledger", source: Some(Box::new(repeated)) };
        let error = CliError::of(Exit::Environment, "data", &outer);
        assert_eq!(error.message(), "data: ledger: write: disk is full");
        assert_eq!(error.exit().code(), 3);
    }

    #[test]
    fn every_code_is_in_the_help() {
        for exit in [Exit::Refused, Exit::Usage, Exit::Environment, Exit::Fault] {
            assert!(Exit::HELP.contains(&format!("\n  {}  ", exit.code())), "{exit:?}");
        }
    }
}
