//! Examples at the end of the help of commands. A test reads each as a command line.

pub(super) const RUN: &str = "\
Examples:
  zenreaper run                                          the service
  zenreaper run --once --metrics-file zenreaper.prom     one run, for cron";

pub(super) const PLAN: &str = "\
Examples:
  zenreaper plan                                what would go now, and what stands in its way
  zenreaper plan --out plan.json                save it, for `zenreaper apply plan.json`
  zenreaper plan --inventory fleet.json         by a saved inventory, without credentials";

pub(super) const EXPLAIN: &str = "\
Examples:
  zenreaper explain 1310000000000225812
  zenreaper explain --name dev-web-01 --at 2026-12-01T00:00:00Z";

pub(super) const BACKTEST: &str = "\
Example:
  zenreaper backtest --rules new.yaml --detailed-exitcode     4 if `new.yaml` terminates more or sooner";

pub(super) const INVENTORY: &str = "\
Example:
  zenreaper inventory --out fleet.json     for `zenreaper plan --inventory fleet.json`";

pub(super) const APPLY: &str = "\
The limits hold as in a run.

Example:
  zenreaper apply plan.json     of `zenreaper plan --out plan.json`, not older than `apply.max_age`";

pub(super) const HISTORY: &str = "\
Examples:
  zenreaper history --since 30d --rule dev-three-days
  zenreaper history --instance 1310000000000225812 -o json";

pub(super) const HOLD: &str = "\
Examples:
  zenreaper hold 1310000000000225812 --for 7d --reason \"demo on Friday\"
  zenreaper hold --name test-build-20 --for 7d --reason \"debugging\"
  zenreaper hold --match \"{ tags: { project: search } }\" --for 2d --reason \"launch\"";

pub(super) const UNHOLD: &str = "\
Examples:
  zenreaper unhold 1310000000000225812
  zenreaper unhold test-build-20";

pub(super) const PAUSE: &str = "\
Example:
  zenreaper pause --for 2h --reason \"maintenance\"";

pub(super) const CHECK: &str = "\
Examples:
  zenreaper check --config config.yaml --strict
  zenreaper check --explain ZR010";

pub(super) const TEST: &str = "\
Examples:
  zenreaper test                 the tests beside the rules of the config
  zenreaper test rules new.yaml  those of a folder and of a file";

pub(super) const SCHEMA: &str = "\
Example:
  zenreaper schema rules > rules.schema.json";

pub(super) const DEMO: &str = "\
Example:
  zenreaper demo --once";

pub(super) const SANDBOX: &str = "\
Example:
  zenreaper sandbox --machines 200 --fault error=INTERNAL_SERVER_ERROR,action=TerminateInstance,times=3";

pub(super) const COMPLETIONS: &str = "\
Example, for this shell:
  source <(zenreaper completions bash)";
