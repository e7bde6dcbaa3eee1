//! Words of texts, made the same way for whatever is looked through and whatever is looked for: lower case, without
//! marks, `ß` as `ss`. Both databases get them ready.

use crate::Result;
use async_trait::async_trait;
use std::collections::BTreeSet;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use vorgang_core::ids::{ArticleId, TicketId};

/// Longest word that is told from others, in characters.
const WORD_CHARS_MAX: usize = 40;
/// Different words of one document.
const WORDS_MAX: usize = 20_000;
/// Words that are looked for at once.
const QUERY_WORDS_MAX: usize = 8;
/// Bits of a document's number that tell the article, and whether customers see it.
const ARTICLE_BITS: u32 = 21;

/// One article, or number and title of a ticket: numbers grow with the ticket's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Doc(pub i64);

impl Doc {
    /// Article 0 is number and title.
    pub fn new(ticket: TicketId, article: ArticleId, visible: bool) -> Self {
        Self(ticket.0 << ARTICLE_BITS | (i64::from(article.0) << 1 & ((1 << ARTICLE_BITS) - 1)) | i64::from(visible))
    }

    pub fn ticket(self) -> TicketId {
        TicketId(self.0 >> ARTICLE_BITS)
    }

    /// Do customers see it?
    pub fn visible(self) -> bool {
        self.0 & 1 == 1
    }

    /// All documents of later tickets come behind this.
    pub fn last_of(ticket: TicketId) -> Self {
        Self((ticket.0 + 1).saturating_mul(1 << ARTICLE_BITS) - 1)
    }

    /// All documents of earlier tickets come before this.
    pub fn first_of(ticket: TicketId) -> Self {
        Self(ticket.0.saturating_mul(1 << ARTICLE_BITS))
    }
}

/// A word that is looked for; with `prefix` one that begins so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    pub text: String,
    pub prefix: bool,
}

fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{2E80}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7AF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}')
}

/// The words of a text in their order. Signs of scripts that leave no space between words stand alone.
fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    let mut rest = text
        .nfkd()
        .filter(|c| !is_combining_mark(*c))
        .flat_map(char::to_lowercase)
        .flat_map(|c| if c == 'ß' { ['s', 's'] } else { [c, '\0'] })
        .filter(|c| *c != '\0')
        .peekable();
    std::iter::from_fn(move || {
        while rest.next_if(|c| !c.is_alphanumeric()).is_some() {}
        if let Some(sign) = rest.next_if(|c| is_ideograph(*c)) {
            return Some(sign.to_string());
        }
        let mut word = String::new();
        let mut chars = 0;
        while let Some(c) = rest.next_if(|c| c.is_alphanumeric() && !is_ideograph(*c)) {
            chars += 1;
            if chars <= WORD_CHARS_MAX {
                word.push(c);
            }
        }
        (!word.is_empty()).then_some(word)
    })
}

/// The different words of these texts, with a space between.
pub fn of_texts(texts: &[&str]) -> String {
    let mut all = BTreeSet::new();
    for word in texts.iter().flat_map(|t| words(t)) {
        if all.len() >= WORDS_MAX {
            break;
        }
        all.insert(word);
    }
    all.into_iter().collect::<Vec<_>>().join(" ")
}

/// What somebody looks for: every word of it, and what begins like a word with `*` behind it.
pub fn query(text: &str) -> Vec<Word> {
    let mut all: Vec<Word> = vec![];
    for part in text.split_whitespace() {
        let prefix = part.ends_with('*');
        let mut found: Vec<Word> = words(part).map(|text| Word { text, prefix: false }).collect();
        if let Some(last) = found.last_mut() {
            last.prefix = prefix;
        }
        all.extend(found);
    }
    all.truncate(QUERY_WORDS_MAX);
    all
}

#[async_trait]
pub trait Search: Send + Sync {
    /// Documents with all of these words, beyond the one named: the newest first, or the oldest.
    async fn docs(&self, words: &[Word], newest: bool, beyond: Option<Doc>, limit: u32) -> Result<Vec<Doc>>;
    /// Takes in some tickets that were there before the index; whether there may be more.
    async fn docs_build(&self, tickets: u32) -> Result<bool>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_what_people_look_for() {
        for (text, words) in [
            ("Drucker im Büro: Straße 5", "5 buro drucker im strasse"),
            ("ÇA VA? Ça va!", "ca va"),
            ("10.0.0.1 anna@example.org", "0 1 10 anna example org"),
            ("ﬁle İstanbul ǅ", "dz file istanbul"),
            ("打印机 kaputt", "kaputt 印 打 机"),
            ("😀 --- '; DROP TABLE", "drop table"),
            ("", ""),
        ] {
            assert_eq!(of_texts(&[text]), words, "{text}");
        }
        assert_eq!(of_texts(&["x".repeat(500).as_str()]).len(), WORD_CHARS_MAX);
    }

    #[test]
    fn a_query_is_words_and_beginnings() {
        let say = |text: &str| query(text).into_iter().map(|w| w.text + if w.prefix { "*" } else { "" }).collect::<Vec<_>>().join(" ");
        assert_eq!(say("Drück* größer 2026-1*"), "druck* grosser 2026 1*");
        assert_eq!(say("\"* OR x NEAR( -y"), "or x near y");
        assert_eq!(say(&"a ".repeat(100)).len(), QUERY_WORDS_MAX * 2 - 1);
    }

    #[test]
    fn documents_are_in_the_order_of_tickets() {
        let doc = Doc::new(TicketId(7), ArticleId(3), true);
        assert_eq!((doc.ticket(), doc.visible(), Doc::new(TicketId(7), ArticleId(0), false).visible()), (TicketId(7), true, false));
        assert!(
            Doc::last_of(TicketId(6)) < Doc::new(TicketId(7), ArticleId(0), false)
                && doc < Doc::last_of(TicketId(7))
                && Doc::first_of(TicketId(7)) <= Doc::new(TicketId(7), ArticleId(0), false)
        );
    }
}
