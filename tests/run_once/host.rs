//! The machine that zenreaper runs on is never terminated.

use std::process::Command;

use crate::common::{self, Stage, due, many_due};

#[tokio::test]
async fn the_host_itself_is_never_terminated() {
    let hostname = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let mut fleet = many_due(1);
    fleet.push(due("me-by-name").with("hostname", hostname.trim()));
    let addresses = Command::new("hostname").arg("-I").output();
    let addresses = addresses.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let address = addresses.unwrap_or_default().split_whitespace().next().map(str::to_owned);
    match &address {
        Some(address) => fleet
            .push(due("me-by-address").with("privateIpAddresses", serde_json::json!([address]))),
        None => common::skip("this host has no address of its own: `self` is tested by name only"),
    }
    let own = fleet.len() - 1;
    let stage = Stage::with(fleet).await;
    stage.once().await.exits(0).counts(
        r#"zenreaper_skipped_total{account="main",reason="self"}"#,
        f64::from(u32::try_from(own).unwrap()),
    );
    assert_eq!(stage.terminated(), ["i-0000"]);
}

/// Shows the rest of its arguments a machine that cloud-init calls `$1`. The mounts are gone with the process.
const AS_INSTANCE: &str = r#"
set -e
if [ -d /var/lib/cloud ]; then mount -t tmpfs tmpfs /var/lib/cloud; else mount -t tmpfs tmpfs /var/lib; fi
mkdir -p /var/lib/cloud/data
echo "$1" >/var/lib/cloud/data/instance-id
shift
exec "$@"
"#;

/// A command that sees itself on the machine that cloud-init calls `id`; `None` where mount namespaces are not permitted.
fn as_instance(id: &str, command: &Command) -> Option<Command> {
    let unshared = |flags: &str| {
        let mut unshared = Command::new("unshare");
        unshared.args([flags, "sh", "-c", AS_INSTANCE, "sh", id]);
        unshared
    };
    let is_permitted = |flags: &&str| {
        unshared(flags).arg("true").output().is_ok_and(|output| output.status.success())
    };
    // As root, or with a user namespace of one's own.
    let flags = ["-m", "-rm"].into_iter().find(is_permitted)?;
    let mut wrapped = unshared(flags);
    wrapped.arg(command.get_program()).args(command.get_args()).env_clear();
    wrapped.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    wrapped.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    Some(wrapped)
}

#[tokio::test]
async fn the_machine_that_cloud_init_names_is_never_terminated() {
    let stage = Stage::with(vec![due("i-0000"), due("i-own")]).await;
    let file = stage.path("metrics.prom");
    let command = stage.command(&["run", "--once", "--metrics-file", file.to_str().unwrap()]);
    let Some(command) = as_instance("I-Own", &command) else {
        common::skip("no mount namespace here: `self` is not tested by the id of cloud-init");
        return;
    };
    let skipped = r#"zenreaper_skipped_total{account="main",reason="self"}"#;
    stage.run_command(command).await.exits(0).counts(skipped, 1.0);
    assert_eq!(stage.terminated(), ["i-0000"]);
}
