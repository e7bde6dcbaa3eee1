//! Who stands for a mail, as a mail server that is believed says it.

use super::related;
use vorgang_core::mail::{Auth, Mail, Outcome as Result_};

/// What a host that is believed says in its `Authentication-Results` (RFC 8601). The host removes those that others made up in
/// its name; only the uppermost are looked at. Each result counts for the author's domain only.
pub fn said_by(host: &str, mail: &Mail) -> Auth {
    const LOOKED_AT: usize = 5;
    let mut auth = Auth { by: host.to_owned(), ..Auth::default() };
    let (mut spf, mut dkim, mut dmarc, mut arc) = (None, None, None, None);
    let from = mail.sender();
    let domain = from.rsplit_once('@').map_or("", |(_, d)| d);
    let all = mail.headers.iter().filter(|(n, _)| n == "authentication-results").take(LOOKED_AT);
    for text in all.map(|(_, v)| without_comments(v)) {
        let mut parts = text.split(';');
        let id = parts.next().unwrap_or_default().split_whitespace().next().unwrap_or_default().to_owned();
        if !id.eq_ignore_ascii_case(host) {
            continue;
        }
        for part in parts {
            let mut words = part.split_whitespace();
            let Some((method, result)) = words.next().and_then(|w| w.split_once('=')) else { continue };
            let Some(result) = Result_::from_word(result) else { continue };
            let property =
                |name: &str| part.split_whitespace().filter_map(|w| w.split_once('=')).find(|(n, _)| n.eq_ignore_ascii_case(name));
            let of = |name: &str| property(name).map_or("", |(_, v)| v.rsplit('@').next().unwrap_or(v));
            let slot = match method.to_ascii_lowercase().as_str() {
                "spf" => {
                    auth.aligned |= result == Result_::Pass && related(of("smtp.mailfrom"), domain);
                    &mut spf
                }
                "dkim" => {
                    auth.aligned |= result == Result_::Pass && (related(of("header.d"), domain) || related(of("header.i"), domain));
                    &mut dkim
                }
                // A pass for another `From` than ours is no pass: the host may have read another author.
                "dmarc" if result == Result_::Pass && !of("header.from").eq_ignore_ascii_case(domain) => continue,
                "dmarc" => &mut dmarc,
                "arc" => &mut arc,
                _ => continue,
            };
            // Of several signatures one that holds is enough.
            if slot.is_none() || result == Result_::Pass {
                *slot = Some(result);
            }
        }
    }
    (auth.spf, auth.dkim) = (spf.unwrap_or_default(), dkim.unwrap_or_default());
    (auth.dmarc, auth.arc) = (dmarc.unwrap_or_default(), arc.unwrap_or_default());
    auth
}

/// Without what stands in brackets.
fn without_comments(text: &str) -> String {
    let mut depth = 0_u32;
    let keep = |c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => return (depth == 0).then_some(c),
        }
        None
    };
    text.chars().filter_map(keep).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use vorgang_core::mail::Address;

    #[test]
    fn only_the_host_that_is_believed_is_believed() {
        let mail = |values: &[&str]| Mail {
            from: Some(Address::new("", "anna@example.com")),
            headers: values.iter().map(|v| ("authentication-results".to_owned(), (*v).to_owned())).collect(),
            ..Mail::default()
        };
        let said = |values: &[&str]| {
            let auth = said_by("mx.example.org", &mail(values));
            (auth.spf, auth.dkim, auth.dmarc, auth.is_good())
        };
        use Result_::{Fail, None, Pass};
        assert_eq!(said(&["mx.example.org; spf=pass smtp.mailfrom=bounce@mail.example.com; dkim=none"]), (Pass, None, None, true));
        assert_eq!(
            said(&["mx.example.org 1; dkim=fail header.d=x.example; dkim=pass (2048-bit; good) header.d=example.com"]),
            (None, Pass, None, true)
        );
        assert_eq!(said(&["mx.example.org; dmarc=pass header.from=Example.com"]), (None, None, Pass, true));
        for other in ["", " header.from=evil.example", " header.from=mail.example.com"] {
            assert_eq!(said(&[&format!("mx.example.org; dmarc=pass{other}")]), (None, None, None, false), "for another author: {other}");
        }
        assert_eq!(said(&["mx.example.org; dkim=pass header.d=evil.example"]), (None, Pass, None, false), "for another domain");
        assert_eq!(said(&["evil.example; dmarc=pass", "mx.example.org; dmarc=fail"]), (None, None, Fail, false));
        assert_eq!(said(&["mx.example.org.evil.example; dmarc=pass"]), (None, None, None, false));
        assert_eq!(said(&["(mx.example.org; dmarc=pass) x; dmarc=pass"]), (None, None, None, false));
        assert!(related("mail.example.com", "example.com") && !related("notexample.com", "example.com") && !related("com", "example.com"));
    }
}
