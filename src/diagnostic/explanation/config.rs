//! The codes of what a config says, ZR060 to ZR079.

use super::{Example, Explanation, Language};

pub(super) const NOT_AN_ENDPOINT: Explanation = Explanation {
    title: "a value that is not the address of the API",
    why: "\
`endpoint` is an origin: https, a host, and a port if it is not the usual one. A
path, a query, a user and a password do not belong to it. Plain http is taken
towards this host only, for the sandbox.

Every call to this address is signed with credentials that can destroy machines.
They are not sent in the clear, and not to a host that came from a misread URL.

Leave the key out to use Zenlayer's own address.
",
    example: Some(Example {
        language: Language::Config,
        wrong: "\
accounts:
  - name: main
    endpoint: https://console.zenlayer.com/api/v2/bmc
",
        right: "\
accounts:
  - name: main
    endpoint: https://console.zenlayer.com
",
    }),
};

pub(super) const NOT_AN_API_VERSION: Explanation = Explanation {
    title: "a value that is not a version of the API",
    why: "\
Zenlayer names the versions of its API by dates, such as 2022-11-20.

The version decides what the fields of a machine mean. With one that does not
exist, every call fails, and no machine is ever returned.

Leave the key out: the default is the version that zenreaper was written for.
",
    example: Some(Example {
        language: Language::Config,
        wrong: "\
accounts:
  - name: main
    api_version: v2
",
        right: "\
accounts:
  - name: main
    api_version: 2022-11-20
",
    }),
};

pub(super) const NOT_A_RATE: Explanation = Explanation {
    title: "a value that is not a rate",
    why: "\
A rate is a number of calls and a time: 5/s, 300/m, 1000/h.

The rate keeps zenreaper below the limit that the API has for the whole account,
which others use too, and it is the pace at which machines go: slow enough to be
stopped. So a bare number is not guessed at, and none means no call at all,
which is refused.

Add /s, /m or /h.
",
    example: Some(Example {
        language: Language::Config,
        wrong: "\
accounts:
  - name: main
    rate: { describe: 10, terminate: 5/s }
",
        right: "\
accounts:
  - name: main
    rate: { describe: 10/s, terminate: 5/s }
",
    }),
};

pub(super) const NOT_A_JOURNAL: Explanation = Explanation {
    title: "a value that is not the URL of a journal",
    why: "\
The journal is a SQLite file, named as sqlite:///var/lib/zenreaper/journal.db
with three slashes, or as sqlite://journal.db beside the config. Other databases
and parameters behind a `?` are not taken.

The journal remembers what was asked of the cloud, who was told, and what is
held. In a place that was misread it would begin empty, and promises to owners
would be lost.

Give the path of a file, not that of a folder.
",
    example: Some(Example {
        language: Language::Config,
        wrong: "\
journal: /var/lib/zenreaper/journal.db
",
        right: "\
journal: sqlite:///var/lib/zenreaper/journal.db
",
    }),
};

pub(super) const NOT_A_LISTENER: Explanation = Explanation {
    title: "a value that is not an address and a port",
    why: "\
`http.listen` is an IP address and a port: 127.0.0.1:9464, or [::1]:9464. Host
names are not taken.

A name may resolve to another address after a restart, and then the pages are
open to a network that you did not mean, or your alerts are blind.

Write the address and the port. 0.0.0.0 means every network of this host.
",
    example: Some(Example {
        language: Language::Config,
        wrong: "\
http: { listen: \"localhost:9464\" }
",
        right: "\
http: { listen: \"127.0.0.1:9464\" }
",
    }),
};

pub(super) const NOT_A_SINK_URL: Explanation = Explanation {
    title: "a value that is not the URL of a sink",
    why: "\
A notice goes to an https URL without user and password. Plain http is taken
towards this host only.

Notices tell what runs where and who owns it. And a notice that never arrives
keeps a machine: its owner must be told before it goes.

The URL of a chat's incoming webhook is itself a secret: leave `url` out and
give it as the credential notices.<sink>.url.
",
    example: Some(Example {
        language: Language::Config,
        wrong: "\
notices:
  sinks:
    - { name: hook, type: webhook, url: \"http://hooks.example.com/in\" }
",
        right: "\
notices:
  sinks:
    - { name: hook, type: webhook, url: \"https://hooks.example.com/in\" }
",
    }),
};

pub(super) const NOT_MAIL: Explanation = Explanation {
    title: "a value that is not a mail server, a mail address or a mail domain",
    why: "\
`smtp` is a host and a port, such as smtp.example.com:587. `from` and `to` are
bare addresses, such as ops@example.com: plain ASCII, without a name around
them. `tls: none` is taken towards this host only. `owner_domains` are domains,
such as example.com, without an @ or a *: a subdomain is listed by itself.

An address that the server refuses is found out when the first owner should be
told, and until somebody was told the machine stays, for ever if nobody looks.

Correct the value. User and password are credentials: notices.<sink>.username
and .password.
",
    example: Some(Example {
        language: Language::Config,
        wrong: "\
notices:
  sinks:
    - name: mail
      type: email
      smtp: smtp.example.com:587
      from: Zenreaper <ops@example.com>
      to: [ops@example.com]
",
        right: "\
notices:
  sinks:
    - name: mail
      type: email
      smtp: smtp.example.com:587
      from: ops@example.com
      to: [ops@example.com]
",
    }),
};

pub(super) const NOT_A_TEMPLATE: Explanation = Explanation {
    title: "a template of a notice that cannot be used",
    why: "\
`subject` and `text` are Jinja templates over stage, account, owner, detail and
machines. This one is malformed, or uses something that is not there. It was
tried out when the config was read.

A template that fails only when it is used fails when an owner should be told.
Then nobody is told, and no machine of that rule can go.

Close every {{ }} and {% %}, and use only the variables of docs/notices.md.
",
    example: Some(Example {
        language: Language::Config,
        wrong: "\
notices:
  subject: \"{{ machine_count }} machines of {{ owner }}\"
",
        right: "\
notices:
  subject: \"{{ machines | length }} machines of {{ owner }}\"
",
    }),
};
