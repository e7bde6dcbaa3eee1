//! Quoted strings and comments in header fields (RFC 5322, 3.2.2 and 3.2.4).

/// The text of a quoted string whose first quote is read already; `None` where it does not end.
pub fn quoted(rest: &mut impl Iterator<Item = char>) -> Option<String> {
    let mut text = String::new();
    loop {
        match rest.next()? {
            '\\' => text.push(rest.next()?),
            '"' => return Some(text),
            c => text.push(c),
        }
    }
}

/// The text of a comment whose first bracket is read already, with the comments in it; `None` where it does not end.
pub fn comment(rest: &mut impl Iterator<Item = char>) -> Option<String> {
    let (mut text, mut depth) = (String::new(), 1_u32);
    loop {
        match rest.next()? {
            '\\' => text.push(rest.next()?),
            '(' => depth += 1,
            ')' if depth == 1 => return Some(text),
            ')' => depth -= 1,
            c => text.push(c),
        }
    }
}
