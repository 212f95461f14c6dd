//! Broadcasts that the daemon accepts a second. Its targets are paused, so that accepting is all it does.

use std::{
    path::Path,
    process::Command,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::Duration,
};

use tempfile::TempDir;

use super::{
    Line, Res, bare,
    child::{Client, Daemon, post},
    median, now, sink,
};

const CONFIG: &str = "targets:\n  a: { kind: http, url: 'http://127.0.0.1:9/a' }\n  \
                      b: { kind: http, url: 'http://127.0.0.1:9/b' }\nroutes: { both: { to: [a, b] } }\n";

/// A hundred bytes.
const PAYLOAD: &str = r#"{"id":"evt_5e1f","type":"user.created","data":{"name":"Ada Lovelace","email":"ada@example.org"}}"#;

/// The same with a schema that payloads have to fit.
const STRICT: &str = "targets:\n  a: { kind: http, url: 'http://127.0.0.1:9/a' }\n  \
                      b: { kind: http, url: 'http://127.0.0.1:9/b' }\nroutes:\n  both:\n    to: [a, b]\n    schema:\n      \
                      type: object\n      required: [id, type, data]\n      properties:\n        \
                      id: { type: string, pattern: '^evt_[0-9a-f]+$' }\n        type: { type: string, maxLength: 64 }\n        \
                      data: { type: object, required: [name, email], properties: { name: { type: string }, email: { type: string } } }\n";

/// A master key, as good as any.
const SEALED: [&str; 2] =
    ["--master-key-command", "echo AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="];

/// Keys of callers, in the folder of the daemon.
const KEYS: [&str; 2] = ["--keys", "keys.json"];

/// What is switched on.
#[derive(Clone, Copy, Default)]
struct On<'c> {
    sealed: bool,
    /// Keys, a schema, and a collector at that address.
    strict: Option<&'c str>,
}

/// At most this share of what bare SQLite does is lost.
const BUDGET: f64 = 0.5;

/// What one period showed.
struct Period {
    a_second: f64,
    /// Microseconds of the daemon's CPU for each.
    cpu_us: f64,
    /// How many went together into a commit.
    group: f64,
}

pub(super) fn measure(quick: bool) -> Res<Vec<Line>> {
    let (rounds, period) =
        if quick { (1, Duration::from_millis(300)) } else { (9, Duration::from_secs(2)) };
    let mut lines = Vec::new();
    for clients in [1, 16, 64] {
        let (mut ratios, mut ours, mut theirs) = (vec![], vec![], vec![]);
        let (mut cpu, mut groups) = (vec![], vec![]);
        for _ in 0..rounds {
            // A new journal each time: what is open would grow without end.
            let folder = TempDir::new()?;
            let seen = accepts(&folder, (clients, On::default()), period)?;
            let group = (seen.group.round() as usize).clamp(1, clients);
            let payload = PAYLOAD.as_bytes();
            let bare = bare::commits(folder.path(), (clients, group), payload, period)?;
            ratios.push(seen.a_second / bare);
            ours.push(seen.a_second);
            theirs.push(bare);
            cpu.push(seen.cpu_us);
            groups.push(seen.group);
        }
        let ratio = median(&mut ratios);
        let plural = if clients == 1 { "" } else { "s" };
        lines.push(Line {
            what: format!("accept, {clients} client{plural}, 2 targets"),
            seen: format!(
                "{:.0} a second, {:.1} in a commit, bare SQLite {:.0}: {ratio:.2}; {:.0} µs of CPU each",
                median(&mut ours),
                median(&mut groups),
                median(&mut theirs),
                median(&mut cpu)
            ),
            budget: "at least 0.50",
            within: Some(ratio >= BUDGET),
        });
    }
    Ok(lines)
}

/// What is switched on beside what is not, one after the other.
pub(super) fn switched_on(quick: bool) -> Res<Vec<Line>> {
    let (rounds, period) =
        if quick { (1, Duration::from_millis(300)) } else { (9, Duration::from_secs(2)) };
    let (clients, collector) = (16, sink::start()?);
    let sealed = On { sealed: true, strict: None };
    let all = On { sealed: true, strict: Some(&collector) };
    let mut lines = Vec::new();
    for (on, says) in [(sealed, "sealed"), (all, "keys, schema, sealed, export")] {
        let (mut ratios, mut cpus, mut again) = (vec![], vec![], vec![]);
        for _ in 0..rounds {
            let of = |on: On<'_>| accepts(&TempDir::new()?, (clients, on), period);
            let (plain, seen, control) = (of(On::default())?, of(on)?, of(On::default())?);
            ratios.push(seen.a_second / plain.a_second);
            cpus.push(seen.cpu_us / plain.cpu_us);
            again.push(control.a_second / plain.a_second);
        }
        lines.push(Line {
            what: format!("the same, {says}, beside nothing of it, {clients} clients"),
            seen: format!(
                "{:.2} of the broadcasts a second, {:.2} of the CPU each; nothing of it beside itself {:.2}",
                median(&mut ratios),
                median(&mut cpus),
                median(&mut again)
            ),
            budget: "none",
            within: None,
        });
    }
    Ok(lines)
}

/// A key that is never short of anything, in the file of that folder.
fn key(folder: &Path) -> Res<String> {
    let made = Command::new(env!("CARGO_BIN_EXE_fanfare"))
        .args(["key", "create", "--name", "bench", "--rate", "1000000", "--in-flight", "1000"])
        .args(KEYS)
        .current_dir(folder)
        .output()?;
    Ok(String::from_utf8(made.stdout)?.trim().to_owned())
}

fn accepts(folder: &TempDir, (clients, on): (usize, On<'_>), period: Duration) -> Res<Period> {
    let (mut args, mut env, mut auth) = (Vec::new(), Vec::new(), String::new());
    if on.sealed {
        args.extend(SEALED);
    }
    if let Some(collector) = on.strict {
        args.extend(KEYS);
        env.push(("OTEL_EXPORTER_OTLP_ENDPOINT", collector.to_owned()));
        auth = format!("authorization: Bearer {}\r\n", key(folder.path())?);
    }
    let config = if on.strict.is_some() { STRICT } else { CONFIG };
    let daemon = Daemon::start_with(folder.path(), config, (&args, &env))?;
    let mut operator = Client::connect(daemon.address)?;
    for target in ["a", "b"] {
        let status = operator.ask(&post(&format!("/v1/targets/{target}/pause"), &auth, ""))?;
        assert_eq!(status, 204, "it is paused");
    }
    let body = format!(r#"{{"route":"both","payload":{PAYLOAD}}}"#);
    let request = post("/v1/broadcasts", &format!("{auth}prefer: respond-async\r\n"), &body);
    let (done, over) = (AtomicU64::new(0), AtomicBool::new(false));
    let mut connections = Vec::new();
    for _ in 0..clients {
        connections.push(Client::connect(daemon.address)?);
    }
    let before = commits(&mut operator, &auth)?;
    let (begun, cpu) = (now(), daemon.cpu()?);
    thread::scope(|scope| {
        for mut client in connections {
            let (done, over, request) = (&done, &over, &request);
            scope.spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    let status = client.ask(request).map_err(|error| error.to_string());
                    assert_eq!(status, Ok(202), "it is accepted");
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        thread::sleep(period);
        over.store(true, Ordering::Relaxed);
    });
    let took = begun.elapsed().as_secs_f64();
    let done = done.load(Ordering::Relaxed) as f64;
    let cpu_us = (daemon.cpu()? - cpu) * 1e6 / done;
    let after = commits(&mut operator, &auth)?;
    Ok(Period { a_second: done / took, cpu_us, group: done / (after - before) })
}

/// How often the journal has committed, as the daemon tells it.
fn commits(operator: &mut Client, auth: &str) -> Res<f64> {
    let request = format!("GET /metrics HTTP/1.1\r\nhost: localhost\r\n{auth}\r\n");
    operator.ask(request.as_bytes())?;
    let text = String::from_utf8_lossy(operator.body());
    let line = text.lines().find(|line| line.starts_with("fanfare_journal_commits_total"));
    let count = line.and_then(|line| line.rsplit(' ').next()?.parse().ok());
    count.ok_or_else(|| "the daemon does not tell its commits".into())
}
