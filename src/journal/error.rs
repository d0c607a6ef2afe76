//! Why the journal cannot be used, and what to do.

use std::path::{Path, PathBuf};

use sqlx::error::DatabaseError;

/// Why the journal cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The file is not a database, or is damaged.
    #[error(
        "the journal {} is damaged or not a journal ({why}), and was left as it is; put a copy back, or move it away to begin a new one", .path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A newer zenreaper wrote it.
    #[error(
        "the journal {} is of version {found}, and this zenreaper knows versions up to {known}; it was left as it is: run the newer zenreaper, or move the journal away to begin a new one", .path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version that we know.
        known: i64,
    },
    /// The file was deleted while it was in use.
    #[error(
        "the journal {} was deleted while it was in use; put it back, or restart zenreaper to begin a new one, which knows of no hold and no notice", .path.display()
    )]
    Gone {
        /// The file.
        path: PathBuf,
    },
    /// The file was replaced while it was in use.
    #[error(
        "the journal {} was replaced while it was in use; what this run wrote is in the old file, and the next run takes the new one", .path.display()
    )]
    Replaced {
        /// The file.
        path: PathBuf,
    },
    /// The file was made shorter, or overwritten, while it was in use.
    #[error(
        "the journal {} was cut off or overwritten while it was in use; what was in it may be lost: put a copy back, or move it away to begin a new one", .path.display()
    )]
    CutOff {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be opened, read or written.
    #[error(
        "the journal {} cannot be used: {why}; check the disk and the permissions, and `journal` in the config", .path.display()
    )]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Whoever was to write it was interrupted.
    #[error("the journal {} was not written, because the write was interrupted", .path.display())]
    Interrupted {
        /// The file.
        path: PathBuf,
    },
}

/// `SQLITE_CORRUPT` and `SQLITE_NOTADB`.
const DAMAGED: [&str; 2] = ["11", "26"];

impl Error {
    /// What an error of the database means.
    pub(super) fn of(path: &Path, error: &sqlx::Error) -> Self {
        let (path, why) = (path.to_owned(), error.to_string());
        if matches!(error, sqlx::Error::RowNotFound) {
            // What is to be there was written by us, to the file that was there before.
            return Self::Replaced { path };
        }
        let code = error.as_database_error().and_then(DatabaseError::code);
        // Extended codes hold the plain one in their low byte.
        let plain = code.and_then(|code| code.parse::<u32>().ok()).map(|code| code & 0xff);
        let plain = plain.map(|code| code.to_string()).unwrap_or_default();
        if DAMAGED.contains(&plain.as_str()) {
            Self::Damaged { path, why }
        } else {
            Self::Unusable { path, why }
        }
    }
}
