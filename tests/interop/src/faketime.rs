//! A clock that is wrong: Debian's libfaketime, a foreign library between a program and the system's clock.

use std::fs;
use std::path::{Path, PathBuf};

use crate::peers;

/// The clock of a program that is started with its [`Self::variables`]; it may be set while that runs.
#[derive(Debug)]
pub struct FakeClock {
    library: PathBuf,
    file: PathBuf,
}

impl FakeClock {
    /// A clock that is right, and is set by this file. `None` without the library, and the reason was told.
    ///
    /// # Panics
    /// When `CI=true` and the library is missing; when the file can't be written.
    #[must_use]
    pub fn set_by(file: PathBuf) -> Option<Self> {
        let triplet = format!("{}-linux-gnu", std::env::consts::ARCH);
        let library = Path::new("/usr/lib").join(triplet).join("faketime/libfaketimeMT.so.1");
        if !library.exists() {
            peers::absent(&format!("no {}: install the package libfaketime", library.display()));
            return None;
        }
        let clock = Self { library, file };
        clock.set("+0");
        Some(clock)
    }

    /// By how much it is wrong from now on, such as `-2h` or `+30` (seconds).
    ///
    /// # Panics
    /// When the file can't be written.
    pub fn set(&self, wrong: &str) {
        // It is read at any moment: it must be there, and whole.
        let next = self.file.with_extension("next");
        fs::write(&next, format!("{wrong}\n")).expect("the clock's folder takes files");
        fs::rename(next, &self.file).expect("the clock's folder takes files");
    }

    /// The variables of the environment by which a program has this clock.
    ///
    /// # Panics
    /// When a path is not text.
    #[must_use]
    pub fn variables(&self) -> [(&str, &str); 5] {
        [
            ("LD_PRELOAD", text(&self.library)),
            ("FAKETIME_TIMESTAMP_FILE", text(&self.file)),
            ("FAKETIME_NO_CACHE", "1"),
            // How long something takes and how old files are is measured as ever.
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
            ("NO_FAKE_STAT", "1"),
        ]
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("paths of tests are text")
}
