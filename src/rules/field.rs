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
    /// A tag whose value is null or missing.
    Tag,
    /// A tag whose key is a near miss of one that protects.
    NearMiss,
}

impl Field {
    /// Every field.
    pub const ALL: [Self; 14] = [
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
        Self::Tag,
        Self::NearMiss,
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
            Self::Tag => "tag",
            Self::NearMiss => "near_miss",
        }
    }

    /// The field as text, of a resource group its id; `None` if the cloud did not tell it, or it is no text.
    #[must_use]
    #[inline]
    pub fn text(self, instance: &Instance) -> Option<&str> {
        match self {
            Self::Id => Some(instance.id.as_str()),
            Self::Name => instance.name.as_deref(),
            Self::Hostname => instance.hostname.as_deref(),
            Self::Zone => instance.zone.as_deref(),
            Self::Type => instance.instance_type.as_deref(),
            Self::Image => instance.image.as_deref(),
            Self::Status => instance.status.as_ref().map(Status::as_str),
            Self::ChargeType => instance.charge_type.as_ref().map(ChargeType::as_str),
            Self::InternetChargeType => instance.internet_charge_type.as_deref(),
            Self::ResourceGroup => instance.resource_group_id.as_deref(),
            Self::Ip | Self::CreateTime | Self::Tag | Self::NearMiss => None,
        }
    }

    /// The other text of a field that goes by two, either of which may be meant: a resource group's name.
    #[must_use]
    pub fn other_text(self, instance: &Instance) -> Option<Option<&str>> {
        (self == Self::ResourceGroup).then_some(instance.resource_group_name.as_deref())
    }

    /// The field's value as people are shown it; `None` if the cloud did not tell it.
    #[must_use]
    pub fn shown(self, instance: &Instance) -> Option<String> {
        match self {
            Self::Tag | Self::NearMiss => None,
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
                self.text(instance).or(self.other_text(instance).flatten()).map(str::to_owned)
            }
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
