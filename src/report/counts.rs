//! How many there are of something, as people read it.

/// `1 row`, `2 rows`.
#[must_use]
pub(super) fn plural(count: usize, what: &str) -> String {
    let thousands = grouped(count);
    if count == 1 { format!("{thousands} {what}") } else { format!("{thousands} {what}s") }
}

/// Stands behind a list that was cut.
pub(super) fn and_more(count: usize) -> String {
    format!("  … and {} more", grouped(count))
}

/// `10,000`.
pub(super) fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_easily() {
        assert_eq!(plural(1, "route"), "1 route");
        assert_eq!(plural(10_000, "endpoint"), "10,000 endpoints");
        assert_eq!(and_more(1_234), "  … and 1,234 more");
    }
}
