//! What the environment asks for: `OTEL_*`, as the specification of OpenTelemetry names them.

use std::time::Duration;

use fanfare_sdk::check;
use opentelemetry_sdk::trace::Sampler;

/// Of the specification, for one export.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What the environment asks for.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    /// None where no spans are to be exported.
    pub(super) traces: Option<Signal>,
    /// None where no metrics are to be exported.
    pub(super) metrics: Option<Signal>,
    /// Which traces are exported.
    pub(super) sampler: Sampler,
    /// What cannot be done, a line each.
    pub(super) wrong: Vec<String>,
}

/// Where a signal goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Signal {
    /// The collector, without the path: that may be a secret.
    pub(super) shown: String,
    /// How long one export may take.
    pub(super) timeout: Duration,
}

/// Reads variables; an empty one is not set.
struct Env<'a>(&'a dyn Fn(&str) -> Option<String>);

impl Settings {
    /// Reads the variables.
    pub(super) fn read(var: &dyn Fn(&str) -> Option<String>) -> Self {
        let (env, mut wrong) = (Env(var), Vec::new());
        if env.get("OTEL_SDK_DISABLED").is_some_and(|it| it.eq_ignore_ascii_case("true")) {
            let sampler = Sampler::AlwaysOff;
            return Self { traces: None, metrics: None, sampler, wrong };
        }
        let mut signal = |name| match env.signal(name) {
            Ok(signal) => signal,
            Err(says) => {
                wrong.push(says);
                None
            }
        };
        let (traces, metrics) = (signal("TRACES"), signal("METRICS"));
        wrong.dedup();
        let sampler = env.sampler().unwrap_or_else(|says| {
            wrong.extend(traces.is_some().then_some(says));
            Sampler::ParentBased(Box::new(Sampler::AlwaysOn))
        });
        Self { traces, metrics, sampler, wrong }
    }
}

impl Env<'_> {
    fn get(&self, name: &str) -> Option<String> {
        (self.0)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    /// The variable of the signal, or the one for all signals; with its name.
    fn of(&self, signal: &str, rest: &str) -> Option<(String, String)> {
        let names =
            [format!("OTEL_EXPORTER_OTLP_{signal}_{rest}"), format!("OTEL_EXPORTER_OTLP_{rest}")];
        names.into_iter().find_map(|name| Some((self.get(&name)?, name)))
    }

    fn signal(&self, signal: &str) -> Result<Option<Signal>, String> {
        let Some((endpoint, variable)) = self.of(signal, "ENDPOINT") else { return Ok(None) };
        let exporter = format!("OTEL_{signal}_EXPORTER");
        match self.get(&exporter).as_deref() {
            None | Some("otlp") => {}
            Some("none") => return Ok(None),
            Some(other) => {
                return Err(format!("`{exporter}` is {other:?}: only otlp and none are known"));
            }
        }
        if let Some((protocol, variable)) = self.of(signal, "PROTOCOL")
            && protocol != "http/protobuf"
        {
            return Err(format!("`{variable}` is {protocol:?}: only http/protobuf is spoken"));
        }
        let uri = endpoint.parse::<http::Uri>().ok();
        let spoken = |uri: &http::Uri| ["http", "https"].contains(&uri.scheme_str().unwrap_or(""));
        if !uri.as_ref().is_some_and(spoken) {
            return Err(format!("`{variable}` is no URL like http://localhost:4318"));
        }
        let millis = self.of(signal, "TIMEOUT").and_then(|(millis, _)| millis.parse().ok());
        let timeout = millis.map_or(TIMEOUT, Duration::from_millis);
        Ok(Some(Signal { shown: check::masked_url(&endpoint), timeout }))
    }

    fn sampler(&self) -> Result<Sampler, String> {
        let parent_based = |root| Sampler::ParentBased(Box::new(root));
        let name = self.get("OTEL_TRACES_SAMPLER");
        Ok(match name.as_deref() {
            None | Some("parentbased_always_on") => parent_based(Sampler::AlwaysOn),
            Some("parentbased_always_off") => parent_based(Sampler::AlwaysOff),
            Some("parentbased_traceidratio") => parent_based(self.ratio()?),
            Some("always_on") => Sampler::AlwaysOn,
            Some("always_off") => Sampler::AlwaysOff,
            Some("traceidratio") => self.ratio()?,
            Some(other) => {
                return Err(format!("`OTEL_TRACES_SAMPLER` is {other:?}, which is not known"));
            }
        })
    }

    fn ratio(&self) -> Result<Sampler, String> {
        let Some(text) = self.get("OTEL_TRACES_SAMPLER_ARG") else {
            return Ok(Sampler::TraceIdRatioBased(1.0));
        };
        match text.parse::<f64>() {
            Ok(ratio) if (0.0..=1.0).contains(&ratio) => Ok(Sampler::TraceIdRatioBased(ratio)),
            Ok(_) | Err(_) => Err("`OTEL_TRACES_SAMPLER_ARG` is no number from 0 to 1".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Settings, Signal};

    #[track_caller]
    fn check(env: &[(&str, &str)], expected: &str) {
        let var = |name: &str| {
            env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        let Settings { traces, metrics, wrong, .. } = Settings::read(&var);
        let to = |signal: Option<Signal>| {
            signal.map_or("-".to_owned(), |it| format!("{} {:?}", it.shown, it.timeout))
        };
        let text = [to(traces), to(metrics)].into_iter().chain(wrong).collect::<Vec<_>>();
        assert_eq!(text.join("; "), expected, "{env:?}");
    }

    const BASE: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4318");

    #[test]
    fn nothing_is_exported_unless_asked_for() {
        check(&[], "-; -");
        check(&[("OTEL_SERVICE_NAME", "x"), ("OTEL_TRACES_EXPORTER", "otlp")], "-; -");
        check(&[("OTEL_EXPORTER_OTLP_ENDPOINT", " ")], "-; -");
        check(&[BASE, ("OTEL_SDK_DISABLED", "TRUE")], "-; -");
        check(&[BASE, ("OTEL_TRACES_EXPORTER", "none"), ("OTEL_METRICS_EXPORTER", "none")], "-; -");
    }

    #[test]
    fn each_signal_has_its_own_variables() {
        let both = "http://localhost:4318/… 10s; http://localhost:4318/… 10s";
        check(&[BASE], both);
        check(&[BASE, ("OTEL_SDK_DISABLED", "false")], both);
        check(&[BASE, ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")], both);
        check(&[BASE, ("OTEL_METRICS_EXPORTER", "none")], "http://localhost:4318/… 10s; -");
        let key =
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://me:pw@otlp.example/key/v1/traces");
        check(&[key], "https://otlp.example/… 10s; -");
        let times =
            [("OTEL_EXPORTER_OTLP_TIMEOUT", "500"), ("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "70")];
        check(
            &[BASE, times[0], times[1]],
            "http://localhost:4318/… 500ms; http://localhost:4318/… 70ms",
        );
    }

    #[test]
    fn what_cannot_be_done_is_said_once() {
        let grpc = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
        let says = "`OTEL_EXPORTER_OTLP_PROTOCOL` is \"grpc\": only http/protobuf is spoken";
        check(&[BASE, grpc], &format!("-; -; {says}"));
        check(
            &[BASE, ("OTEL_TRACES_EXPORTER", "zipkin")],
            "-; http://localhost:4318/… 10s; `OTEL_TRACES_EXPORTER` is \"zipkin\": only otlp and none are known",
        );
        check(
            &[("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318")],
            "-; -; `OTEL_EXPORTER_OTLP_ENDPOINT` is no URL like http://localhost:4318",
        );
    }

    #[track_caller]
    fn sampler(name: &str, arg: &str, expected: &str) {
        let env = [BASE, ("OTEL_TRACES_SAMPLER", name), ("OTEL_TRACES_SAMPLER_ARG", arg)];
        let var = |name: &str| {
            env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        let settings = Settings::read(&var);
        let text = format!("{:?}", settings.sampler);
        assert_eq!(settings.wrong.first().unwrap_or(&text), expected, "{name} {arg}");
    }

    #[test]
    fn samplers_have_their_standard_names() {
        sampler("", "", "ParentBased(AlwaysOn)");
        sampler("always_on", "", "AlwaysOn");
        sampler("always_off", "", "AlwaysOff");
        sampler("parentbased_always_off", "", "ParentBased(AlwaysOff)");
        sampler("traceidratio", "0.25", "TraceIdRatioBased(0.25)");
        sampler("parentbased_traceidratio", "", "ParentBased(TraceIdRatioBased(1.0))");
        sampler("traceidratio", "2", "`OTEL_TRACES_SAMPLER_ARG` is no number from 0 to 1");
        sampler(
            "jaeger_remote",
            "",
            "`OTEL_TRACES_SAMPLER` is \"jaeger_remote\", which is not known",
        );
    }
}
