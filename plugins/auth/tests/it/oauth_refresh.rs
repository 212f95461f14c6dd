//! Refresh tokens: the newest one is never lost, and spent once.

use std::{
    fs,
    sync::{Arc, Mutex},
    time::Duration,
};

use fanfare_sdk::{AuthError, Background, Capture, Ready, Timestamp, Wire, Work};
use fanfare_testkit::{Scripted, ScriptedTransport};
use serde_json::json;

use crate::oauth::{Stage, build, error, form, settings, token};

fn refreshing(host: &str, file: &str, first: &str, script: Vec<Scripted>) -> Stage {
    let grant = json!({ "refresh_token": { "token": first, "file": file } });
    Stage::new(host, json!({ "client_secret": "s", "grant": grant }), script)
}

#[tokio::test]
async fn the_newest_refresh_token_is_kept_in_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("crm.refresh");
    let file = path.to_str().expect("UTF-8");
    let rotated = |access: &str, refresh: &str| {
        let body = json!({ "access_token": access, "token_type": "Bearer", "expires_in": 10, "refresh_token": refresh });
        Scripted::status(200).body(body.to_string())
    };
    let sent = |stage: &Stage| -> Vec<_> {
        stage.net.received().iter().map(|request| form(request)[1].1.clone()).collect()
    };
    let script = vec![rotated("a", "second"), token("b", 10), rotated("c", "third")];
    let stage = refreshing("keeps", file, "first", script);
    for secs in [0, 100, 200] {
        stage.ready(secs).await.expect("there is a token");
    }
    // The second reply brought no other one.
    assert_eq!(sent(&stage), ["first", "second", "second"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(&path).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    drop(stage);
    // After a restart.
    let stage = refreshing("keeps", file, "first", vec![error(400, "invalid_grant")]);
    assert_eq!(stage.ready(0).await, Err("invalid_grant! 60000".to_owned()));
    assert_eq!(sent(&stage), ["third"]);
    // Somebody has signed in again.
    let stage = refreshing("keeps", file, "new", vec![token("d", 10)]);
    stage.ready(0).await.expect("there is a token");
    assert_eq!(sent(&stage), ["new"]);
    let names: Vec<_> =
        fs::read_dir(folder.path()).expect("a folder").flatten().map(|e| e.file_name()).collect();
    assert_eq!(names.len(), 2, "nothing else is left beside the lock: {names:?}");
}

#[tokio::test]
async fn a_refresh_token_is_not_spent_where_the_next_one_could_not_be_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x");
    let path = path.to_str().expect("UTF-8");
    let stage = refreshing("nowhere", path, "first", vec![token("a", 10)]);
    folder.close().expect("it goes");
    assert_eq!(stage.ready(0).await, Err("refresh_token_file 200".to_owned()));
    assert_eq!(stage.net.count(), 0);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("f");
    let lock = fs::File::create(folder.path().join("f.lock")).expect("a lock");
    lock.lock().expect("nobody has it");
    let stage = refreshing("busy", path.to_str().expect("UTF-8"), "first", vec![token("a", 10)]);
    assert_eq!(stage.ready(0).await, Err("refresh_token_busy 200".to_owned()));
    drop(lock);
    stage.ready(1).await.expect("there is a token");
    fs::write(&path, "s3cret").expect("it is written");
    assert_eq!(stage.ready(100).await, Err("refresh_token_file 100200".to_owned()));
    // There may be a newer one in what cannot be read.
    #[cfg(unix)]
    {
        fs::remove_file(&path).expect("it is removed");
        std::os::unix::fs::symlink(&path, &path).expect("a link to itself");
        assert_eq!(stage.ready(200).await, Err("refresh_token_file 200400".to_owned()));
    }
}

/// Does everything in place, and keeps what is told to whoever is on call.
#[derive(Debug, Default)]
struct Warned(Mutex<Vec<String>>);

impl Background for Warned {
    fn now(&self) -> Timestamp {
        Timestamp::default()
    }

    fn detach(&self, work: Work, _: Duration) -> Work {
        work
    }

    fn block(&self, work: Box<dyn FnOnce() + Send>) -> Work {
        work();
        Box::pin(std::future::ready(()))
    }

    fn warn(&self, error: &AuthError) {
        let cause = error.source.as_ref().map(ToString::to_string).unwrap_or_default();
        self.0.lock().expect("no panic").push(cause);
    }
}

#[tokio::test]
async fn a_refresh_token_that_cannot_be_kept_is_told_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("f");
    let file = path.to_str().expect("UTF-8").to_owned();
    let grant = json!({ "refresh_token": { "token": "first", "file": file } });
    let written = settings("warned", json!({ "client_secret": "s", "grant": grant }));
    let (there, sent) = (path.clone(), Arc::<Mutex<Vec<String>>>::default());
    let tokens = sent.clone();
    let net = Arc::new(ScriptedTransport::new(move |request| {
        let form: Vec<_> = form_urlencoded::parse(request.body()).into_owned().collect();
        tokens.lock().expect("no panic").push(form[1].1.clone());
        // What is there cannot be replaced by a file.
        if !there.exists() {
            fs::create_dir(&there).expect("a folder");
        }
        let body = json!({ "access_token": "a", "token_type": "Bearer", "expires_in": 0, "refresh_token": "s3cret" });
        Scripted::status(200).body(body.to_string())
    }));
    let (authorizer, warned) = (build(written), Arc::<Warned>::default());
    let ready = || {
        let wire = Wire::new(net.clone()).capturing(Capture::Whole { bytes_max: 1024 });
        Ready::new(Timestamp::default(), [1; 16], wire).on(warned.clone())
    };
    authorizer.ready(ready()).await.expect("there is a token");
    let told = warned.0.lock().expect("no panic").clone();
    let says = "the new refresh token could not be written, and is in memory only: ";
    assert!(
        told.len() == 1 && told[0].starts_with(says) && !told[0].contains("s3cret"),
        "{told:?}"
    );
    // It is written before it is spent.
    fs::remove_dir(&path).expect("it goes");
    authorizer.ready(ready()).await.expect("there is a token");
    assert_eq!(*sent.lock().expect("no panic"), ["first", "s3cret"]);
}
