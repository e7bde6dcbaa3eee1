//! Traces to a collector, by OTLP over HTTP: a feature of the build, because what it needs is large.

use tracing_subscriber::{Layer, Registry};

type Spans = Box<dyn Layer<Registry> + Send + Sync>;

#[cfg(not(feature = "otlp"))]
pub struct Exporter;

#[cfg(not(feature = "otlp"))]
impl Exporter {
    pub fn new(url: Option<&str>) -> anyhow::Result<(Self, Option<Spans>)> {
        match url {
            Some(_) => anyhow::bail!("this build exports no traces: it was made without the feature `otlp`"),
            None => Ok((Self, None)),
        }
    }

    #[allow(clippy::unused_self, reason = "with the feature, the exporter has spans to send")]
    pub fn end(self) {}
}

#[cfg(feature = "otlp")]
pub use with_feature::Exporter;

#[cfg(feature = "otlp")]
mod with_feature {
    use super::Spans;
    use anyhow::Context as _;
    use opentelemetry::propagation::TextMapPropagator;
    use opentelemetry::trace::TracerProvider;
    use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
    use opentelemetry_sdk::Resource;
    use opentelemetry_sdk::propagation::TraceContextPropagator;
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use std::collections::HashMap;
    use tracing::Span;
    use tracing_opentelemetry::OpenTelemetrySpanExt;
    use tracing_subscriber::Layer;
    use tracing_subscriber::filter::filter_fn;
    use vorgang_runtime::trace;

    /// The header of W3C Trace Context.
    const HEADER: &str = "traceparent";

    /// Sends spans in a thread of its own, and the last of them at the end.
    pub struct Exporter(Option<SdkTracerProvider>);

    impl Exporter {
        pub fn new(url: Option<&str>) -> anyhow::Result<(Self, Option<Spans>)> {
            let Some(url) = url else { return Ok((Self(None), None)) };
            let address = format!("{}/v1/traces", url.trim_end_matches('/'));
            anyhow::ensure!(
                address.starts_with("http://"),
                "`{url}` is no collector: it is asked without TLS, such as http://127.0.0.1:4318"
            );
            let json = std::env::var("OTEL_EXPORTER_OTLP_PROTOCOL").is_ok_and(|p| p == "http/json");
            let protocol = if json { Protocol::HttpJson } else { Protocol::HttpBinary };
            let exporter = SpanExporter::builder().with_http().with_endpoint(address).with_protocol(protocol).build();
            let exporter = exporter.with_context(|| format!("traces cannot be sent to {url}"))?;
            let resource = Resource::builder().with_service_name("vorgang").build();
            let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
            trace::export_by(Box::new(Context));
            let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("vorgang")).with_location(false).with_threads(false);
            let spans = layer.with_filter(filter_fn(|m| m.target() == trace::TARGET)).boxed();
            Ok((Self(Some(provider)), Some(spans)))
        }

        pub fn end(self) {
            if let Some(Err(e)) = self.0.map(|p| p.shutdown()) {
                eprintln!("vorgang: the last traces could not be sent: {e}");
            }
        }
    }

    struct Context;

    impl trace::Context for Context {
        fn current(&self) -> Option<String> {
            let mut headers = HashMap::new();
            TraceContextPropagator::new().inject_context(&Span::current().context(), &mut headers);
            headers.remove(HEADER)
        }

        fn follow(&self, span: &Span, context: &str) {
            let headers = HashMap::from([(HEADER.to_owned(), context.to_owned())]);
            // A context that cannot be read is left out: the span begins a trace of its own.
            let _ = span.set_parent(TraceContextPropagator::new().extract(&headers));
        }
    }
}
