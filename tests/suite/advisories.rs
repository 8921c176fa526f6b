//! The check for known vulnerabilities: an old copy of the advisory database is no check.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::folder::Folder;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../.ci/check-advisories");

/// Runs the check with a `cargo-deny` that can or cannot fetch, and that notes each call.
fn check(folder: &Path, can_fetch: bool, copy_from: Option<&str>, waiver: Option<&str>) -> (bool, String) {
    let tools = folder.join("bin");
    fs::create_dir_all(&tools).unwrap();
    let deny = tools.join("cargo-deny");
    let calls = folder.join("calls");
    let fetched = if can_fetch { 0 } else { 1 };
    let script = format!(
        "#!/bin/sh\necho \"$@\" >> {}\ncase \"$1\" in fetch) exit {fetched};; esac\n",
        calls.display()
    );
    fs::write(&deny, script).unwrap();
    fs::set_permissions(&deny, fs::Permissions::from_mode(0o755)).unwrap();
    if let Some(date) = copy_from {
        let copy = folder.join("cargo/advisory-dbs/db-1/.git");
        fs::create_dir_all(&copy).unwrap();
        let head = copy.join("FETCH_HEAD");
        fs::write(&head, "").unwrap();
        assert!(Command::new("touch").args(["-d", date]).arg(&head).status().unwrap().success());
    }
    let file = folder.join("waiver");
    if let Some(waiver) = waiver {
        fs::write(&file, waiver).unwrap();
    }
    let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap());
    let run = Command::new("bash")
        .arg(SCRIPT)
        .arg(&file)
        .env("PATH", path)
        .env("CARGO_HOME", folder.join("cargo"))
        .output()
        .unwrap();
    (run.status.success(), fs::read_to_string(calls).unwrap())
}

#[test]
fn an_old_copy_of_the_advisories_is_no_check() {
    let offline = "--offline check advisories";
    let cases = [
        ("fetched", true, None, None, true, Some("check advisories")),
        ("fetched over an old copy", true, Some("90 days ago"), None, true, Some("check advisories")),
        ("a copy of last week", false, Some("7 days ago"), None, true, Some(offline)),
        ("a copy of last quarter", false, Some("90 days ago"), None, false, None),
        ("no copy", false, None, None, false, None),
        ("waived", false, Some("90 days ago"), Some("2999-12-31 no network\n"), true, None),
        ("waived until yesterday", false, None, Some("2001-01-01 no network\n"), false, None),
        ("waived without a reason", false, None, Some("2999-12-31\n"), false, None),
    ];
    for (name, can_fetch, copy_from, waiver, passes, checked) in cases {
        let folder = Folder::new();
        let (passed, calls) = check(folder.path(), can_fetch, copy_from, waiver);
        assert_eq!(passed, passes, "{name}");
        assert_eq!(calls.lines().nth(1), checked, "{name}");
    }
}
