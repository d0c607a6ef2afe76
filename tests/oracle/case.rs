//! What a case consists of, in the oracle's own plain structures: rules, instances, and what is remembered of them.

use crate::words::{Form, Regex};

/// Milliseconds; as an instant, those since 1970.
pub(crate) type Millis = i64;

pub(crate) const SECOND: Millis = 1000;
pub(crate) const MINUTE: Millis = 60 * SECOND;
pub(crate) const HOUR: Millis = 60 * MINUTE;
pub(crate) const DAY: Millis = 24 * HOUR;

/// All that decisions follow from.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) now: Millis,
    /// The config's time zone.
    pub(crate) zone: &'static str,
    pub(crate) protect: Vec<Matcher>,
    pub(crate) host: Host,
    pub(crate) rules: Vec<Rule>,
    pub(crate) turn: Turn,
    /// The tag that names the owner of an instance.
    pub(crate) owner_tag: Option<&'static str>,
    pub(crate) instances: Vec<Instance>,
    /// Whether an operator paused all terminations, which changes no decision.
    pub(crate) paused: bool,
}

/// The host that zenreaper runs on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Host {
    pub(crate) addresses: Vec<&'static str>,
    pub(crate) names: Vec<&'static str>,
    pub(crate) ids: Vec<String>,
}

/// How the run came about.
#[derive(Clone, Debug)]
pub(crate) enum Turn {
    /// By a command, when the last run began then.
    Asked(Option<Millis>),
    /// By the service, which leaves out these rules that have a schedule of their own.
    Service(Vec<usize>),
}

#[derive(Clone, Debug)]
pub(crate) struct Rule {
    /// The number in its name, which stays when other rules are dropped.
    pub(crate) number: usize,
    pub(crate) matches: Match,
    pub(crate) unless: Unless,
    pub(crate) expire: Expire,
    pub(crate) notice: Option<Notice>,
    pub(crate) schedule: Option<&'static str>,
    pub(crate) zone: Option<&'static str>,
    pub(crate) enabled: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Match {
    Everything,
    Matcher(Matcher),
}

#[derive(Clone, Debug)]
pub(crate) enum Unless {
    Nothing,
    One(Matcher),
    List(Vec<Matcher>),
}

/// Lines that must all hold.
pub(crate) type Matcher = Vec<Line>;

#[derive(Clone, Debug)]
pub(crate) enum Line {
    Text(Field, Vec<Op>),
    Tag(&'static str, Vec<Op>),
    Ip(Vec<IpOp>),
    Age(Vec<(&'static str, Form)>),
    All(Vec<Matcher>),
    Any(Vec<Matcher>),
    /// Written as one matcher if it has one.
    Not(Vec<Matcher>),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Field {
    Id,
    Name,
    Hostname,
    Zone,
    Type,
    Image,
    Status,
    ChargeType,
    InternetChargeType,
    ResourceGroup,
}

#[derive(Clone, Debug)]
pub(crate) enum Op {
    Plain(Vec<&'static str>),
    In(Vec<&'static str>),
    NotIn(Vec<&'static str>),
    Glob(Vec<&'static str>),
    Regex(Vec<Regex>),
    Exists(bool),
}

#[derive(Clone, Debug)]
pub(crate) enum IpOp {
    Plain(Vec<&'static str>),
    In(Vec<&'static str>),
    NotIn(Vec<&'static str>),
    Exists(bool),
}

#[derive(Clone, Debug)]
pub(crate) enum Expire {
    AtOnce,
    After(Form),
    At(Form),
    Tag { key: &'static str, default: Option<Form>, min: Option<Form>, max: Option<Form> },
}

#[derive(Clone, Debug)]
pub(crate) struct Notice {
    pub(crate) length: Form,
    /// What `notice_required` says; `None`: nothing.
    pub(crate) required: Option<bool>,
}

/// A value of the cloud's record.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Told {
    Absent,
    Null,
    Text(String),
    /// A number, where the API documents a text.
    Number,
}

#[derive(Clone, Debug)]
pub(crate) struct Instance {
    pub(crate) id: String,
    /// By the name of the API's field.
    pub(crate) texts: Vec<(&'static str, Told)>,
    pub(crate) created: Creation,
    pub(crate) tags: Tags,
    pub(crate) primary: Told,
    /// `None`: absent or null.
    pub(crate) public: Option<Vec<&'static str>>,
    pub(crate) private: Option<Vec<&'static str>>,
    pub(crate) hold: Option<Hold>,
    /// Whether it lost its own protection since the last accepted inventory.
    pub(crate) unprotected: bool,
    /// What its owners were promised, the oldest first.
    pub(crate) promises: Vec<Promise>,
}

/// A time of creation as the record has it, and what it means.
#[derive(Clone, Debug)]
pub(crate) struct Creation {
    pub(crate) told: Told,
    pub(crate) at: Option<Millis>,
}

#[derive(Clone, Debug)]
pub(crate) enum Tags {
    Absent,
    Null,
    /// An object without a list.
    Empty,
    /// An object whose list is null.
    NoList,
    List(Vec<(String, Told)>),
}

#[derive(Clone, Debug)]
pub(crate) struct Hold {
    /// The reason to skip that it is.
    pub(crate) reason: &'static str,
    pub(crate) until: Millis,
}

#[derive(Clone, Debug)]
pub(crate) struct Promise {
    /// The number of the rule; there may be no such rule any more.
    pub(crate) rule: usize,
    /// The owner whom the notice was addressed to, empty if there was none; `None`: not recorded.
    pub(crate) owner: Option<&'static str>,
    pub(crate) force: Force,
    pub(crate) begun: Millis,
    pub(crate) told: Option<Millis>,
    pub(crate) terminate: Millis,
}

/// How far a promise binds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Force {
    Stands,
    /// It stands under the former name of an account.
    Orphaned,
    /// It was withdrawn or replaced: only its time binds.
    TimeOnly,
}

impl Instance {
    /// The text of a field; empty and white space are as good as nothing.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let (_, told) = self.texts.iter().find(|(own, _)| *own == name)?;
        match told {
            Told::Text(text) if !text.trim().is_empty() => Some(text),
            _ => None,
        }
    }

    pub(crate) fn tags(&self) -> &[(String, Told)] {
        if let Tags::List(list) = &self.tags { list } else { &[] }
    }
}
