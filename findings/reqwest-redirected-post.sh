#!/usr/bin/env bash
# reqwest 0.13.5 (crate): the default client answers a 301 or 302 of a POST with a GET without the
# body. `Referer` names the first URL with its query.
#
# A good engineer would guess that a client of an API repeats the POST, or returns the 302. Instead,
# the call ends with the status of the GET. With 307 the POST is repeated with its body. The default
# client of curl does not follow redirects, and with `-L` it sends no `Referer`.
#
# Why it matters: after a provider moves its API, the call that terminates a server fetches some
# page, gets 200, and counts as accepted. Nothing was terminated. `redirect::Policy::none()` avoids
# all of this.
#
# Output seen:
#   301: the caller sees 200 OK
#     POST /old?page=7 HTTP/1.1, body: true, referer: false
#     GET /new HTTP/1.1, body: false, referer: true
#   302: the caller sees 200 OK
#     POST /old?page=7 HTTP/1.1, body: true, referer: false
#     GET /new HTTP/1.1, body: false, referer: true
#   307: the caller sees 200 OK
#     POST /old?page=7 HTTP/1.1, body: true, referer: false
#     POST /new HTTP/1.1, body: true, referer: true
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
use std::{io::{Read, Write}, net::TcpListener, thread};

/// Answers two requests, the first with a redirect, and returns them without the `Host` line.
fn serve(listener: TcpListener, status: u16) -> Vec<String> {
    let head = "Content-Length: 0\r\nConnection: close\r\n\r\n";
    let redirect = format!("HTTP/1.1 {status} Moved\r\nLocation: /new\r\n{head}");
    let answers = [redirect, format!("HTTP/1.1 200 OK\r\n{head}")];
    answers.iter().map(|answer| {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        let mut buffer = [0; 4096];
        // A request is complete with its head, and its body if it has one.
        loop {
            let read = stream.read(&mut buffer).unwrap();
            request.extend_from_slice(&buffer[..read]);
            let text = String::from_utf8_lossy(&request);
            let has_body = text.to_ascii_lowercase().contains("content-length");
            if text.ends_with("stop=i-1") || text.ends_with("\r\n\r\n") && !has_body {
                break;
            }
        }
        stream.write_all(answer.as_bytes()).unwrap();
        String::from_utf8(request).unwrap()
    }).collect()
}

#[tokio::main]
async fn main() {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for status in [301, 302, 307] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let server = thread::spawn(move || serve(listener, status));
        let call = client.post(format!("{base}/old?page=7")).body("stop=i-1");
        let answer = call.send().await.unwrap();
        println!("{status}: the caller sees {}", answer.status());
        for request in server.join().unwrap() {
            let first = request.lines().next().unwrap();
            let referer = request.contains("/old?page=7\r\n");
            println!("  {first}, body: {}, referer: {referer}", request.ends_with("stop=i-1"));
        }
    }
}
EOF
cargo run --quiet >actual

cat >expected <<'EOF'
301: the caller sees 200 OK
  POST /old?page=7 HTTP/1.1, body: true, referer: false
  GET /new HTTP/1.1, body: false, referer: true
302: the caller sees 200 OK
  POST /old?page=7 HTTP/1.1, body: true, referer: false
  GET /new HTTP/1.1, body: false, referer: true
307: the caller sees 200 OK
  POST /old?page=7 HTTP/1.1, body: true, referer: false
  POST /new HTTP/1.1, body: true, referer: true
EOF
diff -u expected actual
cat actual
