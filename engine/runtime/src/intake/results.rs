//! Who stands for a mail, as a mail server that is believed says it.

use crate::intake::incoming::related;
use vorgang_core::mail::{Auth, Mail, Outcome as Result_};
use vorgang_mail::lexical::{comment, quoted};

/// What a host that is believed says in its `Authentication-Results` (RFC 8601). The host removes those that others made up in
/// its name; only the uppermost are looked at. Each result counts for the author's domain only.
pub fn said_by(host: &str, mail: &Mail) -> Auth {
    const LOOKED_AT: usize = 5;
    let mut auth = Auth { by: host.to_owned(), ..Auth::default() };
    let (mut spf, mut dkim, mut dmarc, mut arc) = (None, None, None, None);
    let from = mail.sender();
    let domain = from.rsplit_once('@').map_or("", |(_, d)| d);
    let (mut by_server, mut by_signature) = (false, false);
    let all = mail.headers.iter().filter(|(n, _)| n == "authentication-results").take(LOOKED_AT);
    // A value that is not well-formed says nothing: others may read it in another way.
    for (id, said) in all.filter_map(|(_, v)| parsed(v)) {
        if !id.eq_ignore_ascii_case(host) {
            continue;
        }
        for words in said {
            let Some(((method, result), properties)) = words.split_first() else { continue };
            let Some(result) = Result_::from_word(result) else { continue };
            let of = |name: &str| {
                let value = properties.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map_or("", |(_, v)| v.as_str());
                value.rsplit('@').next().unwrap_or(value)
            };
            let passed = result == Result_::Pass;
            let slot = match method.to_ascii_lowercase().as_str() {
                "spf" => {
                    by_server |= passed && related(of("smtp.mailfrom"), domain);
                    &mut spf
                }
                "dkim" => {
                    by_signature |= passed && (related(of("header.d"), domain) || related(of("header.i"), domain));
                    &mut dkim
                }
                // A pass for another `From` than ours is no pass: the host may have read another author.
                "dmarc" if passed && !of("header.from").eq_ignore_ascii_case(domain) => continue,
                "dmarc" => {
                    // Of several results the worse one counts.
                    if dmarc.is_none_or(|before| before == Result_::Pass) {
                        dmarc = Some(result);
                    }
                    continue;
                }
                "arc" => &mut arc,
                _ => continue,
            };
            // Of several signatures one that holds is enough.
            if slot.is_none() || passed {
                *slot = Some(result);
            }
        }
    }
    auth.aligned = by_server || by_signature;
    (auth.spf, auth.dkim) = (spf.unwrap_or_default(), dkim.unwrap_or_default());
    (auth.dmarc, auth.arc) = (dmarc.unwrap_or_default(), arc.unwrap_or_default());
    // A host that takes signatures out of the mail vouches for all of it.
    let signed = signed(mail, domain);
    if !by_server && !signed.is_empty() {
        auth.unsigned = uncovered(&signed, mail);
    }
    auth
}

/// Header lines with addresses that at least one of these lists of signed header fields (`h=`) does not cover: they may have been
/// added. Without a signature none is covered.
pub fn uncovered<H: AsRef<[String]>>(signed: &[H], mail: &Mail) -> Vec<String> {
    let count = |name: &str| mail.headers.iter().filter(|(n, _)| n == name).count();
    let covered = |name: &str| {
        let by = |h: &H| h.as_ref().iter().filter(|s| s.eq_ignore_ascii_case(name)).count() >= count(name);
        !signed.is_empty() && signed.iter().all(by)
    };
    ["to", "cc", "reply-to"].into_iter().filter(|name| count(name) > 0 && !covered(name)).map(str::to_owned).collect()
}

/// The lists of signed header fields of all signatures of this domain (RFC 6376, 3.5).
fn signed(mail: &Mail, domain: &str) -> Vec<Vec<String>> {
    let fields = |value: &str| {
        let of = |name: &str| {
            let mut tags = value.split(';').filter_map(|t| t.split_once('='));
            tags.find(|(n, _)| n.trim() == name).map(|(_, v)| v.split_whitespace().collect::<String>())
        };
        let own = of("d").is_some_and(|d| related(&d, domain));
        own.then(|| of("h").unwrap_or_default().split(':').map(str::to_owned).collect())
    };
    mail.headers.iter().filter(|(n, _)| n == "dkim-signature").filter_map(|(_, v)| fields(v)).collect()
}

/// A result with its properties, each a name and a value; the first is the method and its result.
type Said = Vec<(String, String)>;

#[derive(PartialEq)]
enum Token {
    /// `glued`: it follows the token before it without a space or a comment.
    Text {
        text: String,
        quoted: bool,
        glued: bool,
    },
    Equals,
    End,
}

/// The tokens of a value, without comments (RFC 5322, 3.2.2 and 3.2.4). `None` where a quote or a comment does not end.
fn tokens(value: &str) -> Option<Vec<Token>> {
    let (mut all, mut glued) = (vec![], false);
    let mut rest = value.chars().peekable();
    while let Some(c) = rest.next() {
        let token = match c {
            '(' => {
                comment(&mut rest)?;
                glued = false;
                continue;
            }
            ')' => return None,
            c if c.is_whitespace() => {
                glued = false;
                continue;
            }
            '"' => Token::Text { text: quoted(&mut rest)?, quoted: true, glued },
            ';' => Token::End,
            '=' => Token::Equals,
            c => {
                let mut text = String::from(c);
                while let Some(c) = rest.next_if(|c| !c.is_whitespace() && !"();\"=".contains(*c)) {
                    text.push(c);
                }
                Token::Text { text, quoted: false, glued }
            }
        };
        glued = matches!(token, Token::Text { .. });
        all.push(token);
    }
    Some(all)
}

/// Takes a value apart: the host that speaks, and what it says. `None` where it is not well-formed.
fn parsed(value: &str) -> Option<(String, Vec<Said>)> {
    let tokens = tokens(value)?;
    let mut parts = tokens.split(|t| *t == Token::End);
    let Token::Text { text: id, quoted: false, .. } = parts.next()?.first()? else { return None };
    let mut all = vec![];
    for part in parts {
        let mut said: Said = vec![];
        let mut tokens = part.iter().peekable();
        while let Some(token) = tokens.next() {
            let Token::Text { text, quoted, .. } = token else { return None };
            if tokens.next_if(|t| **t == Token::Equals).is_none() {
                // A version, or a word such as `none`.
                continue;
            }
            if *quoted {
                return None;
            }
            // The value is the next text and what follows it without a space: `"a b"@example.com`, `header.b=abc==`.
            let mut value = String::new();
            let mut more = matches!(tokens.peek(), Some(Token::Text { .. }));
            while more {
                match tokens.next() {
                    Some(Token::Text { text, .. }) => value.push_str(text),
                    _ => value.push('='),
                }
                more = matches!(tokens.peek(), Some(Token::Text { glued: true, .. } | Token::Equals));
            }
            said.push((text.clone(), value));
        }
        all.push(said);
    }
    Some((id.clone(), all))
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
        let other_host = ["evil.example", "mx.example.org.evil.example"].map(|host| format!("{host}; dmarc=pass header.from=example.com"));
        for value in &other_host {
            assert_eq!(said(&[value]), (None, None, None, false), "{value}");
        }
        assert_eq!(said(&["(mx.example.org; dmarc=pass) x; dmarc=pass"]), (None, None, None, false));
        assert!(related("mail.example.com", "example.com") && !related("notexample.com", "example.com") && !related("com", "example.com"));
    }

    #[test]
    fn quotes_and_comments_say_nothing() {
        let good = |value: &str| {
            let headers = vec![("authentication-results".to_owned(), value.to_owned())];
            said_by("mx.example.org", &Mail { from: Some(Address::new("", "tina@good.test")), headers, ..Mail::default() }).is_good()
        };
        for forged in [
            "mx.example.org; spf=pass smtp.mailfrom=\"a; dmarc=pass header.from=good.test \"@evil.test; dmarc=none",
            "mx.example.org; spf=pass smtp.mailfrom=\"a; dmarc=pass header.from=good.test \"@evil.test; dmarc=fail header.from=good.test",
            "mx.example.org; spf=none smtp.helo=\"x; dkim=pass header.d=good.test; y\"",
            "mx.example.org; spf=none (a\\);dmarc=pass header.from=good.test) smtp.mailfrom=x@evil.test",
            "mx.example.org; spf=none (a (b) c; dmarc=pass header.from=good.test)",
            "mx.example.org; spf=pass smtp.mailfrom=\"a (b\"@good.test; dmarc=fail header.from=good.test",
            "mx.example.org; dmarc=pass header.from=good.test; dmarc=fail header.from=good.test",
            "mx.example.org; dmarc=fail header.from=good.test; dmarc=pass header.from=good.test",
            "mx.example.org; spf=pass smtp.mailfrom=\"a@good.test",
            "mx.example.org; dmarc=pass header.from=good.test (",
            "mx.example.org; dmarc=pass header.from=good.test )",
            "mx.example.org; \"dmarc\"=pass header.from=good.test",
            "\"mx.example.org\"; dmarc=pass header.from=good.test",
            "mx.example.org; dkim=pass reason=\"header.d=good.test\" header.d=evil.test",
            "mx.example.org; dkim=pass header.d=evil.test header.d=good.test",
        ] {
            assert!(!good(forged), "{forged}");
        }
        for honest in [
            "mx.example.org; dmarc=pass header.from=good.test",
            "mx.example.org; dmarc = pass (p=none) header.from = good.test",
            "mx.example.org; spf=pass smtp.mailfrom=\"a; b \"@good.test",
            "mx.example.org; dkim=pass header.d=good.test header.b=\"a/b=\" header.s=x",
            "mx.example.org; dkim=pass header.b=ab== header.d=good.test",
        ] {
            assert!(good(honest), "{honest}");
        }
    }

    #[test]
    fn lines_that_no_signature_covers_are_named() {
        let mail = |headers: &[(&str, &str)]| Mail {
            from: Some(Address::new("", "anna@good.test")),
            headers: headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
            ..Mail::default()
        };
        let said = ("authentication-results", "mx.example.org; dkim=pass header.d=good.test");
        let signature = ("dkim-signature", "v=1; d=good.test; h=From:To:\r\n Subject; b=x");
        let (to, cc) = (("to", "a@x.test"), ("cc", "thief@evil.test"));
        let unsigned = |headers: &[(&str, &str)]| said_by("mx.example.org", &mail(headers)).unsigned;
        assert_eq!(unsigned(&[said, signature, to]), Vec::<String>::new());
        assert_eq!(unsigned(&[said, signature, to, cc]), ["cc"]);
        assert_eq!(unsigned(&[said, signature, to, to]), ["to"], "one more than is signed");
        // A made-up signature that claims to cover more takes nothing away.
        let other = ("dkim-signature", "v=1; d=good.test; h=from:to:cc; b=y");
        assert_eq!(unsigned(&[said, other, signature, to, cc]), ["cc"]);
        let by_server = ("authentication-results", "mx.example.org; spf=pass smtp.mailfrom=b@good.test");
        assert_eq!(unsigned(&[by_server, to, cc]), Vec::<String>::new(), "the author's server sent it as it is");
    }
}
