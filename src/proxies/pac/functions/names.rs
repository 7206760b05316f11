//! Functions that look at a host's name or a URL as text.

/// `isPlainHostName`: a name without a dot; an IPv6 address is none.
pub(in crate::proxies::pac) fn is_plain_host_name(host: &str) -> bool {
    !host.contains(['.', ':'])
}

/// `dnsDomainIs`: the host ends in this text; a leading dot in it is the script's own business.
pub(in crate::proxies::pac) fn dns_domain_is(host: &str, domain: &str) -> bool {
    host.ends_with(domain)
}

/// `localHostOrDomainIs`: the same name, or its first part without a domain.
pub(in crate::proxies::pac) fn local_host_or_domain_is(host: &str, full: &str) -> bool {
    host == full || full.strip_prefix(host).is_some_and(|rest| rest.starts_with('.'))
}

/// `dnsDomainLevels`: the number of dots.
pub(in crate::proxies::pac) fn dns_domain_levels(host: &str) -> usize {
    host.matches('.').count()
}

/// `shExpMatch`: `*` stands for any text and `?` for one character, as in a shell; everything else for itself.
pub(in crate::proxies::pac) fn shell_expression_matches(text: &str, pattern: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let pattern: Vec<char> = pattern.chars().collect();
    let (mut at, mut wanted) = (0, 0);
    // Where the last `*` stood, and how much of the text it covers so far: no other star has to be tried again.
    let mut star: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(wanted) {
            Some('*') => {
                star = Some((wanted, at));
                wanted += 1;
            }
            Some(character) if *character == '?' || *character == text[at] => {
                at += 1;
                wanted += 1;
            }
            _ => match &mut star {
                None => return false,
                Some((place, covered)) => {
                    *covered += 1;
                    at = *covered;
                    wanted = *place + 1;
                }
            },
        }
    }
    pattern[wanted..].iter().all(|character| *character == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_as_the_reference_scripts_do() {
        assert!(is_plain_host_name("www"));
        assert!(!is_plain_host_name("www.example.com"));
        assert!(!is_plain_host_name("::1"));
        assert!(dns_domain_is("www.example.com", ".example.com"));
        assert!(dns_domain_is("badexample.com", "example.com"));
        assert!(!dns_domain_is("www", ".example.com"));
        assert!(local_host_or_domain_is("www.example.com", "www.example.com"));
        assert!(local_host_or_domain_is("www", "www.example.com"));
        assert!(!local_host_or_domain_is("www.example.net", "www.example.com"));
        assert!(!local_host_or_domain_is("home", "www.example.com"));
        assert!(!local_host_or_domain_is("ww", "www.example.com"));
        assert_eq!([dns_domain_levels("www"), dns_domain_levels("www.example.com")], [0, 2]);
    }

    #[test]
    fn a_shell_expression_has_two_wildcards_and_no_others() {
        for (text, pattern, matches) in [
            ("http://home.example.com/people/ari/index.html", "*/ari/*", true),
            ("http://home.example.com/people/montulli/index.html", "*/ari/*", false),
            ("v10c.events.data.microsoft.com", "*.data.microsoft.com", true),
            ("v10c.events.data.microsoft.com", "v10?.events.*", true),
            ("v10.events.data.microsoft.com", "v10?.events.*", false),
            ("aXcom", "a.com", false),
            ("a[b]c", "a[b]c", true),
            ("ac", "a[bc]", false),
            ("", "", true),
            ("", "**", true),
            ("", "?", false),
            ("a", "", false),
            ("mississippi", "*iss*ip*", true),
            ("Größe", "Gr??e", true),
        ] {
            assert_eq!(shell_expression_matches(text, pattern), matches, "{text} {pattern}");
        }
    }

    #[test]
    fn many_stars_cost_no_more_than_text_times_pattern() {
        let text = "a".repeat(20_000);
        let pattern = "*a".repeat(200) + "b";
        assert!(!shell_expression_matches(&text, &pattern));
    }
}
