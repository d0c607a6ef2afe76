//! What the API says of an instance in words of its own: its status, and how it is paid for.

use std::sync::Arc;

/// `instanceStatus`, as `DescribeInstances` lists its values.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Status {
    /// To be created.
    Pending,
    /// Being created.
    Creating,
    /// Its creation failed; terminating it deletes it outright.
    CreateFailed,
    /// Its system is being installed.
    Installing,
    /// The installation of its system failed.
    InstallFailed,
    /// Up.
    Running,
    /// Down, and billed all the same.
    Stopped,
    /// Starting.
    Booting,
    /// Stopping.
    Stopping,
    /// In the recycle bin.
    Recycle,
    /// A value that this version does not know.
    Other(Arc<str>),
}

impl Status {
    /// The documented values.
    pub const KNOWN: [&str; 10] = [
        "PENDING",
        "CREATING",
        "CREATE_FAILED",
        "INSTALLING",
        "INSTALL_FAILED",
        "RUNNING",
        "STOPPED",
        "BOOTING",
        "STOPPING",
        "RECYCLE",
    ];

    /// The value as the API spells it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Pending => "PENDING",
            Self::Creating => "CREATING",
            Self::CreateFailed => "CREATE_FAILED",
            Self::Installing => "INSTALLING",
            Self::InstallFailed => "INSTALL_FAILED",
            Self::Running => "RUNNING",
            Self::Stopped => "STOPPED",
            Self::Booting => "BOOTING",
            Self::Stopping => "STOPPING",
            Self::Recycle => "RECYCLE",
            Self::Other(text) => text,
        }
    }
}

impl From<Arc<str>> for Status {
    fn from(text: Arc<str>) -> Self {
        match &*text {
            "PENDING" => Self::Pending,
            "CREATING" => Self::Creating,
            "CREATE_FAILED" => Self::CreateFailed,
            "INSTALLING" => Self::Installing,
            "INSTALL_FAILED" => Self::InstallFailed,
            "RUNNING" => Self::Running,
            "STOPPED" => Self::Stopped,
            "BOOTING" => Self::Booting,
            "STOPPING" => Self::Stopping,
            "RECYCLE" => Self::Recycle,
            _ => Self::Other(text),
        }
    }
}

/// `instanceChargeType`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ChargeType {
    /// A subscription, paid in advance.
    Prepaid,
    /// Pay as you go.
    Postpaid,
    /// A value that this version does not know.
    Other(Arc<str>),
}

impl ChargeType {
    /// The documented values.
    pub const KNOWN: [&str; 2] = ["PREPAID", "POSTPAID"];

    /// The value as the API spells it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Prepaid => "PREPAID",
            Self::Postpaid => "POSTPAID",
            Self::Other(text) => text,
        }
    }
}

impl From<Arc<str>> for ChargeType {
    fn from(text: Arc<str>) -> Self {
        match &*text {
            "PREPAID" => Self::Prepaid,
            "POSTPAID" => Self::Postpaid,
            _ => Self::Other(text),
        }
    }
}
