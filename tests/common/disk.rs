//! A small disk of its own for the journal, which can be filled and made read-only.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use super::{Stage, skip};

/// A small disk at `disk` in the folder of a stage, which only processes of its own see.
pub struct Disk {
    keeper: Child,
    folder: PathBuf,
}

impl Disk {
    /// The stage with its journal on such a disk; none, and loudly, where that is not allowed.
    pub async fn under(stage: Stage, size: &str) -> Option<(Stage, Self)> {
        let folder = stage.path("disk");
        fs::create_dir(&folder).unwrap();
        let script =
            r#"mount -t tmpfs -o "size=$1" tmpfs "$2" && touch "$2/mounted" && exec sleep 600"#;
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount", "sh", "-c", script, "sh", size]).arg(&folder);
        let keeper = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn();
        let Ok(keeper) = keeper else {
            skip("there is no unshare: the journal is not tried on a full or read-only disk");
            return None;
        };
        let mut disk = Self { keeper, folder };
        for _ in 0..200 {
            if disk.path("mounted").exists() {
                let words = ["nsenter", "--user", "--preserve-credentials", "--mount", "--target"];
                let id = disk.keeper.id().to_string();
                let within = words.into_iter().map(str::to_owned).chain([id, "--".to_owned()]);
                return Some((stage.journal("disk/journal.db").within(within.collect()), disk));
            }
            if disk.keeper.try_wait().unwrap().is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        skip("mounting is not allowed here: the journal is not tried on a full or read-only disk");
        None
    }

    /// A path on the disk, as seen from outside.
    pub fn path(&self, name: &str) -> PathBuf {
        let root = format!("/proc/{}/root", self.keeper.id());
        Path::new(&root).join(self.folder.strip_prefix("/").unwrap()).join(name)
    }

    pub fn fill(&self) {
        let mut file = fs::File::create(self.path("filler")).unwrap();
        while file.write(&[1; 4096]).is_ok() {}
    }

    pub fn free(&self) {
        fs::remove_file(self.path("filler")).unwrap();
    }

    pub fn remount(&self, options: &str) {
        let mut command = Command::new("nsenter");
        command.args(["--user", "--preserve-credentials", "--mount", "--target"]);
        command.arg(self.keeper.id().to_string()).args(["--", "mount", "-o"]);
        assert!(
            command.arg(format!("remount,{options}")).arg(&self.folder).status().unwrap().success()
        );
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.keeper.kill().unwrap();
        self.keeper.wait().unwrap();
    }
}
