//! Checks of translated texts.

use crate::check::context::Cx;
use crate::diagnostic::Diagnostic;
use crate::text::Text;

/// A text has the site's own language, and no other than the site's.
pub fn text(text: Option<&Text>, cx: &mut Cx) {
    let Some(text) = text.filter(|_| !cx.names.site.is_stand_in()) else { return };
    let languages = &cx.names.site.languages;
    let tags: Vec<&str> = text.values.iter().map(|(l, ..)| l.as_str()).collect();
    if tags == [""] {
        return;
    }
    let main = cx.names.site.main_language();
    if !tags.contains(&main) {
        let d = Diagnostic::error("empty-template", text.span, format!("the text is missing in `{main}`, the site's own language"));
        cx.push(d.help("others fall back to it"));
    }
    let missing: Vec<String> =
        languages.iter().map(|l| &l.0).filter(|l| *l != main && !tags.contains(&l.as_str())).map(|l| format!("`{l}`")).collect();
    if !missing.is_empty() && tags.contains(&main) {
        let d = Diagnostic::warning("missing-translation", text.span, format!("the text is missing in {}", missing.join(", ")));
        cx.push(d.help(format!("people who read it there get the one in `{main}`")));
    }
    for (tag, _, span) in &text.values {
        if !languages.iter().any(|l| l.0 == *tag) {
            let d = Diagnostic::error("unknown-language", *span, format!("the site has no language `{tag}`"));
            cx.push(d.help("add it to `languages:` of the site"));
        }
    }
}
