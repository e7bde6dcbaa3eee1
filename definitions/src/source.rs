//! The texts that findings point into.

use std::sync::Arc;

/// One file of a site.
#[derive(Debug, Clone)]
pub struct Source {
    /// As it is shown to people, relative to where the command was given it.
    pub path: String,
    pub text: Arc<str>,
}

/// All files of a site, in the order in which they were read.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    files: Vec<Source>,
}

/// A range of bytes in one file. `end` is exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord, Hash)]
pub struct Span {
    pub file: u32,
    pub start: u32,
    pub end: u32,
}

impl Span {
    pub fn new(file: u32, start: usize, end: usize) -> Self {
        Self { file, start: start as u32, end: end as u32 }
    }

    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

impl Sources {
    pub fn add(&mut self, path: impl Into<String>, text: impl Into<Arc<str>>) -> u32 {
        self.files.push(Source { path: path.into(), text: text.into() });
        (self.files.len() - 1) as u32
    }

    pub fn file(&self, file: u32) -> &Source {
        &self.files[file as usize]
    }

    pub fn files(&self) -> &[Source] {
        &self.files
    }

    /// The comment behind a plain scalar in its line, without its `#`: YAML ends the scalar before ` #`.
    pub fn comment_behind(&self, span: Span) -> Option<&str> {
        let rest = self.file(span.file).text.get(span.end as usize..)?.lines().next()?;
        rest.strip_prefix(' ')?.trim_start_matches(' ').strip_prefix('#')
    }

    /// A list or map in brackets or braces, without what the parser takes up to the next token.
    pub fn flow(&self, span: Span) -> Option<Span> {
        let raw = self.slice(span);
        let (mut depth, mut quoted) = (0_i32, None);
        for (at, c) in raw.char_indices() {
            match (quoted, c) {
                (Some(mark), c) if c == mark => quoted = None,
                (Some(_), _) => {}
                (None, '"' | '\'') => quoted = Some(c),
                (None, '[' | '{') => depth += 1,
                (None, ']' | '}') => depth -= 1,
                _ => {}
            }
            match (at, depth) {
                // Not in brackets at all.
                (0, 0) => return None,
                (_, 0) => return Some(Span { end: span.start + at as u32 + 1, ..span }),
                _ => {}
            }
        }
        None
    }

    /// The source text of a span.
    pub fn slice(&self, span: Span) -> &str {
        self.file(span.file).text.get(span.range()).unwrap_or("")
    }

    /// Line and column, both from 1, the column counted in characters.
    pub fn line_column(&self, span: Span) -> (usize, usize) {
        let text = &self.file(span.file).text;
        let before = &text[..floor_char(text, span.start as usize)];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1;
        (line, column)
    }
}

/// The nearest character border at or before `index`.
pub fn floor_char(text: &str, index: usize) -> usize {
    let mut index = index.min(text.len());
    while !text.is_char_boundary(index) {
        index -= 1;
    }
    index
}
