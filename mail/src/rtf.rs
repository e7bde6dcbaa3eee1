//! The text of RTF, for reading and finding: paragraphs and letters, nothing of its looks.

/// Longest text that is made, in bytes.
const TEXT_MAX: usize = 1024 * 1024;
/// Groups that hold no text.
const SILENT: [&str; 8] = ["fonttbl", "colortbl", "stylesheet", "info", "pict", "object", "header", "footer"];

/// Letters of windows-1252 and Unicode codes are read; groups that only newer programs know (`\*`) are left out.
pub fn to_text(rtf: &str) -> String {
    let mut out = String::new();
    // Per group: is it silent, and how many letters stand in for one of Unicode.
    let mut groups: Vec<(bool, usize)> = vec![(false, 1)];
    let mut skip = 0;
    let bytes = rtf.as_bytes();
    let mut at = 0;
    while at < bytes.len() && out.len() < TEXT_MAX {
        let (silent, stand_in) = groups.last().copied().unwrap_or((false, 1));
        let b = bytes[at];
        at += 1;
        let mut put = |c: char, skip: &mut usize| match *skip {
            0 if !silent => out.push(c),
            0 => {}
            _ => *skip -= 1,
        };
        match b {
            b'{' => groups.push((silent, stand_in)),
            b'}' if groups.len() > 1 => drop(groups.pop()),
            b'}' | b'\r' | b'\n' => {}
            b'\\' => match bytes.get(at) {
                Some(b'\'') => {
                    let code = rtf.get(at + 1..at + 3).and_then(|h| u8::from_str_radix(h, 16).ok());
                    at += 3;
                    let letter = code.map(|c| crate::charset::text(&[c], Some("windows-1252"), false));
                    put(letter.and_then(|l| l.chars().next()).unwrap_or(' '), &mut skip);
                }
                Some(b'*') => {
                    at += 1;
                    silence(&mut groups);
                }
                Some(c) if c.is_ascii_alphabetic() => {
                    let word: String =
                        bytes[at..].iter().take(32).take_while(|b| b.is_ascii_alphabetic()).map(|b| char::from(*b)).collect();
                    at += word.len();
                    let number: String =
                        bytes[at..].iter().take(11).take_while(|b| b.is_ascii_digit() || **b == b'-').map(|b| char::from(*b)).collect();
                    at += number.len() + usize::from(bytes.get(at + number.len()) == Some(&b' '));
                    let value: Option<i32> = number.parse().ok();
                    match word.as_str() {
                        "par" | "line" | "row" | "sect" => put('\n', &mut skip),
                        "tab" | "cell" => put('\t', &mut skip),
                        "uc" => groups.last_mut().into_iter().for_each(|g| g.1 = value.unwrap_or(1).clamp(0, 10) as usize),
                        "u" => {
                            let code = value.map(|v| if v < 0 { v + 65_536 } else { v }).and_then(|v| char::from_u32(v as u32));
                            put(code.unwrap_or(' '), &mut skip);
                            skip = stand_in;
                        }
                        "bin" => at += value.unwrap_or(0).max(0) as usize,
                        word if SILENT.contains(&word) => silence(&mut groups),
                        _ => {}
                    }
                }
                Some(b'~') => {
                    at += 1;
                    put(' ', &mut skip);
                }
                Some(c) if c.is_ascii() => {
                    at += 1;
                    if b"\\{}".contains(c) {
                        put(char::from(*c), &mut skip);
                    }
                }
                _ => {}
            },
            b if b.is_ascii() => put(char::from(b), &mut skip),
            _ => {}
        }
    }
    out.trim().to_owned()
}

fn silence(groups: &mut [(bool, usize)]) {
    if let Some(group) = groups.last_mut() {
        group.0 = true;
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn paragraphs_and_letters_without_looks() {
        let rtf = r"{\rtf1\ansi{\fonttbl{\f0 Arial;}}{\*\generator x;}\f0 Gr\'fc\'dfe aus K\u246?ln\par \{0815\}\tab end}";
        assert_eq!(super::to_text(rtf), "Grüße aus Köln\n{0815}\tend");
        assert_eq!(super::to_text(r"{\rtf1 \u {{{ \'"), "");
    }
}
