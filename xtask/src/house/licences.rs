//! The licences of everything that the workspace is built and tested with, against the list in deny.toml.

use spdx::{Expression, Licensee, ParseMode};

use super::graph::Graph;

/// Packages whose licence does not allow what the list asks for, or that have none.
///
/// # Errors
/// Names the entry of the list that is not an SPDX licence.
pub fn refused(graph: &Graph, allow: &[String]) -> Result<Vec<String>, String> {
    let parse = |name: &String| {
        Licensee::parse(name).map_err(|error| format!("deny.toml: licence {name}: {error}"))
    };
    let allowed: Vec<Licensee> = allow.iter().map(parse).collect::<Result<_, _>>()?;
    let verdicts = graph.packages.iter().filter_map(|package| {
        let verdict = match &package.licence {
            None => Err("names no licence".to_owned()),
            Some(text) => judge(text, &allowed),
        };
        verdict.err().map(|reason| format!("{}: {reason}", package.name))
    });
    Ok(verdicts.collect())
}

/// An expression is fine when a choice among its alternatives leaves only licences of the list.
fn judge(text: &str, allowed: &[Licensee]) -> Result<(), String> {
    // Old manifests write "MIT/Apache-2.0"; the lax mode reads the slash as OR.
    let expression = Expression::parse_mode(text, ParseMode::LAX)
        .map_err(|error| format!("licence {text}: {error}"))?;
    if expression.evaluate(|required| allowed.iter().any(|licensee| licensee.satisfies(required))) {
        return Ok(());
    }
    Err(format!("licence {text}: is not on the list of deny.toml"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use super::*;
    use crate::house::graph::made_up::graph;

    fn list() -> Vec<String> {
        ["MIT", "Apache-2.0", "Unicode-3.0"].map(str::to_owned).to_vec()
    }

    #[test]
    fn expressions_are_read_as_spdx_means_them() {
        let good = graph(&[
            ("a", "", "MIT/Apache-2.0", &[]),
            ("b", "", "(MIT OR GPL-3.0-only) AND Unicode-3.0", &[]),
            ("c", "", "Apache-2.0", &[]),
        ]);
        assert_eq!(refused(&good, &list()).unwrap(), [""; 0]);
    }

    #[test]
    fn what_is_not_on_the_list_is_refused() {
        let bad = graph(&[
            ("a", "", "GPL-3.0-only", &[]),
            ("b", "", "MIT AND GPL-3.0-only", &[]),
            ("c", "", "", &[]),
            ("d", "", "Apache-2.0 WITH LLVM-exception", &[]),
            ("e", "", "MIT nonsense", &[]),
        ]);
        let found = refused(&bad, &list()).unwrap();
        assert_eq!(found.len(), 5, "{found:?}");
        assert!(
            found[2].contains("names no licence") && found[0].contains("GPL-3.0-only"),
            "{found:?}"
        );
        assert!(refused(&bad, &["no such licence".to_owned()]).is_err());
    }
}
