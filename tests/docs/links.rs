//! Where the pages point to.

use std::path::{Component, Path, PathBuf};

use regex::Regex;

use crate::document::{Document, in_repository};

/// A path without `.` and `..`.
fn straight(path: &Path) -> PathBuf {
    let mut straight = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => assert!(straight.pop(), "{} leaves the source", path.display()),
            Component::CurDir => {}
            Component::Normal(_) | Component::RootDir | Component::Prefix(_) => straight.push(part),
        }
    }
    straight
}

#[test]
fn every_link_points_at_a_file_and_an_anchor_that_are_there() {
    let link = Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    let mut count = 0;
    for page in Document::all() {
        let folder = Path::new(&page.path).parent().unwrap();
        for (n, line) in page.prose() {
            for target in link.captures_iter(line).map(|found| found.get(1).unwrap().as_str()) {
                if target.contains("://") {
                    continue;
                }
                let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
                let file = match file {
                    "" => PathBuf::from(&page.path),
                    file => straight(&folder.join(file)),
                };
                let place = format!("{}:{n}: {target}", page.path);
                assert!(in_repository(file.to_str().unwrap()).exists(), "{place}: no such file");
                if !anchor.is_empty() {
                    let anchors = Document::read(file.to_str().unwrap()).anchors();
                    assert!(anchors.iter().any(|one| one == anchor), "{place}: no such heading");
                }
                count += 1;
            }
        }
    }
    assert!(count >= 60, "only {count} links");
}
