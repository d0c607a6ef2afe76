//! The file of the journal: opened with care, and known again.

use std::{
    fs::{File, metadata},
    io::Read,
    os::unix::fs::{MetadataExt, chown},
    path::Path,
    sync::atomic::Ordering,
};

use sqlx::{AnyConnection, ConnectOptions, Connection, any::AnyConnectOptions};

use super::{Error, Journal, runs, schema};

/// What every SQLite file begins with.
const MAGIC: [u8; 16] = *b"SQLite format 3\0";

/// The clock of SQLite, in milliseconds: `julianday` counts days, with milliseconds, and 2440587.5 is the first instant of 1970.
pub(super) const SQLITE_CLOCK: &str =
    "SELECT CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS BIGINT)";

/// An open journal.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) connection: AnyConnection,
    identity: Identity,
}

/// Which files these are, whatever their names: the file, its write-ahead log, and the index of the log that all processes share.
/// Neither of the first two is made shorter while it is open, so one that is shorter was cut off or overwritten.
#[derive(Clone, Copy, Debug)]
struct Identity {
    file: Found,
    log: Option<Found>,
    index: Option<Found>,
}

/// A file: device and inode, its length in bytes, and when it was last written, in seconds and nanoseconds.
#[derive(Clone, Copy, Debug)]
struct Found {
    inode: (u64, u64),
    bytes: u64,
    written: (i64, i64),
}

impl Found {
    fn at(path: &Path) -> Option<Self> {
        let found = metadata(path).ok()?;
        let written = (found.mtime(), found.mtime_nsec());
        Some(Self { inode: (found.dev(), found.ino()), bytes: found.len(), written })
    }
}

/// Whether the files that are open are those that are there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Presence {
    /// They are.
    Same,
    /// There is none any more.
    Gone,
    /// There are others.
    Replaced,
    /// They are, but the file itself was written since, which we do only within a transaction: by another process of ours that brought
    /// the log into it, or by whoever overwrites it.
    Touched,
    /// They are, but shorter than they were, or with another beginning.
    CutOff,
}

impl Open {
    /// Whether the files at `path` are still those that are open.
    pub(super) fn presence(&mut self, path: &Path) -> Presence {
        match Identity::of(path) {
            None => Presence::Gone,
            Some(now) if !self.identity.is_of_same_files(&now) => Presence::Replaced,
            Some(now) if self.identity.is_longer_than(&now) || !has_magic(path) => Presence::CutOff,
            Some(now) => {
                // Since when it is known to be sound stays as it was: the next one who opens it has it checked.
                let written = self.identity.file.written;
                self.identity = now;
                self.identity.file.written = written;
                if now.file.written == written { Presence::Same } else { Presence::Touched }
            }
        }
    }

    /// Closes files that stay in their place. A log that another process has open is not made shorter, since that process would take
    /// it for cut off.
    pub(super) async fn close(mut self) -> Result<(), sqlx::Error> {
        sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(&mut self.connection).await?;
        self.connection.close().await
    }

    /// Lets go of the files. A write-ahead log that is left in its place would be taken by SQLite for that of whatever file comes
    /// there: so all of it goes into the file that it belongs to.
    pub(super) async fn retire(mut self) -> Result<(), sqlx::Error> {
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut self.connection).await?;
        self.connection.close().await
    }
}

impl Identity {
    fn of(path: &Path) -> Option<Self> {
        let beside = |suffix: &str| {
            let mut name = path.as_os_str().to_owned();
            name.push(suffix);
            Found::at(Path::new(&name))
        };
        Some(Self { file: Found::at(path)?, log: beside("-wal"), index: beside("-shm") })
    }

    /// Whether files that are found in the place of these are the same ones.
    fn is_of_same_files(&self, now: &Self) -> bool {
        let inode = |found: Option<Found>| found.map(|found| found.inode);
        let inodes = |own: &Self| (own.file.inode, inode(own.log), inode(own.index));
        inodes(self) == inodes(now)
    }

    /// Whether one of the files has become shorter.
    fn is_longer_than(&self, now: &Self) -> bool {
        let log_bytes = |own: &Self| own.log.map_or(0, |log| log.bytes);
        self.file.bytes > now.file.bytes || log_bytes(self) > log_bytes(now)
    }
}

/// Whether a file begins as a SQLite file does.
fn has_magic(path: &Path) -> bool {
    let mut found = [0; MAGIC.len()];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut found));
    read.is_ok() && found == MAGIC
}

impl Journal {
    /// The open journal: as it was, or opened anew if the file is another one by now.
    pub(super) async fn opened<'a>(
        &self,
        slot: &'a mut Option<Open>,
    ) -> Result<&'a mut Open, Error> {
        let presence = slot.as_mut().map(|open| open.presence(self.path()));
        if presence == Some(Presence::CutOff) {
            // What the log still holds is written back, but whoever relies on what was written is told first.
            self.shared.is_lost.store(true, Ordering::Relaxed);
            if let Some(old) = slot.take() {
                drop(old.retire().await);
            }
            return Err(Error::CutOff { path: self.shared.path.clone() });
        }
        if presence == Some(Presence::Touched) {
            self.check_again(slot).await?;
        } else if presence != Some(Presence::Same) {
            let is_gone = self.shared.was_open.load(Ordering::Relaxed) && !self.exists();
            let inode = Found::at(self.path()).map(|found| found.inode);
            let is_moved = |open: &Open| inode != Some(open.identity.file.inode);
            if is_gone || slot.as_ref().is_some_and(is_moved) {
                self.shared.is_lost.store(true, Ordering::Relaxed);
            }
            if let Some(old) = slot.take() {
                old.retire().await.map_err(|error| Error::of(self.path(), &error))?;
            }
            if is_gone {
                return Err(Error::Gone { path: self.shared.path.clone() });
            }
            *slot = Some(self.open_in_its_place().await?);
            self.shared.was_open.store(true, Ordering::Relaxed);
        }
        slot.as_mut().ok_or_else(|| Error::Gone { path: self.shared.path.clone() })
    }

    /// Takes the place of an open journal whose file somebody wrote, once it is known to be sound.
    async fn check_again(&self, slot: &mut Option<Open>) -> Result<(), Error> {
        let old = slot.take();
        let checked = open(self.path()).await;
        if checked.is_err() {
            self.shared.is_lost.store(true, Ordering::Relaxed);
        }
        *slot = Some(checked?);
        if let Some(Open { connection, .. }) = old {
            // The log stays with the connection that was opened now.
            drop(connection.close().await);
        }
        Ok(())
    }

    /// Opens the file. In the place of one that was lost a copy of a journal will do, but not one that an operator's command has begun
    /// since: it knows of no hold and no notice.
    async fn open_in_its_place(&self) -> Result<Open, Error> {
        let mut found = open(self.path()).await?;
        let fail = |error| Error::of(self.path(), &error);
        if self.shared.is_lost.load(Ordering::Relaxed)
            && !runs::has_any(&mut found.connection).await.map_err(fail)?
        {
            found.retire().await.map_err(fail)?;
            return Err(Error::Gone { path: self.shared.path.clone() });
        }
        self.shared.is_lost.store(false, Ordering::Relaxed);
        Ok(found)
    }
}

async fn open(path: &Path) -> Result<Open, Error> {
    check_magic(path)?;
    let is_new = !path.exists();
    sqlx::any::install_default_drivers();
    let fail = |error| Error::of(path, &error);
    let mut connection = options(path).map_err(fail)?.connect().await.map_err(fail)?;
    schema::prepare(&mut connection, path).await?;
    if is_new {
        leave_to_owner_of_folder(path);
    }
    let unusable = || Error::Gone { path: path.to_owned() };
    let identity = Identity::of(path).ok_or_else(unusable)?;
    Ok(Open { connection, identity })
}

/// A journal that root begins by a command belongs to whom the folder is, so that the service can write it.
fn leave_to_owner_of_folder(path: &Path) {
    let folder = path.parent().and_then(|folder| metadata(folder).ok());
    if let Some(folder) = folder.filter(|folder| folder.uid() != 0) {
        // Nobody else may give files away, and nobody else needs to.
        drop(chown(path, Some(folder.uid()), Some(folder.gid())));
    }
}

/// Refuses a file that is no database before SQLite touches it.
fn check_magic(path: &Path) -> Result<(), Error> {
    let mut found = Vec::new();
    match File::open(path) {
        Ok(file) => file.take(MAGIC.len() as u64).read_to_end(&mut found),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    }
    .map_err(|error| Error::Unusable { path: path.to_owned(), why: error.to_string() })?;
    if found.is_empty() || found == MAGIC {
        return Ok(());
    }
    Err(Error::Damaged { path: path.to_owned(), why: "it is not a SQLite file".to_owned() })
}

fn options(path: &Path) -> Result<AnyConnectOptions, sqlx::Error> {
    let escaped =
        path.to_string_lossy().replace('%', "%25").replace('?', "%3F").replace('#', "%23");
    let options: AnyConnectOptions = format!("sqlite://{escaped}?mode=rwc").parse()?;
    // A slow disk is not this log's matter, and statements would fill it.
    Ok(options.disable_statement_logging())
}
