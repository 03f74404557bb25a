//! Every state that objects of a namespace had while a test did something.

use std::fs;
use std::path::Path;

use serde_json::{Deserializer, Value};

use crate::namespace::Namespace;
use crate::tied::Tied;
use crate::waiting::found;

/// Watches the objects of a kind in a namespace.
#[derive(Debug)]
pub struct Vigil {
    watching: Tied,
}

impl Vigil {
    /// Begins to watch; it is at work when this is done.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn over(namespace: &Namespace<'_>, kind: &str, folder: &Path) -> Self {
        let words = ["get", kind, "--watch", "--output-watch-events", "--output=json"];
        let name = format!("vigil-{}-{kind}", namespace.name());
        let vigil = Self { watching: namespace.kubectl().start(&words, folder, &name) };
        let first = || (!vigil.events().is_empty()).then_some(());
        found(first, || "nothing is seen".to_owned());
        vigil
    }

    /// What was seen until now: `type` and `object` of each event.
    ///
    /// # Panics
    /// When kubectl printed something else than events.
    #[must_use]
    pub fn events(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.watching.printed()).unwrap();
        let events = Deserializer::from_str(&text).into_iter::<Value>();
        // The last one may be half written.
        events.map_while(Result::ok).collect()
    }
}
