#!/usr/bin/env bash
# reqwest 0.13.5 (crate): the text of an error names the URL with its query, and leaves out the
# cause.
#
# A good engineer would guess that the text of a failed connection says "connection refused". A
# query may hold a secret, and would be left out. Instead, the text has the query, and the cause is
# only in `source()`, three levels down. `without_url()` removes the URL.
#
# Why it matters: an on-call engineer reads a log line without a reason. A notice or log that
# contains the error can contain a key that the API takes in the query.
#
# Output seen:
#   error sending request for url (http://127.0.0.1:PORT/list?key=example)
#     source: client error (Connect)
#     source: tcp connect error
#     source: Connection refused (os error 111)
#   error sending request
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf -- "$dir"' EXIT
cd "$dir"

mkdir src
cat >Cargo.toml <<'EOF'
[package]
name = "finding"
version = "0.0.0"
edition = "2024"

[dependencies]
reqwest = { version = "=0.13.5", default-features = false }
tokio = { version = "=1.54.1", default-features = false, features = ["macros", "rt-multi-thread"] }
EOF
cat >src/main.rs <<'EOF'
use std::{error::Error, net::TcpListener};

#[tokio::main]
async fn main() {
    // Nobody listens on the port after the listener is dropped.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let call = client.get(format!("http://{address}/list?key=example"));
    let error = call.send().await.unwrap_err();
    println!("{}", error.to_string().replace(&address.to_string(), "127.0.0.1:PORT"));
    let mut cause: Option<&dyn Error> = error.source();
    while let Some(error) = cause {
        println!("  source: {error}");
        cause = error.source();
    }
    println!("{}", error.without_url());
}
EOF
cargo run --quiet >actual

cat >expected <<'EOF'
error sending request for url (http://127.0.0.1:PORT/list?key=example)
  source: client error (Connect)
  source: tcp connect error
  source: Connection refused (os error 111)
error sending request
EOF
diff -u expected actual
cat actual
