//! The same files by the program and on a socket: what a mock has judged in memory is what leaves.

use std::{
    fs,
    process::{Command, Output, Stdio},
};

use fanfare::wire::Report;
use fanfare_testkit::MockApi;
use http::Uri;

use super::{
    ask::Ask,
    files::all,
    stage::{Example, told},
    standins::VARIABLES,
};

/// Where the file says that the API is: `https://` and a host.
fn origins(text: &str) -> Vec<String> {
    let values = text.lines().filter_map(|line| line.split('#').next());
    let origin = |value: &str| {
        let rest = value.split("https://").nth(1)?;
        let end = rest.find(['/', '"', ' ']).unwrap_or(rest.len());
        Some(format!("https://{}", &rest[..end]))
    };
    let places = ["url: ", "api: "];
    let told = |line: &&str| places.iter().any(|place| line.contains(place));
    values.filter(told).filter_map(origin).collect()
}

/// Sends it to a socket. The host is the only thing that is not as it stands in the file.
async fn send(example: &Example) -> Output {
    let origin = origins(&example.text()).remove(0);
    let (mock, shown) = ((example.mock)(), resolved(&origin));
    let api = MockApi::answering(move |request| {
        let mut request = request.clone();
        *request.uri_mut() = format!("{shown}{}", request.uri()).parse::<Uri>().unwrap();
        mock(&Ask(&request))
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let text = example.text().replace(&origin, &format!("http://{}", api.address()));
    fs::write(folder.path().join("f.yaml"), &text).unwrap();
    let route = text.lines().skip_while(|line| *line != "routes:").nth(1).unwrap();
    let route = route.trim().split(':').next().unwrap().to_owned();
    let mut command = Command::new(env!("CARGO_BIN_EXE_fanfare"));
    command
        .args(["send", &example.payload.to_string(), "--config", "f.yaml", "--route", &route])
        .args(["--output", "json"])
        .current_dir(folder.path())
        .envs(VARIABLES)
        .stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    api.stop().await;
    output
}

/// With the variables in it.
fn resolved(origin: &str) -> String {
    VARIABLES.iter().fold(origin.to_owned(), |origin, (name, value)| {
        origin.replace(&format!("${{env:{name}}}"), value)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn each_is_understood_on_a_socket() {
    for example in all() {
        let output = send(&example).await;
        let [out, err] = [&output.stdout, &output.stderr].map(|it| String::from_utf8_lossy(it));
        assert_eq!(output.status.code(), Some(0), "{}: {err}", example.file);
        let report: Report = serde_json::from_str(&out).unwrap();
        assert_eq!(told(report), example.expected, "{}", example.file);
        for (name, value) in
            VARIABLES.iter().filter(|it| it.0.contains("KEY") || it.0.contains("TOKEN"))
        {
            assert!(
                !out.contains(value) && !err.contains(value),
                "{}: {name} is told",
                example.file
            );
        }
    }
}
