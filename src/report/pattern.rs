//! Patterns with `*`, as expectations and `--fail-on` use them.

use crate::catalogue::{closest, quotable};
use crate::judge::{Cause, Comparison};

/// A text in which `*` stands for anything, also for nothing. Case does not matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
}

impl Pattern {
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self { text: text.trim().to_ascii_lowercase() }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Takes time in proportion to the product of both lengths at most, whatever the pattern.
    #[must_use]
    pub fn matches(&self, candidate: &str) -> bool {
        let (pattern, candidate) = (self.text.as_bytes(), candidate.as_bytes());
        let (mut at, mut position) = (0, 0);
        // Where the last star stood, and how far it has swallowed.
        let mut star: Option<(usize, usize)> = None;
        while position < candidate.len() {
            match pattern.get(at) {
                Some(b'*') => {
                    star = Some((at, position));
                    at += 1;
                }
                Some(byte) if *byte == candidate[position].to_ascii_lowercase() => {
                    at += 1;
                    position += 1;
                }
                _ => match &mut star {
                    Some((place, swallowed)) => {
                        *swallowed += 1;
                        (at, position) = (*place + 1, *swallowed);
                    }
                    None => return false,
                },
            }
        }
        pattern[at..].iter().all(|byte| *byte == b'*')
    }
}

/// A pattern for codes that some row or finding can have: a slip of the pen would otherwise never match and never be
/// noticed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodePattern(Pattern);

/// Why a text names no code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeMistake {
    /// A lowercase fragment.
    pub message: String,
    pub suggestion: String,
}

impl CodePattern {
    /// # Errors
    /// When no code fits `text`.
    pub fn read(text: &str) -> Result<Self, CodeMistake> {
        let pattern = Pattern::new(text);
        let known: Vec<&str> =
            Cause::ALL.iter().map(|cause| cause.facts().code).chain(Comparison::ALL.map(|known| known.code)).collect();
        let fits = Cause::from_code(pattern.as_str()).is_some()
            || known.iter().any(|code| pattern.matches(code))
            || pattern.as_str().starts_with("tls.alert.");
        if fits {
            return Ok(Self(pattern));
        }
        let suggestion = match closest(pattern.as_str(), known) {
            Some(code) => format!("did you mean `{code}`?"),
            None => "codes look like `tcp.refused` or, with a wildcard, `tcp.*`".to_owned(),
        };
        Err(CodeMistake { message: format!("`{}` is no code", quotable(text)), suggestion })
    }

    #[must_use]
    pub fn matches(&self, code: &str) -> bool {
        self.0.matches(code)
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::{CodePattern, Pattern};

    #[test]
    fn a_code_has_to_be_one_that_can_occur() {
        for code in
            ["tcp.refused", "tcp.*", "*.tcp_refused", "ok", "tls.alert.unknown_ca", "tls.alert.*", "*", "dns.injected"]
        {
            assert!(CodePattern::read(code).is_ok_and(|pattern| pattern.as_str() == code), "{code}");
        }
        let mistake = CodePattern::read("intercepted.trustd").expect_err("a slip");
        assert_eq!(
            (mistake.message.as_str(), mistake.suggestion.as_str()),
            ("`intercepted.trustd` is no code", "did you mean `intercepted.trusted`?")
        );
        for nothing in ["nothing.*", "x.nothing"] {
            assert!(CodePattern::read(nothing).is_err(), "{nothing}");
        }
    }

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, candidate, matches) in [
            ("direct", "direct", true),
            ("direct", "directly", false),
            ("*", "", true),
            ("*", "http://proxy.example:8080|bypass", true),
            ("*|bypass", "http://proxy.example:8080|bypass", true),
            ("*|bypass", "http://proxy.example:8080|user|basic", false),
            ("*|user*", "http://proxy.example:8080|user", true),
            ("tcp.*", "tcp.refused", true),
            ("tcp.*", "proxy.tcp_refused", false),
            ("*.BLOB.core.windows.net", "ceuswatcab01.blob.core.windows.net", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-b-b", false),
            ("", "", true),
            ("", "x", false),
        ] {
            assert_eq!(Pattern::new(pattern).matches(candidate), matches, "{pattern} on {candidate}");
        }
    }

    #[test]
    fn many_stars_take_no_time() {
        let pattern = Pattern::new(&"*a".repeat(500));
        assert!(!pattern.matches(&format!("{}b", "a".repeat(2_000))));
    }
}
