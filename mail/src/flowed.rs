//! `format=flowed` (RFC 3676): lines that end in a space go on in the next one.

use mail_parser::ContentType;

pub fn unfold(text: &str, of: Option<&ContentType>) -> String {
    let is = |name: &str, value: &str| of.and_then(|c| c.attribute(name)).is_some_and(|v| v.eq_ignore_ascii_case(value));
    let text = text.replace("\r\n", "\n");
    if !is("format", "flowed") {
        return text;
    }
    let delete = is("delsp", "yes");
    let mut out = String::with_capacity(text.len());
    // How deep the last line was quoted, if it goes on.
    let mut open: Option<usize> = None;
    for line in text.lines() {
        let depth = line.bytes().take_while(|b| *b == b'>').count();
        let rest = &line[depth..];
        let rest = rest.strip_prefix(' ').unwrap_or(rest);
        // The line before a signature ends there, whatever it ends in.
        let signature = rest == "-- ";
        let goes_on = rest.ends_with(' ') && !signature;
        if open != Some(depth) || signature {
            if !out.is_empty() {
                out.push('\n');
            }
            out.push_str(&">".repeat(depth));
            out.push_str(if depth > 0 { " " } else { "" });
        }
        out.push_str(if goes_on && delete { &rest[..rest.len() - 1] } else { rest });
        open = goes_on.then_some(depth);
    }
    out
}

#[cfg(test)]
mod tests {
    use mail_parser::{MessageParser, MimeHeaders};

    #[test]
    fn lines_that_end_in_a_space_go_on() {
        for (kind, text, wanted) in [
            ("format=flowed", "One \nline.\nNext", "One line.\nNext"),
            ("format=flowed", "> a \n> b\n>> c", "> a b\n>> c"),
            ("format=flowed; delsp=yes", "Donau \ndampf", "Donaudampf"),
            ("format=flowed", "End \n-- \nMe", "End \n-- \nMe"),
            ("charset=utf-8", "One \nline.", "One \nline."),
        ] {
            let mail = format!("Content-Type: text/plain; {kind}\n\n{text}");
            let message = MessageParser::default().parse(&mail).expect("a mail");
            let part = message.part(0).expect("a part");
            assert_eq!(super::unfold(part.text_contents().unwrap_or_default(), part.content_type()), wanted, "{kind}: {text:?}");
        }
    }
}
