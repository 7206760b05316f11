//! Functions over the time: `weekdayRange`, `dateRange`, `timeRange`. The time comes in; `"GMT"` was seen to before.

use jiff::civil::DateTime;

const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// Takes a `"GMT"` off the end of the arguments and says whether it was there.
pub(in crate::proxies::pac) fn take_gmt(arguments: &mut Vec<String>) -> bool {
    let gmt = arguments.last().is_some_and(|last| last == "GMT");
    if gmt {
        arguments.pop();
    }
    gmt
}

/// `weekdayRange("MON", "FRI")`: from one day to the other, over the weekend too; one day alone is that day.
pub(in crate::proxies::pac) fn weekday_range(now: DateTime, arguments: &[String]) -> bool {
    let day = |name: &String| DAYS.iter().position(|known| known == name);
    let (Some(first), Some(last)) =
        (arguments.first().and_then(day), arguments.get(1).or(arguments.first()).and_then(day))
    else {
        return false;
    };
    let today = usize::try_from(now.weekday().to_sunday_zero_offset()).unwrap_or_default();
    within(&today, &first, &last)
}

/// `dateRange`: a day, a month or a year; or from one to another, each given by one, two or all three of them.
pub(in crate::proxies::pac) fn date_range(now: DateTime, arguments: &[String]) -> bool {
    match arguments {
        [] => false,
        [one] => Date::read(std::slice::from_ref(one)).is_some_and(|date| Date::of(now, &date) == date),
        _ if !arguments.len().is_multiple_of(2) => false,
        _ => {
            let (first, last) = arguments.split_at(arguments.len() / 2);
            let (Some(first), Some(last)) = (Date::read(first), Date::read(last)) else { return false };
            let today = Date::of(now, &first);
            Date::of(now, &last).has_fields_of(&today) && last.has_fields_of(&first) && within(&today, &first, &last)
        }
    }
}

/// `timeRange(hour)`, `(hour, hour)`, with minutes, with seconds. Two bare hours are whole hours, both of them: 9 to 17
/// ends at 17:59:59; with minutes the range ends when that minute does.
pub(in crate::proxies::pac) fn time_range(now: DateTime, arguments: &[String]) -> bool {
    let numbers: Option<Vec<i64>> = arguments.iter().map(|argument| number(argument)).collect();
    let Some(numbers) = numbers else { return false };
    let (hour, minute, second) = (i64::from(now.hour()), i64::from(now.minute()), i64::from(now.second()));
    match numbers[..] {
        [only] => hour == only,
        [first, last] => first <= hour && hour <= last,
        [first, first_minute, last, last_minute] => {
            within(&(hour, minute), &(first, first_minute), &(last, last_minute))
        }
        [first, first_minute, first_second, last, last_minute, last_second] => {
            let (first, last) = ((first, first_minute, first_second), (last, last_minute, last_second));
            within(&(hour, minute, second), &first, &last)
        }
        _ => false,
    }
}

/// Between two ends that belong to it; a range that ends before it begins goes round.
fn within<T: PartialOrd>(now: &T, first: &T, last: &T) -> bool {
    if first <= last { first <= now && now <= last } else { first <= now || now <= last }
}

/// The parts of a date that a script gave, in the order in which dates compare.
#[derive(Debug, PartialEq, PartialOrd)]
struct Date {
    year: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
}

impl Date {
    fn read(arguments: &[String]) -> Option<Self> {
        let mut date = Self { year: None, month: None, day: None };
        for argument in arguments {
            let (field, value) = match number(argument) {
                Some(value @ 1..32) => (&mut date.day, value),
                Some(value) => (&mut date.year, value),
                None => {
                    let month = MONTHS.iter().position(|known| known == argument)?;
                    (&mut date.month, i64::try_from(month).ok()? + 1)
                }
            };
            if field.replace(value).is_some() {
                return None;
            }
        }
        Some(date)
    }

    /// Today, by the fields that `like` has.
    fn of(now: DateTime, like: &Self) -> Self {
        Self {
            year: like.year.map(|_| i64::from(now.year())),
            month: like.month.map(|_| i64::from(now.month())),
            day: like.day.map(|_| i64::from(now.day())),
        }
    }

    fn has_fields_of(&self, other: &Self) -> bool {
        let fields = |date: &Self| [date.year.is_some(), date.month.is_some(), date.day.is_some()];
        fields(self) == fields(other)
    }
}

/// The number at the beginning of a text, as `parseInt` reads it.
fn number(text: &str) -> Option<i64> {
    let text = text.trim_start();
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let length = digits.bytes().take_while(u8::is_ascii_digit).count();
    text[..text.len() - digits.len() + length].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime {
        // A Saturday.
        jiff::civil::date(2026, 11, 21).at(14, 30, 15, 0)
    }

    fn texts(arguments: &str) -> Vec<String> {
        arguments.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn gmt_is_taken_off_the_end() {
        let mut arguments = texts("MON FRI GMT");
        assert!(take_gmt(&mut arguments));
        assert_eq!(arguments, ["MON", "FRI"]);
        assert!(!take_gmt(&mut arguments));
    }

    #[test]
    fn a_weekday_lies_in_a_range_that_may_go_over_the_weekend() {
        for (arguments, inside) in [
            ("SAT", true),
            ("MON FRI", false),
            ("FRI MON", true),
            ("SAT SAT", true),
            ("SUN FRI", false),
            ("sat", false),
            ("", false),
        ] {
            assert_eq!(weekday_range(now(), &texts(arguments)), inside, "{arguments}");
        }
    }

    #[test]
    fn a_date_is_given_by_day_month_year_or_any_of_them() {
        for (arguments, inside) in [
            ("21", true),
            ("20", false),
            ("NOV", true),
            ("2026", true),
            ("2025", false),
            ("1 21", true),
            ("1 20", false),
            ("28 21", true),
            ("OCT DEC", true),
            ("DEC FEB", false),
            ("NOV FEB", true),
            ("2020 2026", true),
            ("1 NOV 21 NOV", true),
            ("22 NOV 1 DEC", false),
            ("24 DEC 22 NOV", true),
            ("NOV 2026 MAR 2027", true),
            ("DEC 2026 MAR 2027", false),
            ("24 DEC 2025 21 NOV 2026", true),
            ("24 DEC 2025 20 NOV 2026", false),
            ("21.0", true),
            ("NOVEMBER", false),
            ("1 NOV", false),
            ("1 NOV 2026", false),
            ("1 NOV DEC 3", true),
            ("1 1 2 2", false),
            ("", false),
        ] {
            assert_eq!(date_range(now(), &texts(arguments)), inside, "{arguments}");
        }
    }

    #[test]
    fn a_time_is_given_by_hours_minutes_and_seconds() {
        for (arguments, inside) in [
            ("14", true),
            ("13", false),
            ("9 14", true),
            ("15 17", false),
            ("22 15", false),
            ("14 0 14 30", true),
            ("14 0 14 29", false),
            ("22 0 14 30", true),
            ("22 0 6 0", false),
            ("14 30 0 14 30 15", true),
            ("14 30 16 18 0 0", false),
            ("1 2 3", false),
            ("noon", false),
            ("", false),
        ] {
            assert_eq!(time_range(now(), &texts(arguments)), inside, "{arguments}");
        }
    }
}
