//! The requests of RFC 9421 appendix B: the text that is signed, and signatures where they are always the same.

use std::time::Duration;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PSS_2048_8192_SHA512, UnparsedPublicKey, VerificationAlgorithm,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use fanfare_sdk::{Authorizer, Call, Stamp, Timestamp, check};
use futures_util::FutureExt;
use http::{HeaderName, Request};
use rustls_pki_types::{SubjectPublicKeyInfoDer, pem::PemObject};
use serde_json::{Value, json};

use super::MessageSigner;

const VECTORS: &str = include_str!("../../tests/vectors/rfc9421.json");

fn request(text: &str) -> Request<Bytes> {
    let (head, body) = text.split_once("\n\n").expect("there is a body");
    let mut lines = head.lines();
    assert_eq!(lines.next(), Some("POST /foo?param=Value&Pet=dog HTTP/1.1"));
    let uri = "https://example.com/foo?param=Value&Pet=dog";
    let body = Bytes::copy_from_slice(body.as_bytes());
    let mut request = Request::post(uri).body(body).expect("it is right");
    for (name, value) in lines.filter_map(|line| line.split_once(": ")).skip(1) {
        let name: HeaderName = name.parse().expect("it is a name");
        request.headers_mut().append(name, value.parse().expect("it is a value"));
    }
    request
}

fn parameter(input: &str, name: &str) -> Option<String> {
    let found = input.split(';').find_map(|it| it.strip_prefix(name)?.strip_prefix('='));
    found.map(|it| it.trim_matches('"').to_owned())
}

#[track_caller]
fn check(vectors: &Value, case: &Value) {
    let text = |key: &str| case[key].as_str().expect("it is text").to_owned();
    let keys = vectors["keys"].as_array().expect("there are keys");
    let key = keys.iter().find(|key| key["keyid"] == case["keyid"]).expect("it is there");
    let input = text("signature_input");
    let list = input.split_once('(').expect("a list").1.split_once(");created").expect("it ends").0;
    let components: Vec<_> =
        list.split(' ').filter(|it| !it.is_empty()).map(|it| it.replacen('"', "", 2)).collect();
    let mut settings = json!({
        "algorithm": case["algorithm"], "key": key["private"], "key_id": case["keyid"],
        "label": case["label"], "components": components,
    });
    if let Some(tag) = parameter(&input, "tag") {
        settings["tag"] = json!(tag);
    }
    let settings = check::settings(settings).expect("the settings have their form");
    let signer = MessageSigner::try_new(&settings).expect("the settings are right");
    let now = Timestamp::from_secs(1_618_884_473);
    let call = Call::new("a".into(), "k".into(), now, Duration::ZERO);
    let mut request = request(vectors["message"].as_str().expect("it is text"));
    let parameters = signer.parameters(&call).expect("they are written");
    let base = signer.base(&parameters, &request).expect("all of it is there");
    let nonce =
        parameter(&input, "nonce").map_or_else(String::new, |it| format!(";nonce=\"{it}\""));
    assert_eq!(base, text("signature_base").replace(&nonce, ""), "{}", text("id"));
    let done = signer.authorize(Stamp::default(), &call, &mut request).now_or_never();
    done.expect("it does not wait").expect("it signs");
    let header = |name: &str| request.headers()[name].to_str().expect("ASCII").to_owned();
    assert_eq!(header("signature-input"), input.replace(&nonce, ""));
    if case["deterministic"] == true {
        assert_eq!(header("signature"), text("signature"));
        return;
    }
    // Theirs, over their text with the nonce, and ours.
    for (base, signature) in
        [(text("signature_base"), text("signature")), (base, header("signature"))]
    {
        verify(key, &RSA_PSS_2048_8192_SHA512, &base, &signature);
    }
}

/// Verifies a signature as it stands in its header, and says of how many bytes it is.
#[track_caller]
fn verify(
    key: &Value,
    algorithm: &'static dyn VerificationAlgorithm,
    base: &str,
    signature: &str,
) -> usize {
    let public = key["public"].as_str().expect("it is text").as_bytes();
    let public = SubjectPublicKeyInfoDer::from_pem_slice(public).expect("it is a key");
    let signature = signature.split_once("=:").expect("bytes").1.trim_end_matches(':');
    let signature = BASE64_STANDARD.decode(signature).expect("it is base64");
    let public = UnparsedPublicKey::new(algorithm, public);
    public.verify(base.as_bytes(), &signature).expect("it is right");
    signature.len()
}

/// No request of appendix B is signed by ECDSA, but a response is: what verifies that one verifies ours.
#[test]
fn a_signature_by_ecdsa_is_of_two_numbers_of_32_bytes() {
    let vectors: Value = serde_json::from_str(VECTORS).expect("it is JSON");
    let theirs = &vectors["response"];
    let text = |key: &str| theirs[key].as_str().expect("it is text");
    let keys = vectors["keys"].as_array().expect("there are keys");
    let key = keys.iter().find(|key| key["keyid"] == theirs["keyid"]).expect("it is there");
    let verify =
        |base: &str, signature: &str| verify(key, &ECDSA_P256_SHA256_FIXED, base, signature);
    assert_eq!(verify(text("signature_base"), text("signature")), 64);
    let settings = json!({
        "algorithm": theirs["algorithm"], "key": key["private"], "key_id": theirs["keyid"],
        "components": ["@method", "content-digest"],
    });
    let settings = check::settings(settings).expect("the settings have their form");
    let signer = MessageSigner::try_new(&settings).expect("the settings are right");
    let now = Timestamp::from_secs(1_618_884_473);
    let call = Call::new("a".into(), "k".into(), now, Duration::ZERO);
    let mut request = request(vectors["message"].as_str().expect("it is text"));
    let parameters = signer.parameters(&call).expect("they are written");
    let base = signer.base(&parameters, &request).expect("all of it is there");
    let done = signer.authorize(Stamp::default(), &call, &mut request).now_or_never();
    done.expect("it does not wait").expect("it signs");
    let signature = request.headers()["signature"].to_str().expect("ASCII");
    assert_eq!(verify(&base, signature), 64);
}

#[test]
fn signatures_are_those_of_the_standard() {
    let vectors: Value = serde_json::from_str(VECTORS).expect("it is JSON");
    let cases = vectors["cases"].as_array().expect("there are cases");
    assert_eq!(cases.len(), 5);
    cases.iter().for_each(|case| check(&vectors, case));
}
