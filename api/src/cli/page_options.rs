//! Which page of a list, and how it is shown.

use ledger::Cursor;

use super::Context;

/// Which page of a list, and how it is shown.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct PageOptions {
    /// How many at most, 1 to 1000
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(super) limit: u32,

    /// Go on behind the page that ended with this cursor
    #[arg(long, value_name = "CURSOR")]
    after: Option<Cursor>,

    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

impl PageOptions {
    /// Where the page begins, as the API takes it.
    pub(super) fn cursor(&self) -> Option<String> {
        self.after.map(|cursor| cursor.to_string())
    }

    /// Says how to go on, where there are more.
    pub(super) fn tell_of_more(next: Option<String>, context: &Context) {
        if let Some(next) = next {
            context.note(&format!("there are more: --after {next}"));
        }
    }
}
