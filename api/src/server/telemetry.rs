//! Traces for OpenTelemetry: what a request takes, step by step, sent to a collector by OTLP over
//! HTTP.
//!
//! A span has the request's id, route and status, who asked, and serial numbers: never names in
//! certificates, keys or the octets of requests. What can't be sent is dropped after a while, and
//! the log says so; no request waits for a collector.

mod config;
mod sender;

use std::path::Path;
use std::time::Duration;

use axum::http::HeaderName;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::HeaderExtractor;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider,
};
use tokio::runtime::Handle;
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

pub use config::TelemetryConfig;
use config::TracesConfig;
use sender::Sender;

use crate::cli::{CliError, Exit};

/// Spans that wait to be sent; more are dropped.
const QUEUE: usize = 4_096;
/// Spans of one message.
const BATCH: usize = 512;
/// How long a span waits for others.
const DELAY: Duration = Duration::from_secs(2);
/// How long the last ones may take when the server ends.
const LAST: Duration = Duration::from_secs(5);
/// The crates whose spans are sent.
const OURS: [&str; 2] = ["espalier", "ledger"];

/// The header that names a trace (W3C Trace Context section 3.2).
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Sends spans to a collector.
#[derive(Debug)]
pub struct Traces {
    provider: SdkTracerProvider,
}

impl Traces {
    /// Prepares to send; nothing is sent yet, and the collector need not be there.
    ///
    /// # Errors
    /// `CliError` with exit code 2 for a file that can't be read, or an environment variable
    /// `OTEL_…` that can't be used.
    pub fn prepare(config: &TracesConfig, base: &Path, runtime: &Handle) -> Result<Self, CliError> {
        let failed = |error: &dyn std::error::Error| {
            CliError::of(Exit::Usage, "configuration: telemetry.traces", error)
        };
        let ca_file = config.ca_file.as_ref().map(|file| base.join(file));
        let timeout = Duration::from_secs(config.timeout_seconds);
        let sender = Sender::new(ca_file.as_deref(), timeout, runtime.clone());
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(sender.map_err(|error| failed(&error))?)
            .with_endpoint(config.endpoint.clone())
            .with_timeout(timeout)
            .build()
            .map_err(|error| failed(&error))?;
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(QUEUE)
            .with_max_export_batch_size(BATCH)
            .with_scheduled_delay(DELAY)
            .build();
        let processor = BatchSpanProcessor::builder(exporter).with_batch_config(batches).build();
        let resource = Resource::builder_empty()
            .with_service_name(config.service_name.clone())
            .with_attribute(opentelemetry::KeyValue::new(
                "service.version",
                env!("CARGO_PKG_VERSION"),
            ))
            .build();
        let ratio = Sampler::TraceIdRatioBased(config.sample_ratio);
        let provider = SdkTracerProvider::builder()
            .with_span_processor(processor)
            .with_sampler(Sampler::ParentBased(Box::new(ratio)))
            .with_resource(resource)
            .build();
        Ok(Self { provider })
    }

    /// What hands our spans over.
    pub fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        let ours = filter_fn(|metadata| {
            let krate = metadata.target().split("::").next().unwrap_or_default();
            metadata.is_span() && OURS.contains(&krate)
        });
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer("espalier"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_level(false)
            .with_tracked_inactivity(false)
            .with_filter(ours.with_max_level_hint(LevelFilter::INFO))
    }

    /// Sends what waits, and no more after that.
    pub async fn end(self) {
        let ending = tokio::task::spawn_blocking(move || self.provider.shutdown_with_timeout(LAST));
        match ending.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the last traces are lost"),
            Err(error) => tracing::error!(%error, "the sender of traces ended early"),
        }
    }
}

/// Makes the span a part of the trace that the request names (W3C Trace Context), where it names
/// one; what is none is left alone. Without [`Traces`] this does nothing.
pub fn continue_trace(span: &tracing::Span, headers: &axum::http::HeaderMap) {
    let Some(named) = headers.get(TRACEPARENT) else { return };
    // Alone: a `tracestate`, up to 16 KiB of another's, would be kept with every span of the request.
    let headers = axum::http::HeaderMap::from_iter([(TRACEPARENT, named.clone())]);
    let parent = TraceContextPropagator::new().extract(&HeaderExtractor(&headers));
    // It fails where no traces are sent.
    let _ = span.set_parent(parent);
}
