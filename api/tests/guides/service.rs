//! The guide that installs a service, without a systemd: nothing is started but `espalier`, and nothing is written
//! outside the guide's folder. `systemctl` is a script that runs the commands of the unit by hand; the unit itself is
//! judged by the real `systemd-analyze`.

use std::fs;
use std::path::Path;
use std::process::Command;

use interop::peers::skip;

use crate::shell::Shell;

/// Stands for systemctl: it takes `ExecStartPre`, `ExecStart` and `LoadCredential` from the unit.
const SYSTEMCTL: &str = r#"#!/bin/bash
unit=etc/systemd/system/espalier.service
value() { sed -n "s/^$1=//p" "$unit"; }
start() {
  mkdir -p run/credentials/espalier.service
  value LoadCredential | while IFS=: read -r name file; do
    cp "$file" "run/credentials/espalier.service/$name"
  done
  $(value ExecStartPre) || exit 1
  $(value ExecStart) > service.log 2>&1 3>&- &
  echo $! > pid
}
stop() {
  kill "$(cat pid)"
  while kill -0 "$(cat pid)" 2>&-; do sleep 0.05; done
}
case "$1 $2" in
  'daemon-reload ') ;;
  'enable espalier.service') grep -q '^WantedBy=multi-user.target$' "$unit" ;;
  'start espalier.service') start ;;
  'reload espalier.service') kill -HUP "$(cat pid)" ;;
  'restart espalier.service') stop; start ;;
  'stop espalier.service') stop ;;
  'is-active espalier.service')
    if kill -0 "$(cat pid)" 2>&-; then echo active; else echo inactive; exit 3; fi ;;
  *) echo "unknown: $*"; exit 1 ;;
esac
"#;

/// A shell where the places of the guide are in its folder.
pub(crate) fn shell() -> Option<Shell> {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        assert!(std::env::var_os("CI").is_none(), "no systemd-analyze; nothing is skipped in CI");
        skip("systemd-analyze: not there");
        return None;
    }
    let mut shell = Shell::start();
    let work = shell.folder().display().to_string();
    shell.ports();
    shell.differs("8480", "8441");
    let mut unit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/espalier.service");
    let mut text = fs::read_to_string(&unit).unwrap();
    for place in ["/etc/systemd/system", "/etc/espalier", "/usr/local/bin"] {
        shell.differs(place, format!("{work}{place}"));
        text = text.replace(place, &format!("{work}{place}"));
    }
    shell.differs("/run/credentials", format!("{work}/run/credentials"));
    // systemd links the second to the first.
    shell.differs("/var/lib/private/espalier", format!("{work}/var/lib/espalier"));
    shell.differs("/var/lib/espalier", format!("{work}/var/lib/espalier"));
    shell.before("mkdir -p deploy etc/systemd/system usr/local/bin var/lib");
    unit = shell.folder().join("deploy/espalier.service");
    fs::write(unit, text).unwrap();
    shell.script("systemctl", SYSTEMCTL);
    Some(shell)
}

#[test]
fn the_container_runs_as_nobody_of_importance() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy");
    let text = fs::read_to_string(folder.join("Containerfile")).unwrap();
    let (_, last) = text.rsplit_once("\nFROM ").unwrap();
    let line = |start: &str| last.lines().find(|line| line.starts_with(start));
    assert_eq!(line("USER "), Some("USER 65532:65532"));
    assert!(last.starts_with("docker.io/library/debian:"), "{last}");
    for start in ["ENTRYPOINT [\"/", "CMD [\"", "COPY --from=build ", "STOPSIGNAL SIGTERM"] {
        assert!(line(start).is_some(), "no {start} in the last stage");
    }
    assert!(!text.lines().any(|line| line.starts_with("ADD ")));
}
