//! Selectors of labels, as Kubernetes writes them.

// What a macro derives here is public from the crate's root, and the module is not.
#![allow(unreachable_pub)]

use std::collections::BTreeMap;

use kube::KubeSchema;
use kube::core::{Expression, Selector};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A selector of labels. The API server takes none that can't be read: Kubernetes' own type would let an operator
/// pass that nobody knows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LabelSelector {
    /// Labels by key and value, all of which an object must have.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 64))]
    pub match_labels: BTreeMap<String, String>,
    /// Requirements, all of which an object must meet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub match_expressions: Vec<Requirement>,
}

/// What a label must be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)").message("values: allowed are one or more beside In and NotIn, and none beside Exists and DoesNotExist")
)]
pub struct Requirement {
    /// The label's key.
    #[schemars(length(min = 1, max = 317))]
    pub key: String,
    /// How its value is compared.
    pub operator: Operator,
    /// The values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(max = 63)))]
    pub values: Vec<String>,
}

/// How a label's value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Operator {
    /// It is one of the values.
    In,
    /// It is none of them, or the label is not there.
    NotIn,
    /// The label is there.
    Exists,
    /// The label is not there.
    DoesNotExist,
}

impl LabelSelector {
    /// What it selects.
    #[must_use]
    pub fn selector(&self) -> Selector {
        let labels = self.match_labels.iter();
        let labels = labels.map(|(key, value)| Expression::Equal(key.clone(), value.clone()));
        labels.chain(self.match_expressions.iter().map(Requirement::expression)).collect()
    }
}

impl Requirement {
    fn expression(&self) -> Expression {
        let (key, values) = (self.key.clone(), self.values.iter().cloned().collect());
        match self.operator {
            Operator::In => Expression::In(key, values),
            Operator::NotIn => Expression::NotIn(key, values),
            Operator::Exists => Expression::Exists(key),
            Operator::DoesNotExist => Expression::DoesNotExist(key),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use kube::core::SelectorExt as _;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_selector_takes_whom_all_of_it_fits() {
        let of = |selector: Value| -> LabelSelector { serde_json::from_value(selector).unwrap() };
        let labels = BTreeMap::from([("tier".to_owned(), "edge".to_owned())]);
        let expression = |operator: &str, key: &str, values: Value| json!({"matchExpressions": [{"key": key, "operator": operator, "values": values}]});
        for (selector, selects) in [
            (json!({}), true),
            (json!({"matchLabels": {"tier": "edge"}}), true),
            (json!({"matchLabels": {"tier": "core"}}), false),
            (json!({"matchLabels": {"tier": "edge", "team": "a"}}), false),
            (expression("In", "tier", json!(["core", "edge"])), true),
            (expression("In", "tier", json!(["core"])), false),
            (expression("NotIn", "tier", json!(["edge"])), false),
            (expression("NotIn", "team", json!(["edge"])), true),
            (expression("Exists", "tier", json!([])), true),
            (expression("DoesNotExist", "tier", json!([])), false),
        ] {
            assert_eq!(of(selector.clone()).selector().matches(&labels), selects, "{selector}");
        }
        let typo = expression("in", "tier", json!(["edge"]));
        assert!(serde_json::from_value::<LabelSelector>(typo).is_err());
    }
}
