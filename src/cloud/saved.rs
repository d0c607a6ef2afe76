//! A listing in a file: the `response` of `DescribeInstances` for the whole account, each entry in the API's own words.
//!
//! It is the API's form and none of ours, so that what came by other ways (curl, the vendor's CLI, with its envelope or without)
//! is read too. A saved listing goes through the same reader and must add up as a live one must: there is no second way to make
//! an [`Inventory`]. The form tells no time; whoever reads it says as of when.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use serde_json::value::RawValue;

use super::{
    answer::{bounded, envelope},
    wire,
};
use crate::{
    inventory::{Incomplete, InstanceId, Interner, Inventory, Listing},
    lifetime::shorten,
};

/// The largest saved listing, in bytes; one of 100,000 machines has a third of it.
const BYTES_MAX: u64 = 256 << 20;

/// The most bytes that stand around an entry: a comma and the end of a line.
const AROUND: u64 = 2;

/// The most bytes that stand around all of them.
const FRAME_MAX: u64 = 64;

/// Why a saved listing cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the saved inventory {} cannot be used: {problem}", path.display())]
pub struct Error {
    path: PathBuf,
    problem: Problem,
}

/// What is wrong with a saved listing.
#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("{0}")]
    Unread(#[from] io::Error),
    #[error("it is larger than {BYTES_MAX} bytes")]
    TooLarge,
    #[error("it is not JSON: {0}; expected what `zenreaper inventory --out FILE` writes")]
    NotJson(String),
    #[error(
        "it is no listing: {0}; expected {{\"totalCount\": ..., \"dataSet\": [...]}}, as `zenreaper inventory --out FILE` writes it"
    )]
    NoListing(String),
    #[error("it is an answer that failed, with the code {0}; save the inventory again")]
    Failed(String),
    #[error("{0}; save it again, whole, by `zenreaper inventory --out FILE`")]
    Incomplete(#[from] Incomplete),
}

/// Reads a saved listing.
pub fn read(path: &Path) -> Result<Inventory, Error> {
    let read = text(path).and_then(|text| parse(&text));
    read.map_err(|problem| Error { path: path.to_owned(), problem })
}

fn text(path: &Path) -> Result<Vec<u8>, Problem> {
    let mut text = Vec::new();
    File::open(path)?.take(BYTES_MAX + 1).read_to_end(&mut text)?;
    if text.len() as u64 > BYTES_MAX { Err(Problem::TooLarge) } else { Ok(text) }
}

fn parse(text: &[u8]) -> Result<Inventory, Problem> {
    let whole: &RawValue = serde_json::from_slice(text)
        .map_err(|error| Problem::NotJson(bounded(&error.to_string())))?;
    if !whole.get().starts_with('{') {
        return Err(Problem::NoListing("it is not an object".to_owned()));
    }
    let envelope = envelope(text).map_err(|error| Problem::NoListing(bounded(&error)))?;
    if let Some(code) = envelope.code.filter(|code| !code.is_empty()) {
        return Err(Problem::Failed(shorten(&code)));
    }
    let response = envelope.response.unwrap_or(whole);
    let page = wire::page(response, &mut Interner::default()).map_err(Problem::NoListing)?;
    let mut listing = Listing::default();
    listing.add(page);
    Ok(listing.finish()?)
}

/// The entries of a listing in the cloud's own words, readable or not.
#[derive(Debug, Default)]
pub struct Entries {
    entries: Vec<(InstanceId, Box<str>)>,
    bytes: u64,
}

impl Entries {
    /// Keeps an entry; beyond what may be saved it is only counted, which [`Entries::write`] refuses.
    pub(super) fn keep(&mut self, id: &InstanceId, entry: &str) {
        let entry = wire::compact(entry);
        self.bytes += entry.len() as u64 + AROUND;
        if self.fits() {
            self.entries.push((id.clone(), entry));
        }
    }

    /// Puts them in the order of the ids.
    pub(super) fn sort(&mut self) {
        self.entries.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    }

    fn fits(&self) -> bool {
        self.bytes + FRAME_MAX <= BYTES_MAX
    }

    /// Writes the saved form, one entry a line so that two of them can be compared.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        if !self.fits() {
            let problem = format!("the listing is larger than {BYTES_MAX} bytes");
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, problem));
        }
        write!(out, "{{\"totalCount\":{},\"dataSet\":[", self.entries.len())?;
        for (n, (_, entry)) in self.entries.iter().enumerate() {
            write!(out, "{}\n{entry}", if n == 0 { "" } else { "," })?;
        }
        writeln!(out, "\n]}}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(entries: &[(&str, &str)]) -> String {
        let mut kept = Entries::default();
        for (id, entry) in entries {
            kept.keep(&InstanceId::new(id), entry);
        }
        kept.sort();
        let mut out = Vec::new();
        kept.write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_is_saved_is_what_came_in_the_order_of_the_ids() {
        let saved = kept(&[
            ("i-2", r#"{ "instanceId": "i-2", "instanceName": 5, "new": 1.50 }"#),
            ("i-1", r#"{ "instanceId": "i-1", "instanceName": "a \" b" }"#),
        ]);
        expect_test::expect![[r#"
            {"totalCount":2,"dataSet":[
            {"instanceId":"i-1","instanceName":"a \" b"},
            {"instanceId":"i-2","instanceName":5,"new":1.50}
            ]}
        "#]]
        .assert_eq(&saved);
        let inventory = parse(saved.as_bytes()).unwrap();
        assert_eq!(inventory.instances()[0].name.as_deref(), Some("a \" b"));
        assert_eq!(inventory.unreadable()[0].id.as_str(), "i-2");
    }

    #[test]
    fn an_empty_account_is_saved_and_read_back() {
        assert!(parse(kept(&[]).as_bytes()).unwrap().is_empty());
    }

    #[test]
    fn what_could_not_be_read_back_is_not_kept_and_not_written() {
        let mut kept = Entries { bytes: BYTES_MAX - FRAME_MAX - 3, ..Entries::default() };
        kept.keep(&InstanceId::new("i"), "{}");
        assert!(kept.entries.is_empty());
        assert!(kept.write(&mut Vec::new()).unwrap_err().to_string().contains("larger than"));
    }

    #[test]
    fn a_file_that_is_no_whole_listing_is_refused_with_what_is_wrong() {
        for (text, expected) in [
            ("", "it is not JSON"),
            (r#"{"totalCount":1,"dataSet":[{"instanceId":"i"#, "it is not JSON"),
            ("\u{feff}{}", "it is not JSON"),
            ("[1, []]", "it is no listing: it is not an object"),
            ("5", "it is no listing: it is not an object"),
            ("{}", "missing field `totalCount`"),
            (r#"{"response":5}"#, "it is no listing"),
            (r#"{"response":null}"#, "missing field `totalCount`"),
            (r#"{"totalCount":1,"totalCount":0}"#, "duplicate field `totalCount`"),
            (r#"{"totalCount":1,"dataSet":[{}]}"#, "without a readable id"),
            (r#"{"code":"AUTHFAILURE","message":"m"}"#, "failed, with the code AUTHFAILURE"),
            (
                r#"{"totalCount":2,"dataSet":[{"instanceId":"i"}]}"#,
                "promises 2 instances and holds 1",
            ),
            (
                r#"{"totalCount":2,"dataSet":[{"instanceId":"i"},{"instanceId":"i"}]}"#,
                "instance i is listed twice",
            ),
        ] {
            let problem = parse(text.as_bytes()).unwrap_err().to_string();
            assert!(problem.contains(expected), "{text}: {problem}");
        }
        assert!(matches!(parse(b"\"\xff\""), Err(Problem::NotJson(_))));
    }

    #[test]
    fn an_answer_is_read_with_its_envelope_or_without() {
        let response = r#"{"requestId":"r","totalCount":1,"dataSet":[{"instanceId":"i"}]}"#;
        for text in [response.to_owned(), format!(r#" {{"requestId":"r","response":{response}}} "#)]
        {
            assert_eq!(parse(text.as_bytes()).unwrap().len(), 1, "{text}");
        }
    }
}
