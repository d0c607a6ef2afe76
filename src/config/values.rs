//! Values that several keys of the config have: durations within bounds, names.

use std::time::Duration;

use jiff::SignedDuration;

use crate::{
    diagnostic::Code,
    lifetime::{self, Smallest, shorten},
    rules::RuleName,
    yaml::{At, Reader},
};

/// What a duration of the config may be.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    /// At least.
    pub(super) min: SignedDuration,
    /// At most.
    pub(super) max: SignedDuration,
    /// The smallest unit that it may name.
    pub(super) smallest: Smallest,
    /// The same in words.
    pub(super) help: &'static str,
}

/// A duration within bounds.
pub(super) fn duration(reader: &mut Reader, at: &At<'_>, bounds: Bounds) -> Option<Duration> {
    signed_duration(reader, at, bounds).and_then(|duration| duration.try_into().ok())
}

/// The same as a signed one, as times are reckoned with.
pub(super) fn signed_duration(
    reader: &mut Reader,
    at: &At<'_>,
    bounds: Bounds,
) -> Option<SignedDuration> {
    let Bounds { min, max, smallest, help } = bounds;
    let text = reader.text(at, help)?;
    match lifetime::duration_to(text, smallest) {
        Ok(duration) if (min..=max).contains(&duration) => Some(duration),
        Ok(_) => {
            reader.wrong(
                at,
                Code::OutOfRange,
                format!("`{}` is out of range", shorten(text)),
                format!("expected {help}"),
            );
            None
        }
        Err(message) => {
            reader.wrong(at, Code::NotADuration, message, format!("expected {help}"));
            None
        }
    }
}

/// The name of something of the user's own, which is made as a rule's is; `whose` it is, is for the message.
pub(super) fn own_name(reader: &mut Reader, at: &At<'_>, whose: &str) -> Option<String> {
    reader.value(at, Code::NotAName, RuleName::HELP, |text| {
        RuleName::new(text)
            .map(|_| text.to_owned())
            .map_err(|_| format!("`{}` is not {whose} name", shorten(text)))
    })
}
