//! A message as people write it: what it quotes is folded, and addresses of pages become links.

use maud::{Markup, html};

/// Lines that are folded only where there are more of them.
const FOLDED_MIN: usize = 3;

pub enum Block<'a> {
    Text(&'a str),
    Quote(&'a str),
}

/// Texts and quotes in turn: lines that begin with `>`, with the line before them that says who wrote it.
pub fn blocks(body: &str) -> Vec<Block<'_>> {
    let mut all = vec![];
    let (mut start, mut at, mut quoted) = (0, 0, false);
    let mut last = 0;
    for line in body.split_inclusive('\n') {
        let is_quote = line.starts_with('>') || (quoted && line.trim().is_empty());
        if is_quote != quoted {
            // Who wrote it stands above what he wrote.
            let introduces = is_quote && body[last..at].trim_end().ends_with(':');
            let border = if introduces { last.max(start) } else { at };
            push(&mut all, &body[start..border], quoted);
            (start, quoted) = (border, is_quote);
        }
        last = at;
        at += line.len();
    }
    push(&mut all, &body[start..], quoted);
    all
}

fn push<'a>(all: &mut Vec<Block<'a>>, text: &'a str, quoted: bool) {
    if text.trim().is_empty() {
        return;
    }
    all.push(if quoted && text.lines().count() >= FOLDED_MIN { Block::Quote(text) } else { Block::Text(text) });
}

pub fn draw(body: &str, title: &str) -> Markup {
    html! {
        @for block in blocks(body) {
            @match block {
                Block::Text(text) => { div.body { (linked(text.trim_end())) } }
                Block::Quote(text) => { details.quote { summary { (title) } div.body { (linked(text.trim_end())) } } }
            }
        }
    }
}

/// Only what begins with `https://` or `http://` and has nothing in it that would end an attribute.
fn linked(text: &str) -> Markup {
    let mut rest = text;
    html! {
        @while let Some(at) = rest.find("http") {
            @let (before, after) = rest.split_at(at);
            (before)
            @let end = after.find(|c: char| c.is_whitespace() || c.is_control() || "<>\"'`{}|\\^".contains(c)).unwrap_or(after.len());
            @let url = after[..end].trim_end_matches(['.', ',', ')', ';', ':', '!', '?', ']']);
            @let good = ["https://", "http://"].iter().any(|s| url.strip_prefix(s).is_some_and(|r| r.len() > 1));
            @if good { a href=(url) rel="noopener noreferrer nofollow" target="_blank" { (url) } } @else { (&after[..4]) }
            @let next = &after[if good { url.len() } else { 4 }..];
            @let () = rest = next;
        }
        (rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_folded_with_the_line_that_introduces_them() {
        let body = "Yes.\n\nOn Monday, Mia wrote:\n> one\n> two\n\n> three\nBye\n";
        let kinds: Vec<String> = blocks(body)
            .iter()
            .map(|b| match b {
                Block::Text(t) => format!("T {t}"),
                Block::Quote(t) => format!("Q {t}"),
            })
            .collect();
        assert_eq!(kinds, ["T Yes.\n\n", "Q On Monday, Mia wrote:\n> one\n> two\n\n> three\n", "T Bye\n"]);
        assert!(matches!(blocks("> short\nText")[..], [Block::Text(_), Block::Text(_)]), "a short one is not worth folding");
    }

    #[test]
    fn links_are_made_of_text_only() {
        let drawn = |t: &str| linked(t).into_string();
        assert_eq!(
            drawn("see https://a.example/x."),
            "see <a href=\"https://a.example/x\" rel=\"noopener noreferrer nofollow\" target=\"_blank\">https://a.example/x</a>."
        );
        assert!(
            !drawn("http://x\"onmouseover=\"alert(1)").contains("onmouseover=\"alert"),
            "{}",
            drawn("http://x\"onmouseover=\"alert(1)")
        );
        assert_eq!(drawn("javascript:alert(1) http: https"), "javascript:alert(1) http: https");
    }
}
