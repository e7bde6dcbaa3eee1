//! What an invitation says (RFC 5545), for people: what, when, where, who. The file itself is kept beside it.

/// Longest value that is shown.
const VALUE_MAX: usize = 500;
/// Most events of one file that are shown.
const EVENTS_MAX: usize = 20;

/// Lines that go on in the next one, which begins with a space, are one.
fn lines(text: &str) -> Vec<String> {
    let mut all: Vec<String> = vec![];
    for line in text.lines() {
        match (line.strip_prefix([' ', '\t']), all.last_mut()) {
            (Some(rest), Some(last)) if last.len() < 16 * VALUE_MAX => last.push_str(rest),
            (Some(_), Some(_)) => {}
            _ => all.push(line.to_owned()),
        }
    }
    all
}

/// `2026-03-02 10:00` of `20260302T100000Z`; anything else as it is written.
fn time(value: &str) -> String {
    let digits: Vec<char> = value.chars().collect();
    let part = |from: usize, to: usize| -> Option<String> {
        let part = digits.get(from..to)?;
        part.iter().all(char::is_ascii_digit).then(|| part.iter().collect())
    };
    let date = || Some(format!("{}-{}-{}", part(0, 4)?, part(4, 6)?, part(6, 8)?));
    let clock = || (digits.get(8) == Some(&'T')).then(|| Some(format!(" {}:{}", part(9, 11)?, part(11, 13)?))).flatten();
    let zone = if value.ends_with('Z') { " UTC" } else { "" };
    date().map_or_else(|| value.to_owned(), |d| format!("{d}{}{zone}", clock().unwrap_or_default()))
}

fn plain(value: &str) -> String {
    let text = value.replace("\\n", " ").replace("\\N", " ").replace("\\,", ",").replace("\\;", ";").replace("\\\\", "\\");
    crate::one_line(&text[..text.floor_char_boundary(VALUE_MAX)])
}

pub fn summary(text: &str) -> String {
    let (mut out, mut events, mut inside) = (String::new(), 0, false);
    for line in lines(text) {
        let Some((name, value)) = line.split_once(':') else { continue };
        let (name, parameters) = name.split_once(';').unwrap_or((name, ""));
        let name = name.to_ascii_uppercase();
        match (name.as_str(), value.trim().to_ascii_uppercase().as_str()) {
            ("METHOD", _) => out.push_str(&format!("{}\n", plain(value))),
            ("BEGIN", "VEVENT" | "VTODO") => {
                events += 1;
                inside = events <= EVENTS_MAX;
                out.push_str(if events > 1 && inside { "\n" } else { "" });
            }
            ("END", "VEVENT" | "VTODO") => inside = false,
            // What is inside an event of its own, such as an alarm, is not the event's.
            ("BEGIN", _) => inside = false,
            ("DTSTART" | "DTEND" | "DUE", _) if inside => {
                let zone = parameters.split(';').find_map(|p| p.strip_prefix("TZID=")).map_or(String::new(), |z| format!(" {}", plain(z)));
                let what = if name == "DTSTART" { "from" } else { "until" };
                out.push_str(&format!("{what}: {}{zone}\n", plain(&time(value.trim()))));
            }
            ("SUMMARY" | "LOCATION" | "STATUS" | "DESCRIPTION", _) if inside => {
                out.push_str(&format!("{}: {}\n", name.to_ascii_lowercase(), plain(value)));
            }
            ("ORGANIZER", _) if inside => {
                let address = value.trim().trim_start_matches("mailto:").trim_start_matches("MAILTO:");
                out.push_str(&format!("organizer: {}\n", plain(address)));
            }
            _ => {}
        }
    }
    out.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_invitation_says_what_when_and_where() {
        let text = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nSUMMARY:Kick-\r\n off\\, part 1\r\nDTSTART;TZID=Europe/Berlin:20260302T100000\r\n\
            DTEND:20260302T110000Z\r\nLOCATION:Room 1\r\nORGANIZER;CN=Mia:mailto:mia@example.org\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
        let wanted = "REQUEST\nsummary: Kick-off, part 1\nfrom: 2026-03-02 10:00 Europe/Berlin\nuntil: 2026-03-02 11:00 UTC\nlocation: Room 1\n\
            organizer: mia@example.org";
        assert_eq!(super::summary(text), wanted);
    }
}
