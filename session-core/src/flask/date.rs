//! HTTP dates of all years that Python supports. The crate `httpdate` supports only dates from
//! 1970.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

const DAY: i64 = 24 * 60 * 60;
/// The first day of the year 1, in days since 1970.
const FIRST_DAY: i64 = -719_162;
/// The names of the days. The first day of the year 1 is a Monday.
const DAY_NAMES: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTH_NAMES: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Returns the HTTP date of a time, without the fraction of a second. A time outside of the years 1
/// to 9999 becomes the nearest date within these years.
pub(super) fn format(time: SystemTime) -> String {
    let Ok(before) = UNIX_EPOCH.duration_since(time) else {
        return crate::cookie::http_date(time);
    };
    let whole = before.as_secs().saturating_add(u64::from(before.subsec_nanos() > 0));
    if whole == 0 {
        return crate::cookie::http_date(time);
    }
    let seconds = i64::try_from(whole).map_or(i64::MIN, |whole| -whole).max(FIRST_DAY * DAY);
    let (day, second) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
    let weekday = DAY_NAMES[usize::try_from((day - FIRST_DAY) % 7).unwrap_or_default()];
    let (year, month, day) = civil(day);
    let month = MONTH_NAMES[usize::try_from(month - 1).unwrap_or_default()];
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}

/// Parses an HTTP date.
pub(super) fn parse(text: &str) -> Option<SystemTime> {
    httpdate::parse_http_date(text).ok().or_else(|| parse_early(text))
}

/// Parses a date of the years 1 to 1969, such as `Thu, 01 Jan 1903 00:00:00 GMT`.
fn parse_early(text: &str) -> Option<SystemTime> {
    let (weekday, rest) = text.strip_suffix(" GMT")?.split_once(", ")?;
    DAY_NAMES.contains(&weekday).then_some(())?;
    let [day, month, year, time] = rest.split(' ').collect::<Vec<_>>().try_into().ok()?;
    let [hour, minute, second] = time.split(':').collect::<Vec<_>>().try_into().ok()?;
    let month = (1..).zip(MONTH_NAMES).find(|(_, name)| *name == month)?.0;
    let year = number(year, 4, 1..=1969)?;
    let day = days(year, month, number(day, 2, 1..=31)?)?;
    let second = number(hour, 2, 0..=23)? * 3600
        + number(minute, 2, 0..=59)? * 60
        + number(second, 2, 0..=59)?;
    let before = u64::try_from(-(day * DAY + second)).ok()?;
    UNIX_EPOCH.checked_sub(Duration::from_secs(before))
}

fn number(text: &str, digits: usize, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
    let is_number = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|_| is_number)?;
    range.contains(&number).then_some(number)
}

/// Returns the number of days since 1970, or `None` if the date does not exist.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    // In this calculation, years begin in March, because the leap day is then the last day.
    let shifted = if month > 2 { year } else { year - 1 };
    let (era, of_era) = (shifted.div_euclid(400), shifted.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    (civil(days) == (year, month, day)).then_some(days)
}

/// Returns the year, the month and the day of a number of days since 1970.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    (year, month, of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn before_1970(seconds: u64) -> SystemTime {
        UNIX_EPOCH - Duration::from_secs(seconds)
    }

    #[test]
    fn dates_before_1970_are_those_of_python() {
        for (text, seconds) in [
            ("Wed, 31 Dec 1969 23:59:59 GMT", 1),
            ("Thu, 01 Jan 1903 00:00:00 GMT", 2_114_380_800),
            ("Tue, 29 Feb 1600 12:34:56 GMT", 11_670_953_104),
            ("Mon, 01 Jan 0001 00:00:00 GMT", 62_135_596_800),
        ] {
            assert_eq!(format(before_1970(seconds)), text);
            assert_eq!(parse(text), Some(before_1970(seconds)), "{text}");
        }
    }

    #[test]
    fn every_day_before_1970_is_read_as_it_was_written() {
        for day in (1..719_162).step_by(97) {
            let time = before_1970(day * 86_400 - 1);
            assert_eq!(parse(&format(time)), Some(time));
        }
    }

    #[test]
    fn fraction_is_dropped_and_earlier_times_are_clamped() {
        let time = UNIX_EPOCH - Duration::from_millis(1);
        assert_eq!(format(time), "Wed, 31 Dec 1969 23:59:59 GMT");
        assert_eq!(format(UNIX_EPOCH), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(format(before_1970(1 << 40)), "Mon, 01 Jan 0001 00:00:00 GMT");
    }

    #[test]
    fn text_other_than_date_is_not_read() {
        for text in [
            "",
            "Mon, 01 Jan 0000 00:00:00 GMT",
            "Thu, 29 Feb 1900 00:00:00 GMT",
            "Thu, 31 Apr 1903 00:00:00 GMT",
            "Thu, 1 Jan 1903 00:00:00 GMT",
            "Thu, 01 Jan 1903 24:00:00 GMT",
            "Thu, 01 Jan 1903 00:00:00 UTC",
            "Thu, 01 Jan +903 00:00:00 GMT",
            "Xyz, 01 Jan 1903 00:00:00 GMT",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
