//! Why the two may differ: each class has a reason and a predicate over both verdicts.

use super::Case;

/// A kind of difference.
pub struct Class {
    /// Its name.
    pub name: &'static str,
    /// Why it is right as it is.
    pub why: &'static str,
    /// Whether it explains the case.
    pub explains: fn(&Case) -> bool,
}

/// All of them; the first that explains a case counts.
pub const CLASSES: [Class; 0] = [];
