//! What a rule can look at in an instance.

use std::fmt;

use crate::inventory::{ChargeType, Instance, Status};

/// A field that a rule can look at.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Field {
    /// `instanceId`.
    Id,
    /// `instanceName`.
    Name,
    /// `hostname`.
    Hostname,
    /// `zoneId`.
    Zone,
    /// `instanceTypeId`.
    Type,
    /// `imageName`.
    Image,
    /// `instanceStatus`.
    Status,
    /// `instanceChargeType`.
    ChargeType,
    /// `internetChargeType`.
    InternetChargeType,
    /// `resourceGroupId` or `resourceGroupName`: either may match.
    ResourceGroup,
    /// `publicIpAddresses` and `privateIpAddresses`: any may match.
    Ip,
    /// `createTime`, which an age is counted from.
    CreateTime,
}

impl Field {
    /// Every field.
    pub const ALL: [Self; 12] = [
        Self::Id,
        Self::Name,
        Self::Hostname,
        Self::Zone,
        Self::Type,
        Self::Image,
        Self::Status,
        Self::ChargeType,
        Self::InternetChargeType,
        Self::ResourceGroup,
        Self::Ip,
        Self::CreateTime,
    ];

    /// The field's name in rules.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Name => "name",
            Self::Hostname => "hostname",
            Self::Zone => "zone",
            Self::Type => "type",
            Self::Image => "image",
            Self::Status => "status",
            Self::ChargeType => "charge_type",
            Self::InternetChargeType => "internet_charge_type",
            Self::ResourceGroup => "resource_group",
            Self::Ip => "ip",
            Self::CreateTime => "create_time",
        }
    }

    /// The one or two texts of a field; a field of one text has it twice. What is no text has none.
    #[must_use]
    pub fn texts(self, instance: &Instance) -> [Option<&str>; 2] {
        let one = |text: Option<_>| [text, text];
        match self {
            Self::Id => one(Some(instance.id.as_str())),
            Self::Name => one(instance.name.as_deref()),
            Self::Hostname => one(instance.hostname.as_deref()),
            Self::Zone => one(instance.zone.as_deref()),
            Self::Type => one(instance.instance_type.as_deref()),
            Self::Image => one(instance.image.as_deref()),
            Self::Status => one(instance.status.as_ref().map(Status::as_str)),
            Self::ChargeType => one(instance.charge_type.as_ref().map(ChargeType::as_str)),
            Self::InternetChargeType => one(instance.internet_charge_type.as_deref()),
            Self::ResourceGroup => {
                [instance.resource_group_id.as_deref(), instance.resource_group_name.as_deref()]
            }
            Self::Ip | Self::CreateTime => [None, None],
        }
    }

    /// The field's value as people are shown it; `None` if the cloud did not tell it.
    #[must_use]
    pub fn shown(self, instance: &Instance) -> Option<String> {
        match self {
            Self::CreateTime => instance.created.map(|at| at.to_string()),
            Self::Ip => {
                let addresses: Vec<_> =
                    instance.addresses.iter().map(ToString::to_string).collect();
                Some(addresses.join(",")).filter(|text| !text.is_empty())
            }
            Self::Id
            | Self::Name
            | Self::Hostname
            | Self::Zone
            | Self::Type
            | Self::Image
            | Self::Status
            | Self::ChargeType
            | Self::InternetChargeType
            | Self::ResourceGroup => {
                self.texts(instance).into_iter().flatten().next().map(str::to_owned)
            }
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
