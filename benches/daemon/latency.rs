//! What `Prefer: wait` adds to a direct call of the slower of two targets.

use std::time::Duration;

use fanfare_testkit::{MockApi, Scripted};
use tempfile::TempDir;

use super::{
    Line, Res,
    child::{Client, Daemon, post},
    median, now,
};

/// How long the slower one takes.
const SLOW: Duration = Duration::from_millis(20);

pub(super) fn measure(quick: bool) -> Res<Vec<Line>> {
    let rounds = if quick { 20 } else { 500 };
    let runtime = tokio::runtime::Runtime::new()?;
    let ok = || Scripted::status(200);
    let apis = runtime
        .block_on(async { (MockApi::start(ok().after(SLOW)).await, MockApi::start(ok()).await) });
    let folder = TempDir::new()?;
    let config = format!(
        "targets:\n  slow: {{ kind: http, url: '{}' }}\n  fast: {{ kind: http, url: '{}' }}\nroutes: {{ both: {{ to: [slow, fast] }} }}\n",
        apis.0.url("/"),
        apis.1.url("/")
    );
    let daemon = Daemon::start(folder.path(), &config)?;
    let mut through = Client::connect(daemon.address)?;
    let mut direct = Client::connect(apis.0.address())?;
    let body = r#"{"route":"both","payload":{"a":1}}"#;
    let waiting = post("/v1/broadcasts", "prefer: wait=10\r\n", body);
    let call = post("/", "", r#"{"a":1}"#);
    let (mut added, mut ours, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds + 5 {
        let timed = |client: &mut Client, request: &[u8]| {
            let begun = now();
            let status = client.ask(request)?;
            assert_eq!(status, 200, "it is answered");
            Res::Ok(begun.elapsed().as_secs_f64() * 1e3)
        };
        let (one, other) = (timed(&mut direct, &call)?, timed(&mut through, &waiting)?);
        // The first ones open connections.
        if round >= 5 {
            added.push(other - one);
            ours.push(other);
            theirs.push(one);
        }
    }
    let middle = median(&mut added);
    let p99 = added[added.len() * 99 / 100];
    Ok(vec![Line {
        what: "`Prefer: wait`, 2 targets, the slower one takes 20 ms".to_owned(),
        seen: format!(
            "{:.2} ms, a direct call {:.2} ms: {middle:.2} ms more, {p99:.2} ms at p99",
            median(&mut ours),
            median(&mut theirs)
        ),
        budget: "",
        within: None,
    }])
}
