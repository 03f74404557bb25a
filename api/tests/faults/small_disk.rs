//! A small file system in memory, to be filled. It is gone with the test, however that ends.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

/// Mounts, says so, and unmounts at the end of its input.
const GUARD: &str = r#"
mount -t tmpfs -o "size=$1,mode=1777" none "$2" || exit 1
echo mounted
read -r _
umount -l "$2"
rmdir "$2"
"#;

/// The file system.
pub(crate) struct SmallDisk {
    folder: PathBuf,
    guard: Child,
    input: Option<ChildStdin>,
}

impl SmallDisk {
    /// With so many megabytes; why there can be none here, where this user may not mount.
    pub(crate) fn new(megabytes: u32) -> Result<Self, String> {
        let folder = tempfile::tempdir().unwrap().keep();
        let mut guard = Command::new("/bin/sh");
        guard.arg("-c").arg(GUARD).arg("guard").arg(format!("{megabytes}m")).arg(&folder);
        // Not in the group of the test, which an impatient terminal ends as a whole.
        std::os::unix::process::CommandExt::process_group(&mut guard, 0);
        guard.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut guard = guard.spawn().unwrap();
        let input = guard.stdin.take();
        let mut line = String::new();
        BufReader::new(guard.stdout.take().unwrap()).read_line(&mut line).unwrap();
        if line.trim() == "mounted" {
            return Ok(Self { folder, guard, input });
        }
        let failed = guard.wait_with_output().unwrap();
        fs::remove_dir(&folder).unwrap();
        Err(format!("no file system to fill: {}", String::from_utf8_lossy(&failed.stderr).trim()))
    }

    /// As [`Self::new`]; where nothing may be mounted it tells the reason and answers `None`, or
    /// panics in continuous integration, where nothing is skipped.
    pub(crate) fn new_or_skip(megabytes: u32) -> Option<Self> {
        Self::new(megabytes).map_err(|reason| test_postgres::absent(&reason)).ok()
    }

    pub(crate) fn path(&self) -> &Path {
        &self.folder
    }

    /// Fills it up, but for less than so many octets.
    pub(crate) fn fill(&self, left: u64) {
        let mut filler = File::create(self.filler()).unwrap();
        let mut octets = vec![0; 1 << 20];
        let mut written = 0;
        while !octets.is_empty() {
            match filler.write(&octets) {
                Ok(some) if some > 0 => written += some as u64,
                _ => octets.truncate(octets.len() / 2),
            }
        }
        filler.set_len(written.saturating_sub(left)).unwrap();
    }

    /// Makes room again.
    pub(crate) fn free(&self) {
        fs::remove_file(self.filler()).unwrap();
    }

    fn filler(&self) -> PathBuf {
        self.folder.join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.guard.wait();
    }
}
