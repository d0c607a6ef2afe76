//! What other runs left for `node_exporter` beside the file of ours.

use std::{collections::BTreeSet, fs, path::Path};

use super::make::PREFIX;

/// The largest file of metrics that is looked at, in bytes.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// Returns the accounts of `ours` that another file in the folder of `file` has too. `node_exporter` drops one of two equal series
/// without a word, so that an alarm of the one could be hidden by the other. A file of the same config, under an older name, counts
/// too. What cannot be read does not: `node_exporter` would say so.
#[must_use]
pub fn shared_accounts<'a>(
    file: &Path,
    ours: impl Iterator<Item = &'a str> + Clone,
) -> BTreeSet<String> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let entries = fs::read_dir(folder.unwrap_or(Path::new("."))).into_iter().flatten().flatten();
    let others = entries.filter(|entry| Some(&*entry.file_name()) != file.file_name());
    let others = others.map(|entry| entry.path()).filter(|path| {
        path.extension().is_some_and(|extension| extension == "prom")
            && fs::metadata(path)
                .is_ok_and(|about| about.is_file() && about.len() <= FILE_BYTES_MAX)
    });
    let texts: Vec<_> = others.filter_map(|path| fs::read_to_string(path).ok()).collect();
    let has = |account: &&str| {
        let label = format!("account=\"{account}\"");
        let is_its = |line: &str| line.starts_with(PREFIX) && line.contains(&label);
        texts.iter().any(|text| text.lines().any(is_its))
    };
    ours.filter(has).map(str::to_owned).collect()
}
