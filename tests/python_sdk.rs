//! Zenlayer's own Python SDK can use the sandbox.
//!
//! `ZENREAPER_TEST_PYTHON` names a Python with `tests/python_sdk/requirements.txt` installed.

use std::env;
use std::path::Path;
use std::process::Command;

use zenreaper::clock;
use zenreaper::sandbox::{Options, Sandbox, fleet};

#[tokio::test(flavor = "multi_thread")]
async fn the_official_python_sdk_can_use_the_sandbox() {
    let Some(python) = env::var_os("ZENREAPER_TEST_PYTHON") else {
        eprintln!("SKIPPED: ZENREAPER_TEST_PYTHON names no Python with the SDK installed");
        return;
    };
    let options = Options { machines: fleet::demo(clock::now()), ..Options::default() };
    let sandbox = Sandbox::start(options).await.expect("the sandbox starts");
    let check = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python_sdk/check.py");
    let output = Command::new(python)
        .arg(check)
        .arg(sandbox.endpoint())
        .env("NO_PROXY", "127.0.0.1")
        .env_remove("http_proxy")
        .env_remove("HTTP_PROXY")
        .output()
        .expect("the Python starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    assert_eq!(output.stdout, b"ok\n", "{stderr}");
}
