//! Lines that people read in lists: what hides in them is shown, and something has to be seen.

/// Characters that turn the direction of what follows, and make `exe.pdf` of `fdp.exe` (Unicode, UAX 9: embeddings, overrides and
/// isolates). Marks for a single letter stay: languages that are written from the right need them.
fn turns(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A line in which control and direction characters are shown by their codes; line breaks and tabs are blanks.
pub fn visible(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    for c in line.chars() {
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            c if c.is_control() || turns(c) => out.push_str(&format!("[U+{:04X}]", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

/// Nothing of it can be seen: blanks, and characters without a shape (Unicode, Default_Ignorable_Code_Point and fillers).
pub fn is_blank(line: &str) -> bool {
    let shapeless = |c: char| {
        matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}')
    };
    line.chars().all(|c| c.is_whitespace() || c.is_control() || shapeless(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_is_shown() {
        assert_eq!(visible("a\u{202e}fdp.exe\u{0}\tb\r\nc"), "a[U+202E]fdp.exe[U+0000] b  c");
        assert_eq!(visible("שלום\u{200f} عربي"), "שלום\u{200f} عربي");
        for blank in ["", " ", "\u{200b}\u{feff}", "\u{3164}", "\u{2800}\u{a0}", "\u{ad}\u{202e}"] {
            assert!(is_blank(blank), "{blank:?}");
        }
        assert!(!is_blank(" x") && !is_blank("–") && !is_blank("字"));
    }
}
