//! Where traces go.

use std::path::PathBuf;

use serde::Deserialize;

use crate::auth::checked_url;
use crate::server::config::{ConfigError, value};

/// What is told to others about the work of the server.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TelemetryConfig {
    /// Traces; none unless it is here.
    #[serde(default)]
    pub traces: Option<TracesConfig>,
}

/// Traces for a collector that takes OTLP over HTTP.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TracesConfig {
    /// Where they are sent, with the path, such as `https://collector.internal:4318/v1/traces`.
    pub endpoint: String,
    /// Certificates that the collector's own must lead to; by default those of the system.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// What the server is called.
    #[serde(default = "default_service_name")]
    pub service_name: String,
    /// The share of requests that are traced, 0 to 1; whoever sends a traceparent decides by it.
    #[serde(default = "default_sample_ratio")]
    pub sample_ratio: f64,
    /// How long a message may take.
    #[serde(default = "default_timeout_seconds")]
    pub timeout_seconds: u64,
}

fn default_service_name() -> String {
    "espalier".to_owned()
}

fn default_sample_ratio() -> f64 {
    1.0
}

fn default_timeout_seconds() -> u64 {
    10
}

impl TelemetryConfig {
    /// Checks what the types can't say.
    ///
    /// # Errors
    /// `ConfigError` names the field, what was found and what is allowed.
    pub fn check(&self) -> Result<(), ConfigError> {
        let Some(traces) = &self.traces else { return Ok(()) };
        checked_url(&traces.endpoint).map_err(|reason| ConfigError::Yaml {
            reason: format!("telemetry.traces.endpoint: {reason}"),
        })?;
        if !(1..=256).contains(&traces.service_name.len()) {
            let found = format!("{} octets", traces.service_name.len());
            return Err(value("telemetry.traces.service_name", found, "1 to 256"));
        }
        if !(0.0..=1.0).contains(&traces.sample_ratio) {
            return Err(value("telemetry.traces.sample_ratio", traces.sample_ratio, "0 to 1"));
        }
        if !(1..=300).contains(&traces.timeout_seconds) {
            return Err(value(
                "telemetry.traces.timeout_seconds",
                traces.timeout_seconds,
                "1 to 300",
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a panic is the failure report

    use crate::server::config::ServerConfig;

    fn read(traces: &str) -> Result<ServerConfig, String> {
        let text = format!("version: 1\ntelemetry: {{traces: {traces}}}\n");
        ServerConfig::from_yaml(&text).map_err(|error| error.to_string())
    }

    #[test]
    fn the_least_has_defaults_and_what_is_not_allowed_is_named() {
        let traces = read("{endpoint: 'https://collector.test:4318/v1/traces'}").unwrap();
        let traces = traces.telemetry.traces.unwrap();
        assert_eq!((traces.service_name.as_str(), traces.timeout_seconds), ("espalier", 10));
        read("{endpoint: 'http://127.0.0.1:4318/v1/traces', sample_ratio: 0.25}").unwrap();
        for (wrong, words) in [
            ("{}", "endpoint"),
            ("{endpoint: 'https://c.test/', header: a}", "header"),
            ("{endpoint: 'http://c.test/v1/traces'}", "telemetry.traces.endpoint"),
            ("{endpoint: 'https://c.test/', sample_ratio: 1.5}", "sample_ratio: found 1.5"),
            ("{endpoint: 'https://c.test/', sample_ratio: .nan}", "non-finite float `.nan`"),
            ("{endpoint: 'https://c.test/', timeout_seconds: 0}", "timeout_seconds: found 0"),
            ("{endpoint: 'https://c.test/', service_name: ''}", "service_name: found 0 octets"),
        ] {
            let refused = read(wrong).unwrap_err();
            assert!(refused.contains(words), "no {words} in {refused}");
        }
    }
}
