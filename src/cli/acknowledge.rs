//! After a hold or a pause is written: waits for the calls that were under way by then, so that none is sent after the command ends.

use std::time::Duration;

use tokio::time::sleep;

use super::tell;
use crate::{
    clock,
    journal::{Error, Journal, Named},
};

/// How often the journal is asked.
const INTERVAL: Duration = Duration::from_millis(25);

/// After how long the wait is explained.
const SILENCE_MAX: Duration = Duration::from_secs(1);

/// How long is waited at the most: twice the default timeout of a call.
const WAIT_MAX: Duration = Duration::from_mins(1);

/// Waits until the calls for an instance, or all calls, that were intended before have an outcome.
pub(super) async fn calls_under_way(
    journal: &Journal,
    of: Option<(Named<'_>, &str)>,
) -> Result<(), Error> {
    let asked = clock::monotonic();
    let mut is_explained = false;
    loop {
        let calls = journal.calls_under_way(of).await?;
        if calls == 0 {
            return Ok(());
        }
        if asked.elapsed() > WAIT_MAX {
            tell(&format!(
                "warning: {calls} call(s) are still under way after a minute; see `zenreaper history`\n"
            ));
            return Ok(());
        }
        if !is_explained && asked.elapsed() > SILENCE_MAX {
            is_explained = true;
            tell(&format!("waiting for {calls} call(s) that are under way\n"));
        }
        sleep(INTERVAL).await;
    }
}
