//! A request as it came in, and the call that it turns out to be.

use axum::body::Bytes;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use serde_json::{Map, Value};

use super::action::{Action, Version};
use super::faults::Target;
use super::refusal::Refusal;
use super::request::{self, Parameters, Query};

/// The path of the API.
const PATH: &str = "/api/v2/bmc";
/// The largest body that is read.
pub(super) const BODY_BYTES_MAX: usize = 1024 * 1024;

/// What of a request is kept in the record and told to the faults, whatever a client sends.
const REMEMBERED_IDS_MAX: usize = 100;
const REMEMBERED_ID_BYTES_MAX: usize = 128;

/// A request, read in full.
#[derive(Debug)]
pub(super) struct Received {
    head: Parts,
    /// None if it was too large.
    body: Option<Bytes>,
    /// The body as JSON, if it is an object; an absent body is an empty one.
    parameters: Option<Map<String, Value>>,
}

impl Received {
    pub(super) fn new(head: Parts, body: Option<Bytes>) -> Self {
        let parameters = body.as_ref().and_then(|body| {
            if body.is_empty() {
                return Some(Map::new());
            }
            serde_json::from_slice(body).ok()
        });
        Self { head, body, parameters }
    }

    pub(super) fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// What can be told of the call without checking anything.
    pub(super) fn target(&self) -> Target {
        let action = self.action().ok();
        let field = |name: &str| self.parameters.as_ref().and_then(|map| map.get(name));
        let listed = field("instanceIds").and_then(Value::as_array);
        let ids = field("instanceId").into_iter().chain(listed.into_iter().flatten());
        let instances = ids
            .filter_map(Value::as_str)
            .filter(|id| id.len() <= REMEMBERED_ID_BYTES_MAX)
            .take(REMEMBERED_IDS_MAX)
            .map(str::to_owned)
            .collect();
        let page = field("pageNum").filter(|page| !page.is_null());
        let page = page.map_or(Some(1), Value::as_u64);
        let page = page.and_then(|page| u32::try_from(page).ok());
        Target {
            action,
            instances,
            page: page.filter(|_| action == Some(Action::DescribeInstances)),
        }
    }

    /// Checks path, method and size, and gives the body.
    pub(super) fn check_envelope(&self) -> Result<&[u8], Refusal> {
        if self.head.uri.path() != PATH {
            let code = "OPERATION_FAILED_RESOURCE_NOT_FOUND";
            return Err(Refusal::new(404, code, format!("the API is at {PATH}")));
        }
        if self.head.method != Method::POST {
            let code = "INVALID_PARAMETER_VALUE";
            return Err(Refusal::new(405, code, "the API is called by POST"));
        }
        self.body.as_deref().ok_or_else(|| {
            let message = format!("the body has more than {BODY_BYTES_MAX} bytes");
            Refusal::new(413, "INVALID_PARAMETER_EXCEED_LENGTH", message)
        })
    }

    /// `X-ZC-Version`.
    pub(super) fn version(&self) -> Result<Version, Refusal> {
        let version = self.header("x-zc-version")?;
        Version::named(version).ok_or_else(|| {
            let message = "X-ZC-Version must be 2022-11-20 or 2026-02-01";
            Refusal::bad_request("INVALID_PARAMETER_VALUE", message)
        })
    }

    /// `X-ZC-Action`, or `X-TC-Action` as the older pages of the reference spell it.
    ///
    /// An action that does not exist is what `AUTHFAILURE_UNAUTHORIZED_OPERATION` is documented
    /// for: "make sure that the interface exists and that access to it is granted".
    pub(super) fn action(&self) -> Result<Action, Refusal> {
        let name = self
            .header("x-zc-action")
            .or_else(|absent| self.header("x-tc-action").map_err(|_| absent))?;
        name.parse().map_err(|unknown: super::UnknownAction| {
            Refusal::denied("AUTHFAILURE_UNAUTHORIZED_OPERATION", unknown.to_string())
        })
    }

    /// The body's parameters.
    pub(super) fn parameters(&self) -> Result<Parameters<'_>, Refusal> {
        let parameters = self.parameters.as_ref().ok_or_else(|| {
            let message = "the body is not a JSON object";
            Refusal::bad_request("INVALID_PARAMETER_TYPE", message)
        })?;
        Ok(Parameters(parameters))
    }

    fn header(&self, name: &str) -> Result<&str, Refusal> {
        let value = self.head.headers.get(name);
        value.and_then(|value| value.to_str().ok()).ok_or_else(|| {
            let message = format!("the header {name} is required");
            Refusal::bad_request("MISSING_PARAMETER", message)
        })
    }
}

/// A call whose parameters are sound.
#[derive(Debug)]
pub(super) enum Order {
    Describe(Query),
    Terminate(String, Version),
    Release(Vec<String>),
}

impl Order {
    pub(super) fn read(
        action: Action,
        version: Version,
        parameters: Parameters<'_>,
    ) -> Result<Self, Refusal> {
        Ok(match action {
            Action::DescribeInstances => Self::Describe(Query::read(parameters)?),
            Action::TerminateInstance => {
                Self::Terminate(request::instance_id(parameters)?, version)
            }
            Action::ReleaseInstances => Self::Release(request::instance_ids(parameters)?),
        })
    }
}
