//! Every text of the portal, German and English. A text that is missing in one does not compile.

macro_rules! texts {
    ($($name:ident: $en:literal, $de:literal;)*) => {
        pub struct Texts { $(pub $name: &'static str,)* }
        static EN: Texts = Texts { $($name: $en,)* };
        static DE: Texts = Texts { $($name: $de,)* };
    };
}

pub fn texts(language: &str) -> &'static Texts {
    if language.starts_with("de") { &DE } else { &EN }
}

texts! {
    language_tag: "en", "de";
    sign_in: "Sign in", "Anmelden";
    sign_out: "Sign out", "Abmelden";
    login: "Login", "Anmeldename";
    password: "Password", "Kennwort";
    sign_in_failed: "Login or password is wrong, or there were too many tries.", "Anmeldename oder Kennwort ist falsch, oder es waren zu viele Versuche.";
    link_title: "Your sign-in link", "Ihr Anmeldelink";
    link_text: "The link works once.", "Der Link gilt nur einmal.";
    link_used: "This link was used or is too old. Ask for a new one.", "Dieser Link wurde schon benutzt oder ist zu alt. Fordern Sie einen neuen an.";
    home: "Home", "Start";
    catalogue: "What do you need?", "Was brauchen Sie?";
    my_tickets: "My tickets", "Meine Tickets";
    company_tickets: "Tickets of my company", "Tickets meiner Firma";
    nothing_here: "Nothing here.", "Hier ist nichts.";
    start: "Start", "Starten";
    new_ticket: "New ticket", "Neues Ticket";
    create: "Create", "Anlegen";
    dashboard: "Dashboard", "Übersicht";
    queues: "Queues", "Queues";
    queue: "Queue", "Queue";
    work: "Work", "Aufgaben";
    my_work: "Work for me", "Aufgaben für mich";
    state: "State", "Zustand";
    priority: "Priority", "Priorität";
    owner: "Owner", "Bearbeitung";
    responsible: "Responsible", "Verantwortlich";
    customer: "Customer", "Kunde";
    company: "Company", "Firma";
    ticket: "Ticket", "Ticket";
    title: "Title", "Titel";
    ticket_type: "Type", "Typ";
    created: "Created", "Angelegt";
    updated: "Changed", "Geändert";
    pending_until: "Pending until", "Wartet bis";
    open_tickets: "Open tickets", "Offene Tickets";
    total: "Total", "Summe";
    newest: "Newest open tickets", "Neueste offene Tickets";
    my_open: "My open tickets", "Meine offenen Tickets";
    older: "Older tickets", "Ältere Tickets";
    search_hint: "Number or words of the title", "Nummer oder Wörter des Titels";
    any: "all", "alle";
    open_only: "open", "offene";
    filter: "Filter", "Filtern";
    next_steps: "Next steps", "Nächste Schritte";
    where_it_stands: "Where it stands", "Wo es steht";
    as_list: "The same as a list", "Dasselbe als Liste";
    process: "Process", "Prozess";
    articles: "Messages", "Nachrichten";
    details: "Details", "Einzelheiten";
    history: "History", "Verlauf";
    history_all: "Show the history", "Verlauf anzeigen";
    answer: "Answer the customer", "Dem Kunden antworten";
    write_note: "Write a note", "Notiz schreiben";
    reply: "Reply", "Antworten";
    send: "Send", "Senden";
    save: "Save", "Speichern";
    change: "Change", "Ändern";
    subject: "Subject", "Betreff";
    message: "Message", "Nachricht";
    attachments: "Attachments", "Anhänge";
    internal: "internal", "intern";
    required: "required", "Pflichtfeld";
    nobody: "nobody", "niemand";
    claim: "Claim", "Übernehmen";
    release: "Give back", "Zurückgeben";
    watch: "Watch", "Beobachten";
    unwatch: "Stop watching", "Nicht mehr beobachten";
    watchers: "Watched by", "Beobachtet von";
    due: "Due", "Fällig";
    claim_first: "Claim this work before you fill in the form.", "Übernehmen Sie die Aufgabe, bevor Sie das Formular ausfüllen.";
    claimed_by: "claimed by", "übernommen von";
    check_form: "Please check your input", "Bitte prüfen Sie Ihre Eingaben";
    not_possible: "This is not possible", "Das geht nicht";
    changed_meanwhile: "Somebody else changed this meanwhile. Nothing was overwritten; your input is still here.", "Jemand anders hat das inzwischen geändert. Es wurde nichts überschrieben; Ihre Eingaben sind noch da.";
    your_input: "Your input", "Ihre Eingaben";
    form_old: "The form is too old. Nothing was saved yet.", "Das Formular ist zu alt. Es wurde noch nichts gespeichert.";
    session_ended: "You are no longer signed in. Nothing was saved yet; sign in in another tab, then send it again.", "Sie sind nicht mehr angemeldet. Es wurde noch nichts gespeichert; melden Sie sich in einem anderen Tab an und senden Sie es dann noch einmal.";
    send_again: "Send again", "Noch einmal senden";
    files_again: "Files have to be chosen again afterwards.", "Dateien müssen danach erneut ausgewählt werden.";
    your_text: "Your text:", "Ihr Text:";
    yours: "Yours", "Ihre Angabe";
    stored: "Stored", "Gespeichert";
    saved_no_branch: "Saved. It does not go on yet, because none of these conditions holds:", "Gespeichert. Es geht noch nicht weiter, weil keine dieser Bedingungen gilt:";
    saved_incident: "Saved. Something went wrong afterwards; the administration sees it:", "Gespeichert. Danach ist etwas schiefgegangen; die Administration sieht es:";
    notifications: "Notifications", "Mitteilungen";
    mark_read: "Mark all as read", "Alle als gelesen markieren";
    admin: "Administration", "Administration";
    incidents: "Incidents", "Störfälle";
    incidents_none: "No open incidents.", "Keine offenen Störfälle.";
    retry: "Try again", "Erneut versuchen";
    expression: "Expression", "Ausdruck";
    chain: "Chain", "Kette";
    revisions: "Revisions", "Revisionen";
    revision: "Revision", "Revision";
    applied: "Applied", "Angewendet";
    applied_by: "By", "Von";
    people: "People", "Personen";
    roles: "Roles", "Rollen";
    outbox: "Outbox", "Postausgang";
    name: "Name", "Name";
    active: "active", "aktiv";
    inactive: "inactive", "inaktiv";
    language: "Language", "Sprache";
    skip: "Skip to the content", "Zum Inhalt springen";
    menu: "Main menu", "Hauptmenü";
    mark_done: "done", "erledigt";
    mark_current: "current", "aktuell";
    mark_next: "next", "als Nächstes";
    mark_failed: "failed", "gescheitert";
    ended_with: "ended", "beendet";
    running: "running", "läuft";
    choose: "Please choose", "Bitte wählen";
    file_now: "Now", "Derzeit";
    when: "When", "Wann";
    who: "Who", "Wer";
    what: "What", "Was";
    by_door: "by way of", "über";
}
