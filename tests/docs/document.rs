//! Pages: their blocks, their prose, their headings and their tables.

use std::{fs, ops::Range, path::Path};

/// A page.
pub(crate) struct Document {
    /// Its path in the repository.
    pub(crate) path: String,
    /// All of it.
    pub(crate) text: String,
}

/// A fenced block of a page.
pub(crate) struct Block<'d> {
    /// Page and line, for whoever has to mend it.
    pub(crate) place: String,
    /// What stands behind the fence.
    pub(crate) info: &'d str,
    /// What it holds.
    pub(crate) text: &'d str,
    /// Where that is in the page.
    pub(crate) bytes: Range<usize>,
}

/// The path of a file in the repository.
pub(crate) fn in_repository(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

impl Document {
    pub(crate) fn read(path: &str) -> Self {
        Self { path: path.to_owned(), text: fs::read_to_string(in_repository(path)).unwrap() }
    }

    /// README.md and every page of docs/.
    pub(crate) fn all() -> Vec<Self> {
        let entries = fs::read_dir(in_repository("docs")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut paths: Vec<_> = names.map(|name| format!("docs/{name}")).collect();
        paths.retain(|path| Path::new(path).extension().is_some_and(|end| end == "md"));
        paths.push("README.md".to_owned());
        paths.sort();
        assert!(paths.len() >= 5, "{paths:?}");
        paths.iter().map(|path| Self::read(path)).collect()
    }

    /// The lines with the byte that each begins at, and whether it belongs to a block.
    fn lines(&self) -> impl Iterator<Item = (usize, &str, bool)> {
        let (mut at, mut is_inside) = (0, false);
        self.text.split_inclusive('\n').map(move |line| {
            let start = at;
            at += line.len();
            let is_fence = line.starts_with("```");
            let belongs = is_inside || is_fence;
            is_inside ^= is_fence;
            (start, line.trim_end(), belongs)
        })
    }

    /// The blocks, in their order.
    pub(crate) fn blocks(&self) -> Vec<Block<'_>> {
        let mut blocks = Vec::new();
        let mut open = None;
        for (n, (start, line, _)) in self.lines().enumerate() {
            let Some(info) = line.strip_prefix("```") else { continue };
            open = match open {
                None => Some((n + 1, info, start + line.len() + 1)),
                Some((number, info, from)) => {
                    let place = format!("{}:{number}", self.path);
                    let text = &self.text[from..start];
                    blocks.push(Block { place, info, text, bytes: from..start });
                    None
                }
            };
        }
        assert!(open.is_none(), "{} has a block without an end", self.path);
        blocks
    }

    /// The lines outside of blocks, with their numbers.
    pub(crate) fn prose(&self) -> Vec<(usize, &str)> {
        let lines = self.lines().enumerate().filter(|(_, (_, _, belongs))| !belongs);
        lines.map(|(n, (_, line, _))| (n + 1, line)).collect()
    }

    /// The anchors of the headings, as GitHub makes them.
    pub(crate) fn anchors(&self) -> Vec<String> {
        let prose = self.prose();
        let headings = prose.iter().filter_map(|(_, line)| line.strip_prefix('#'));
        headings.map(|heading| anchor(heading.trim_start_matches('#'))).collect()
    }

    /// What stands in code spans outside of blocks.
    pub(crate) fn spans(&self) -> Vec<String> {
        let lines: Vec<_> = self.prose().into_iter().map(|(_, line)| line).collect();
        lines.join(" ").split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }

    /// The rows of the table below the comment `<!-- mark -->`, each with its cells.
    pub(crate) fn table(&self, mark: &str) -> Vec<Vec<&str>> {
        let comment = format!("<!-- {mark} -->");
        let mut lines = self.prose().into_iter().map(|(_, line)| line);
        let found = lines.any(|line| line == comment);
        assert!(found, "{} has no {comment}", self.path);
        let rows = lines.take_while(|line| line.starts_with('|')).skip(2);
        let rows = rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect());
        let rows: Vec<Vec<&str>> = rows.collect();
        assert!(!rows.is_empty(), "{} has no table below {comment}", self.path);
        rows
    }
}

fn anchor(heading: &str) -> String {
    let letters = heading.trim().chars().flat_map(char::to_lowercase);
    let kept = letters.filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
    kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect()
}

#[test]
fn a_page_is_taken_apart_as_it_is_shown() {
    let text = "# A `b`: c\n\n```sh run\n# d\n```\n\n<!-- keys: x -->\n| key | e |\n| --- | --- |\n| `f` | g |\n\nh\n";
    let page = Document { path: "page.md".to_owned(), text: text.to_owned() };
    assert_eq!(page.anchors(), ["a-b-c"]);
    assert_eq!(page.table("keys: x"), [["`f`", "g"]]);
    let blocks = page.blocks();
    assert_eq!((blocks[0].info, blocks[0].text), ("sh run", "# d\n"));
    assert_eq!((blocks[0].place.as_str(), &text[blocks[0].bytes.clone()]), ("page.md:3", "# d\n"));
    assert_eq!(page.spans(), ["b", "f"]);
}
