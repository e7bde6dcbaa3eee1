//! Why a text is not valid YAML, as its author would put it: a parser notices an open bracket or a wrong indentation
//! often only many lines later.

use std::ops::Range;

/// A fault and its place, in bytes of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    pub place: Range<usize>,
    pub message: String,
    pub help: String,
}

/// The first fault of the text that explains why it cannot be read. `noticed` is where the parser gave up.
pub fn find(text: &str, noticed: usize) -> Option<Trouble> {
    let mut scan = Scan { text, ..Scan::default() };
    let (mut at, mut suspect) = (0, None);
    for line in text.split_inclusive('\n') {
        if at <= noticed {
            suspect = scan.no_blank.take().or(suspect);
        }
        if let Some(trouble) = scan.line(at, line.trim_end_matches(['\n', '\r'])) {
            return Some(trouble).filter(|t| t.place.start <= noticed).or(suspect);
        }
        at += line.len();
    }
    scan.at_end().or(scan.no_blank.take().filter(|t| t.place.start <= noticed)).or(suspect)
}

/// `next:fin`, `dialogs:{ … }`, `dialogs { … }`: the end of the key.
fn without_blank(content: &str) -> Option<usize> {
    let end = content.find(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'))?;
    let rest = &content[end..];
    let colon = rest.starts_with(':') && !rest.starts_with(": ") && rest.len() > 1;
    let brace = rest.trim_start().starts_with(['{', '[']) && rest.starts_with(' ');
    (end > 0 && (colon || brace)).then_some(end + usize::from(colon))
}

#[derive(Debug, Clone, Copy)]
struct Open {
    at: usize,
    what: char,
    /// Of the line in which it stands.
    indent: usize,
}

/// Keys or list items that stand below each other.
#[derive(Debug, Clone, Copy)]
struct Level {
    column: usize,
    /// The last of them has a value in its own line: nothing can follow below it.
    has_value: bool,
    at: usize,
}

#[derive(Default)]
struct Scan<'a> {
    text: &'a str,
    /// Brackets and braces that are open, and perhaps a quotation mark.
    open: Vec<Open>,
    levels: Vec<Level>,
    /// Lines that are indented deeper belong to a text over several lines.
    text_below: Option<usize>,
    /// The last key without a blank behind its colon: no fault by itself, and the likely one where nothing else is found.
    no_blank: Option<Trouble>,
}

impl Scan<'_> {
    fn line(&mut self, at: usize, line: &str) -> Option<Trouble> {
        let indent = line.len() - line.trim_start_matches(' ').len();
        let content = &line[indent..];
        if content.trim().is_empty() {
            return None;
        }
        if let Some(above) = self.text_below {
            if indent > above {
                return None;
            }
            self.text_below = None;
        }
        if let Some(outer) = self.open.first() {
            let begins_anew = indent <= outer.indent && (content.starts_with("- ") || content.starts_with("---") || key(content).is_some());
            if begins_anew {
                return self.at_end();
            }
        } else if content.starts_with("---") || content.starts_with("...") {
            self.levels.clear();
            return None;
        } else if content.starts_with('\t') {
            return Some(Trouble {
                place: at + indent..at + indent + 1,
                message: "the line is indented by a tab".into(),
                help: "YAML is indented by spaces".into(),
            });
        } else if !content.starts_with('#')
            && let Some(trouble) = self.indentation(at, indent, content)
        {
            return Some(trouble);
        }
        self.brackets(at, indent, line)
    }

    /// Whether the line stands below others of its kind, or deeper where something was begun.
    fn indentation(&mut self, at: usize, indent: usize, content: &str) -> Option<Trouble> {
        let (mut column, mut rest) = (indent, content);
        loop {
            let is_item = rest == "-" || rest.starts_with("- ");
            let value = match key(rest) {
                _ if is_item => rest[1..].trim_start(),
                Some(end) => rest[end..].trim_start_matches(':').trim(),
                // A text that goes on in this line.
                None => {
                    self.no_blank = without_blank(rest).map(|end| Trouble {
                        place: at + column..at + column + end,
                        message: format!("a blank is missing behind `{}`", &rest[..end]),
                        help: format!("write `{}: …`", rest[..end].trim_end_matches([':', ' '])),
                    });
                    return None;
                }
            };
            let value = if value.starts_with('#') { "" } else { value };
            let trouble = self.enter(at, column, indent, !value.is_empty() && !is_item);
            if trouble.is_some() {
                return trouble;
            }
            if !is_item {
                let is_text = |v: &str| v.starts_with(['|', '>']) && v[1..].chars().all(|c| c.is_ascii_digit() || "+-".contains(c));
                self.text_below = is_text(value.split(" #").next().unwrap_or_default().trim()).then_some(indent);
                return None;
            }
            let next = rest[1..].len() - rest[1..].trim_start().len() + 1;
            column += next;
            rest = &rest[next..];
            if rest.is_empty() || rest.starts_with('#') {
                return None;
            }
            if rest.starts_with(['|', '>']) {
                self.text_below = Some(indent);
                return None;
            }
        }
    }

    fn enter(&mut self, at: usize, column: usize, indent: usize, has_value: bool) -> Option<Trouble> {
        let mut deeper = None;
        while let Some(level) = self.levels.pop_if(|l| l.column > column) {
            deeper = Some(level.column);
        }
        match (self.levels.last_mut(), deeper) {
            (Some(level), _) if level.column == column => *level = Level { column, has_value, at },
            (above, Some(deeper)) => {
                let place = at + indent..at + indent + 1;
                let help = match above {
                    Some(above) => format!("indent it by {} or by {deeper}, as the lines that it belongs to", above.column),
                    None => format!("indent it by {deeper}, as the lines above it"),
                };
                return Some(Trouble { place, message: format!("the line is indented by {column}, as none above it"), help });
            }
            (Some(above), None) if above.has_value => {
                let line = self.text[above.at..].lines().next().unwrap_or_default();
                let name = line.trim_start_matches([' ', '-']).split(':').next().unwrap_or_default();
                return Some(Trouble {
                    place: at + indent..at + indent + 1,
                    message: format!("the line is indented deeper than `{name}` above it, which has its value already"),
                    help: format!("indent it by {}, as `{name}`", above.column),
                });
            }
            _ => self.levels.push(Level { column, has_value, at }),
        }
        None
    }

    /// Follows brackets and quotation marks through a line.
    fn brackets(&mut self, at: usize, indent: usize, line: &str) -> Option<Trouble> {
        let mut before = ' ';
        let mut chars = line.char_indices().peekable();
        while let Some((i, c)) = chars.next() {
            let place = at + i;
            let quoted = self.open.last().map(|o| o.what).filter(|w| matches!(w, '"' | '\''));
            // A value begins here, so that a bracket or a quotation mark opens something.
            let begins = before.is_whitespace() || matches!(before, '[' | '{' | ',');
            let in_flow = !self.open.is_empty();
            match (quoted, c) {
                (Some('"'), '\\') => _ = chars.next(),
                (Some('\''), '\'') if chars.peek().is_some_and(|(_, next)| *next == '\'') => _ = chars.next(),
                (Some(mark), c) if c == mark => {
                    self.open.pop();
                    // `'It's work'`: the mark in the middle ends the text.
                    if mark == '\'' && chars.peek().is_some_and(|(_, next)| next.is_alphanumeric()) {
                        return Some(Trouble {
                            place: place..place + 1,
                            message: "the text in single quotation marks ends here".into(),
                            help: "write `''` for a `'` in it, or put the text in double quotation marks".into(),
                        });
                    }
                }
                (Some(_), _) => {}
                (None, '#') if before.is_whitespace() => return None,
                (None, '"' | '\'') if begins => self.open.push(Open { at: place, what: c, indent }),
                (None, '[' | '{') if in_flow || begins => self.open.push(Open { at: place, what: c, indent }),
                (None, ']' | '}') if in_flow => {
                    let opens = if c == ']' { '[' } else { '{' };
                    let open = self.open.pop()?;
                    if open.what != opens {
                        return Some(Trouble {
                            place: open.at..open.at + 1,
                            message: format!("this `{}` is not closed: a `{c}` comes first", open.what),
                            help: quote_or_close(open.what, self.text, open.at),
                        });
                    }
                }
                _ => {}
            }
            before = c;
        }
        None
    }

    fn at_end(&self) -> Option<Trouble> {
        let open = self.open.last()?;
        Some(Trouble {
            place: open.at..open.at + 1,
            message: format!("this `{}` is not closed", open.what),
            help: quote_or_close(open.what, self.text, open.at),
        })
    }
}

/// Keys behind which bare expressions stand.
pub const CONDITIONS: &[&str] = &["when:", "where:", "while:", "until:", "match:"];

fn quote_or_close(open: char, text: &str, at: usize) -> String {
    let line = &text[text[..at].rfind('\n').map_or(0, |n| n + 1)..at];
    let closes = match open {
        '[' => ']',
        '{' => '}',
        mark => mark,
    };
    if matches!(open, '"' | '\'') || !CONDITIONS.iter().any(|c| line.contains(c)) {
        return format!("add the `{closes}`");
    }
    "inside `{ }` an expression that contains a comma, a bracket or a brace needs quotes around it".into()
}

/// The end of a key at the beginning of a line.
fn key(content: &str) -> Option<usize> {
    let quoted = content.starts_with(['"', '\'']).then(|| content[1..].find(&content[..1]).map(|n| n + 2)).flatten();
    let end = quoted.unwrap_or_else(|| content.find(|c: char| !(c.is_alphanumeric() || "_-.".contains(c))).unwrap_or(content.len()));
    let rest = &content[end..];
    (end > 0 && (rest == ":" || rest.starts_with(": "))).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::find;

    fn said(text: &str) -> Option<String> {
        find(text, text.len()).map(|t| format!("{}: {}", text[..t.place.start].matches('\n').count() + 1, t.message))
    }

    #[test]
    fn open_brackets_are_told_where_they_open() {
        assert_eq!(said("a: [x, y\nb: 1\n").as_deref(), Some("1: this `[` is not closed"));
        assert_eq!(said("- { a: 1, b: { c: 2 }\n- { a: 2 }\n").as_deref(), Some("1: this `{` is not closed"));
        assert_eq!(said("a: { b: [1, 2 }\nc: 1\n").as_deref(), Some("1: this `[` is not closed: a `}` comes first"));
        assert_eq!(said("a: \"x\nb: 1\n").as_deref(), Some("1: this `\"` is not closed"));
        assert_eq!(said("a: {\n  b: 1,\n  c: [2]\n}\nd: 'it''s'\ne: f[0\n"), None);
        assert_eq!(said("a: |\n  [ {\nb: 1 # [\n"), None);
    }

    #[test]
    fn wrong_indentation_is_told_in_its_line() {
        assert_eq!(said("a:\n    b: 1\n  c: 2\n").as_deref(), Some("3: the line is indented by 2, as none above it"));
        assert_eq!(
            said("a: 1\n  b: 2\n").as_deref(),
            Some("2: the line is indented deeper than `a` above it, which has its value already")
        );
        assert_eq!(said("a:\n\tb: 1\n").as_deref(), Some("2: the line is indented by a tab"));
        assert_eq!(said("a:\n- b: 1\n  c: 2\n- d:\n    e: 3\nf: 4\n"), None);
        assert_eq!(said("- - a: 1\n    b: 2\n  - c: 3\n"), None);
    }
}
