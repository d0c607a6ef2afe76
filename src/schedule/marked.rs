//! Reads the list items of a crontab pattern that carry a mark: `L`, `LW`, `15W`, `MON#1`, `FRIL`.

use super::field::{Fault, Fix, Kind, WEEKDAYS, range, shown, value};

/// Reads what only the fields of days know: `L`, `LW`, `15W`, `MON#1`, `FRIL`. `None` if the item is of another form.
pub(super) fn special(kind: Kind, text: &str) -> Result<Option<String>, Fault> {
    let upper = text.to_ascii_uppercase();
    let digits = upper.trim_start_matches(|letter: char| letter.is_ascii_digit());
    let is_marked = upper.contains('#') || matches!(digits, "L" | "W" | "LW" | "WL");
    match kind {
        Kind::Day => last_or_nearest(text, &upper),
        Kind::Weekday => nth_or_last(text, &upper),
        Kind::Second | Kind::Minute | Kind::Hour | Kind::Month if is_marked => {
            let fix = Fix::Do(kind.expected().to_owned());
            let problem = "has a meaning only in the day-of-month and day-of-week fields";
            Err(Fault::new(kind, text, problem, fix).of_another(Kind::Day))
        }
        Kind::Second | Kind::Minute | Kind::Hour | Kind::Month => Ok(None),
    }
}

fn last_or_nearest(text: &str, upper: &str) -> Result<Option<String>, Fault> {
    let kind = Kind::Day;
    let fault = |problem: &str, fix: Fix| Err(Fault::new(kind, text, problem, fix));
    let do_ = |sentence: &str| Fix::Do(sentence.to_owned());
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match upper {
        "L" | "LW" => return Ok(Some(upper.to_owned())),
        "WL" => return fault("is not how the last weekday is written", Fix::Write("LW".into())),
        "W" => return fault("does not say which day", do_("write a day before it, such as `15W`")),
        _ => {}
    }
    if upper.starts_with("L-") {
        let fix = do_("write `L` for the last day, or a day such as `28`");
        return fault("counts back from the last day, which is not supported", fix);
    }
    if upper.contains('#') {
        let fix = do_("write it in the day-of-week field");
        return Err(Fault::new(kind, text, "is the nth day of the week in a month", fix)
            .of_another(Kind::Weekday));
    }
    if let Some(day) = upper.strip_suffix('W').filter(|day| day.contains('-') || is_number(day)) {
        if day.contains('-') {
            return fault("gives `W` a range", do_("write one day before it, such as `15W`"));
        }
        return value(kind, day).map(|day| Some(format!("{day}W")));
    }
    if let Some(day) = upper.strip_prefix('W').filter(|day| is_number(day)) {
        return fault("has its `W` in front", Fix::Write(format!("{day}W")));
    }
    if let Some(day) = upper.strip_suffix('L').filter(|day| is_number(day)) {
        let fix = match WEEKDAYS.get(day.parse::<usize>().unwrap_or(usize::MAX)) {
            Some(name) => format!("write `{name}L` in the day-of-week field, or `L` here"),
            None => "write `L` for the last day of the month".to_owned(),
        };
        let fault = Fault::new(kind, text, "gives `L` a number", Fix::Do(fix));
        return Err(fault.of_another(Kind::Weekday));
    }
    Ok(None)
}

fn nth_or_last(text: &str, upper: &str) -> Result<Option<String>, Fault> {
    let kind = Kind::Weekday;
    let fault = |problem: &str, fix: Fix| Err(Fault::new(kind, text, problem, fix));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if upper == "L" {
        let sentence = "write `FRIL` for the last Friday of the month; the last day of the month is `L` in the day-of-month field";
        return fault("does not say of which day it is the last", Fix::Do(sentence.to_owned()));
    }
    if let Some(day) = upper.strip_suffix('W').filter(|day| is_number(day) || *day == "L") {
        let fix = Fix::Do(format!("write `{day}W` in the day-of-month field"));
        return Err(Fault::new(kind, text, "has a meaning only for a day of the month", fix)
            .of_another(Kind::Day));
    }
    let (day, mark) = match upper.split_once('#') {
        Some(("", _)) => return Err(Fault::unreadable(kind, text)),
        Some((day, "L")) => return fault("marks the last twice", Fix::Write(format!("{day}L"))),
        Some((day, nth @ ("1" | "2" | "3" | "4" | "5"))) => (day, format!("#{nth}")),
        Some((day, _)) => {
            let sentence = format!("write `{day}#1` to `{day}#5`, or `{day}L` for the last one");
            return fault("names none of the five of a month", Fix::Do(sentence));
        }
        None => match upper
            .strip_suffix('L')
            .filter(|day| is_number(day) || kind.named(day).is_some() || day.contains('-'))
        {
            Some(day) => (day, "L".to_owned()),
            None => return Ok(None),
        },
    };
    if let Some(ends) = day.split_once('-') {
        let (from, to) = range(kind, day, ends)?;
        let each: Vec<_> = (from..=to).map(|one| shown(kind, one, day) + &mark).collect();
        return fault("marks a range, which has no one day", Fix::Write(each.join(",")));
    }
    value(kind, day).map(|day| Some(format!("{day}{mark}")))
}
