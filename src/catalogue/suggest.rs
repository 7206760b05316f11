//! The word that was probably meant.

/// The candidate closest to `word`, unless even that one is too far to be what was meant.
pub(crate) fn closest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    // A misspelling of a key is short; comparing a pasted page with every candidate would only take time.
    if word.len() > 80 {
        return None;
    }
    let word = word.to_lowercase().replace(['_', ' '], "-");
    candidates
        .into_iter()
        .map(|candidate| (distance(&word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= (word.chars().count().max(candidate.len()) / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn distance(word: &str, candidate: &str) -> usize {
    let letters = strsim::damerau_levenshtein(word, candidate);
    // `microsoft-application` for `microsoft-application-root`: what is there is right, so the rest weighs little.
    let begun = word.len() >= 4 && (candidate.starts_with(word) || word.starts_with(candidate));
    if begun { letters.min(2) } else { letters }
}

#[cfg(test)]
mod tests {
    use super::closest;

    #[test]
    fn slips_are_recognised_and_other_words_are_left_alone() {
        let keys = ["name", "url", "function", "trust", "lifecycle", "probe", "needs"];
        for (word, meant) in [
            ("nmae", Some("name")),
            ("Trust", Some("trust")),
            ("life_cycle", Some("lifecycle")),
            ("need", Some("needs")),
            ("urls", Some("url")),
            ("func", Some("function")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(closest(word, keys), meant, "{word}");
        }
        assert_eq!(closest(&"name".repeat(100_000), keys), None);
    }
}
