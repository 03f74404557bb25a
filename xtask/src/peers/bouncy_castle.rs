//! Bouncy Castle behind our harness of tests/interop/peers/bouncycastle.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Installed, Place};
use crate::failure::Failure;
use crate::process::{answers, logged};

/// Where Debian and others put Java.
const VIRTUAL_MACHINES: &str = "/usr/lib/jvm";

/// Copies the jars that the harness's pom.xml names, and compiles the harness.
///
/// # Errors
/// When there is no JDK or no Maven, the jars can't be had, or the harness does not compile.
pub fn install(place: &Place) -> Result<Installed, Failure> {
    if !answers("javac", &["-version"]) || !answers("mvn", &["--version"]) {
        return Err(Failure::Found(
            "needs javac and mvn: apt-get install default-jdk-headless maven".into(),
        ));
    }
    let source = place.sources.join("bouncycastle");
    let jars = place.folder.join("jars");
    let mut maven = Command::new("mvn");
    maven
        .current_dir(&place.folder)
        .args(["--batch-mode", "--quiet", "--file"])
        .arg(source.join("pom.xml"));
    maven.arg("dependency:copy-dependencies").arg(format!("-DoutputDirectory={}", jars.display()));
    logged(&mut maven, &place.log)?;

    let classes = place.folder.join("classes");
    fs::create_dir_all(&classes).map_err(Failure::file(&classes, "made"))?;
    let class_path = format!("{}:{}/*", classes.display(), jars.display());
    let mut compiler = Command::new("javac");
    compiler
        .args(["-Xlint:all", "-Werror", "-encoding", "UTF-8", "-cp", &class_path, "-d"])
        .arg(&classes);
    logged(compiler.args(java_files(&source)?), &place.log)?;

    let harness = |java: &str, options: &[&str]| {
        let words = [&[java, "-XX:+UseSerialGC"], options, &["-cp", &class_path, "Main"]].concat();
        words.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    // For a few questions it starts in half the time.
    let brief = ["-XX:TieredStopAtLevel=1"];
    let mut commands = BTreeMap::from([
        ("harness".to_owned(), harness("java", &[])),
        ("harness-brief".to_owned(), harness("java", &brief)),
        // A part of every JDK, beside javac.
        ("keytool".to_owned(), vec!["keytool".to_owned()]),
    ]);
    if let Some(java) = java_with_ml_dsa() {
        commands.insert("harness-ml-dsa".to_owned(), harness(&java, &brief));
    }
    Ok(Installed { version: version(&jars), commands })
}

/// A Java that knows ML-DSA by itself, 24 or newer, beside the one that the system runs by default.
fn java_with_ml_dsa() -> Option<String> {
    let installed = fs::read_dir(VIRTUAL_MACHINES).ok()?.filter_map(Result::ok);
    let programs = installed.map(|folder| folder.path().join("bin/java"));
    let mut words = programs.filter_map(|java| java.to_str().map(str::to_owned));
    words.find(|java| is_new(java))
}

/// Whether `java --version` names 24 or newer.
fn is_new(java: &str) -> bool {
    let Ok(output) = Command::new(java).arg("--version").output() else { return false };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let version = text.split_whitespace().nth(1).and_then(|word| word.split('.').next());
    version.and_then(|number| number.parse::<u32>().ok()).is_some_and(|number| number >= 24)
}

fn java_files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries =
        fs::read_dir(folder).map_err(Failure::file(folder, "read"))?.filter_map(Result::ok);
    let paths = entries.map(|entry| entry.path());
    Ok(paths.filter(|path| path.extension().is_some_and(|extension| extension == "java")).collect())
}

/// The version in the name of the provider's jar, `bcprov-jdk18on-1.86.jar`.
fn version(jars: &Path) -> String {
    let names = fs::read_dir(jars)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .map(|entry| entry.file_name());
    let mut names = names.filter_map(|name| name.into_string().ok());
    let provider = names.find(|name| name.starts_with("bcprov-")).unwrap_or_default();
    provider.trim_end_matches(".jar").rsplit('-').next().unwrap_or_default().to_owned()
}
