//! What is to happen to an instance, and why, in names from closed sets.

use crate::rules::Field;

/// What is to happen to an instance.
#[must_use]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Decision {
    /// It is due and eligible, and its owner was told if the rule says so.
    Terminate,
    /// It will be terminated once its owner has been told for long enough.
    Notice(Telling),
    /// It matches, and is not due yet.
    Wait(Delay),
    /// It matches and is due, or cannot tell when it is, but is not to be touched.
    Skip(Skip),
    /// It stays, since no rule takes it.
    Keep(Keep),
}

/// What a match waits for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Delay {
    /// It is not due yet.
    NotDue,
    /// It is due, and goes when its rule's schedule says so.
    OffSchedule,
    /// It is due, and its own protection vanished since the last accepted inventory: it waits for the next run.
    ProtectionVanished,
}

impl Delay {
    /// Every reason to wait.
    pub const ALL: [Self; 3] = [Self::NotDue, Self::OffSchedule, Self::ProtectionVanished];

    /// The name, a reason of a decision.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotDue => "not_due",
            Self::OffSchedule => "off_schedule",
            Self::ProtectionVanished => "protection_vanished",
        }
    }
}

/// How far the telling of an owner is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Telling {
    /// The next run writes the notice.
    ToTell,
    /// The notice has not reached every sink yet.
    Undelivered,
    /// The owner is told, and has time to answer.
    Told,
}

impl Telling {
    /// The name, a reason of a decision.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ToTell => "to_tell",
            Self::Undelivered => "undelivered",
            Self::Told => "told",
        }
    }
}

/// Why a match is not touched.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Skip {
    /// A `protect` matcher holds for it, or may.
    Protected,
    /// zenreaper runs on it.
    Own,
    /// An operator keeps it for a while.
    Held,
    /// The API refused it because of its commitment, not long ago.
    Commitment,
    /// Its termination was accepted, not long ago.
    Accepted,
    /// It is a subscription, which `TerminateInstance` does not return.
    Subscription,
    /// It is being created.
    Creating,
    /// It is being installed.
    Installing,
    /// It is in the recycle bin already.
    Recycled,
    /// Its status is absent, or none that this version knows.
    UnknownStatus,
    /// Its charge type is absent, or none that this version knows.
    UnknownChargeType,
    /// Its tag does not say when, though it means to.
    UnreadableExpiry,
    /// It is due, and not in the saved plan that is applied.
    NotInPlan,
}

/// Why no rule takes an instance.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Keep {
    /// None speaks of it.
    NoRule,
    /// One would, but for its `unless`.
    Excepted,
    /// One does, but it is never due by it.
    Never,
    /// One may, which depends on a field that the cloud did not tell, or on a tag whose key is a near miss.
    Unknown(Field),
    /// The cloud's record of it cannot be read.
    Unreadable,
}

impl Decision {
    /// The decision's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Terminate => "terminate",
            Self::Notice(_) => "notice",
            Self::Wait(_) => "wait",
            Self::Skip(_) => "skip",
            Self::Keep(_) => "keep",
        }
    }

    /// The reason's name, from a closed set.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Terminate => "due",
            Self::Notice(telling) => telling.as_str(),
            Self::Wait(delay) => delay.as_str(),
            Self::Skip(skip) => skip.as_str(),
            Self::Keep(keep) => keep.as_str(),
        }
    }
}

impl Skip {
    /// Every reason.
    pub const ALL: [Self; 13] = [
        Self::Protected,
        Self::Own,
        Self::Held,
        Self::Commitment,
        Self::Accepted,
        Self::Subscription,
        Self::Creating,
        Self::Installing,
        Self::Recycled,
        Self::UnknownStatus,
        Self::UnknownChargeType,
        Self::UnreadableExpiry,
        Self::NotInPlan,
    ];

    /// The reason's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Protected => "protected",
            Self::Own => "self",
            Self::Held => "held",
            Self::Commitment => "commitment",
            Self::Accepted => "accepted",
            Self::Subscription => "subscription",
            Self::Creating => "creating",
            Self::Installing => "installing",
            Self::Recycled => "recycled",
            Self::UnknownStatus => "unknown_status",
            Self::UnknownChargeType => "unknown_charge_type",
            Self::UnreadableExpiry => "unreadable_expiry",
            Self::NotInPlan => "not_in_plan",
        }
    }
}

impl Keep {
    /// The reason's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoRule => "no_rule",
            Self::Excepted => "excepted",
            Self::Never => "never",
            Self::Unreadable => "unreadable",
            Self::Unknown(Field::Id) => "unknown_id",
            Self::Unknown(Field::Name) => "unknown_name",
            Self::Unknown(Field::Hostname) => "unknown_hostname",
            Self::Unknown(Field::Zone) => "unknown_zone",
            Self::Unknown(Field::Type) => "unknown_type",
            Self::Unknown(Field::Image) => "unknown_image",
            Self::Unknown(Field::Status) => "unknown_status",
            Self::Unknown(Field::ChargeType) => "unknown_charge_type",
            Self::Unknown(Field::InternetChargeType) => "unknown_internet_charge_type",
            Self::Unknown(Field::ResourceGroup) => "unknown_resource_group",
            Self::Unknown(Field::Ip) => "unknown_ip",
            Self::Unknown(Field::CreateTime) => "unknown_create_time",
            Self::Unknown(Field::Tag) => "unknown_tag",
            Self::Unknown(Field::NearMiss) => "near_miss",
        }
    }
}
