//! The whole way with real servers: Postfix brings and takes mail, Dovecot has the mailboxes.

mod common;

use common::office::{Office, wait};
use common::{Folder, Server, free_port, request, token};
use serde_json::{Value, json};

/// The demo's site, with mailboxes instead of a mail server beside the desk.
fn site(folder: &Folder, more: &str) -> String {
    let site = folder.0.join("site");
    let from = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/helpdesk");
    assert!(std::process::Command::new("cp").arg("-r").arg(from).arg(&site).status().is_ok_and(|s| s.success()));
    std::fs::write(site.join("more.yaml"), more).expect("a file");
    site.display().to_string()
}

struct Client {
    address: String,
    token: String,
}

impl Client {
    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let bearer = format!("Bearer {}", self.token);
        let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
        let body = if body.is_null() { vec![] } else { body.to_string().into_bytes() };
        let answer = request(&self.address, method, path, &headers, &body).expect("an answer");
        assert!(answer.status < 300, "{method} {path}: {} {}", answer.status, answer.body);
        answer.json()
    }

    /// The number of the ticket with these words.
    fn ticket(&self, words: &str) -> Option<String> {
        let found = self.ask("GET", &format!("/api/v1/tickets?text={words}"), &Value::Null);
        found["items"].as_array()?.first()?["number"].as_str().map(str::to_owned)
    }

    fn articles(&self, number: &str) -> Vec<Value> {
        self.ask("GET", &format!("/api/v1/tickets/{number}/articles"), &Value::Null)["items"].as_array().cloned().unwrap_or_default()
    }
}

#[test]
fn the_story_of_mail_with_a_real_mail_server() {
    let folder = Folder::new("office_story");
    let lmtp = free_port();
    let Some(office) = Office::open(&folder, &["support@example.org", "help@example.org", "finance@example.org"], lmtp) else { return };
    let (listen, relay) = (format!("127.0.0.1:{lmtp}"), format!("smtp+plain://127.0.0.1:{}", office.smtp));
    let arguments = ["--demo", "--tickets", "5", "--lmtp", &listen, "--mail-url", &relay, "--mail-from", "Help desk <support@example.org>"];
    let server = Server::start(&folder.0, &arguments);
    let client = Client { address: server.address.clone(), token: token(&folder.0, "agent") };

    office.send(
        "customer@example.org",
        "support@example.org",
        "From: Anna Albers <customer@example.org>\nTo: support@example.org\nSubject: VPN kaputtkaputt\nMessage-ID: <1@client.example>\n\nNo VPN since this morning.",
    );
    wait(|| client.ticket("kaputtkaputt").is_some(), || format!("no ticket\n{}", office.log()));
    let number = client.ticket("kaputtkaputt").expect("a ticket");
    let ticket = client.ask("GET", &format!("/api/v1/tickets/{number}"), &Value::Null);
    assert_eq!(
        (ticket["queue"].as_str(), ticket["customer_user"].as_str()),
        (Some("it_network"), Some("customer")),
        "sorted by the filter"
    );
    let response = office.arrived("customer@example.org", |m| m.contains("Auto-Submitted: auto-replied"));
    assert!(
        response.contains(&number) && response.contains("In-Reply-To: <1@client.example>") && response.contains("Return-Path: <>"),
        "{response}"
    );

    // Written, taken back, mended, sent; the mail program threads it.
    let articles = format!("/api/v1/tickets/{number}/articles");
    let answer = |body: &str| json!({"subject": "Re: VPN", "body": body, "mail": {"to": ["Anna Albers <customer@example.org>"]}});
    client.ask("POST", &articles, &answer("Wrnog."));
    let written = client.articles(&number).into_iter().find(|a| a["body"] == "Wrnog.").expect("the answer");
    client.ask("POST", &format!("{articles}/{}/take-back", written["id"]), &json!({}));
    client.ask("POST", &articles, &answer("Right: switch it on."));
    let sent = office.arrived("customer@example.org", |m| m.contains("Right: switch it on."));
    assert!(office.mailbox("customer@example.org").iter().all(|m| !m.contains("Wrnog.")), "it did not go out");
    assert!(sent.contains("In-Reply-To: <1@client.example>") && sent.contains("From: \"Help desk\" <support@example.org>"), "{sent}");
    let id = sent.lines().find_map(|l| l.strip_prefix("Message-ID: ")).expect("an id").to_owned();

    office.send(
        "customer@example.org",
        "support@example.org",
        &format!("From: customer@example.org\nTo: support@example.org\nSubject: Re: VPN\nIn-Reply-To: {id}\n\nIt works, thank you."),
    );
    wait(|| client.articles(&number).iter().any(|a| a["body"] == "It works, thank you."), || "the reply did not come".into());
    // A stranger who writes the number makes a ticket of his own.
    office.send(
        "x@else.example",
        "support@example.org",
        &format!("From: x@else.example\nTo: support@example.org\nSubject: Re: [#{number}] fremdfremd\n\nLet me in."),
    );
    wait(|| client.ticket("fremdfremd").is_some(), || "no ticket of the stranger".into());
    assert_ne!(client.ticket("fremdfremd").as_deref(), Some(number.as_str()));
    let links = client.ask("GET", &format!("/api/v1/tickets/{number}/links"), &Value::Null);
    assert!(links.to_string().contains("related"), "{links}");

    // A wrong address comes back to its ticket.
    client.ask("POST", &articles, &json!({"subject": "Re: VPN", "body": "A copy.", "mail": {"to": ["nobody@dead.example"]}}));
    let back = |a: &Value| a["sender"] == "system" && a["channel"] == "mail" && a["visible"] == false;
    wait(|| client.articles(&number).iter().any(back), || format!("no report\n{}", office.log()));
    let history = client.ask("GET", &format!("/api/v1/tickets/{number}/history"), &Value::Null).to_string();
    assert!(history.contains("mail_bounced") && history.contains("nobody@dead.example"), "{history}");
    server.end();
}

#[test]
fn mailboxes_are_emptied_by_imap_and_read_by_pop3() {
    let folder = Folder::new("office_fetch");
    let Some(office) = Office::open(&folder, &["none@example.org"], free_port()) else { return };
    let more = format!(
        "- {{ kind: MailAccount, name: boxed, address: boxed@example.org, queue: it, type: incident, receive: \"imap://boxed%40example.org@localhost:{}/INBOX\" }}\n\
         - {{ kind: MailAccount, name: kept, address: kept@example.org, queue: it, type: incident, keep: true, receive: \"imaps://kept%40example.org@localhost:{}\" }}\n\
         - {{ kind: MailAccount, name: popped, address: popped@example.org, queue: it, type: incident, receive: \"pop3s://popped%40example.org@localhost:{}\" }}\n",
        office.imap, office.imaps, office.pop3s
    );
    let site = site(&folder, &more);
    let secrets = folder.0.join("secrets");
    std::fs::create_dir_all(&secrets).expect("a folder");
    for name in ["boxed", "kept", "popped"] {
        std::fs::write(secrets.join(name), "secret\n").expect("a file");
        office.fill(&format!("{name}@example.org"), 25, |n| {
            format!("From: a{n}@client.example\nTo: {name}@example.org\nSubject: {name}{n}\nMessage-ID: <{name}.{n}@client.example>\n\nNumber {n}.\n")
        });
    }
    let (ca, secrets) = (office.ca(), secrets.display().to_string());
    let arguments = [site.as_str(), "--demo", "--tickets", "1", "--mail-ca", &ca, "--secrets", &secrets];
    let server = Server::start(&folder.0, &arguments);
    let client = Client { address: server.address.clone(), token: token(&folder.0, "agent") };
    let count = |client: &Client| {
        let found = client.ask("GET", "/api/v1/tickets?limit=200", &Value::Null);
        found["items"]
            .as_array()
            .map_or(0, |i| i.iter().filter(|t| t["title"].as_str().is_some_and(|t| t.starts_with(['b', 'k', 'p']))).count())
    };
    wait(|| count(&client) >= 75, || format!("{} of 75\n{}", count(&client), office.log()));
    wait(
        || office.mailbox("boxed@example.org").is_empty() && office.mailbox("popped@example.org").is_empty(),
        || "they are not emptied".into(),
    );
    assert_eq!(office.mailbox("kept@example.org").len(), 25, "this one keeps its mail");
    // What comes while it waits with the server is there at once.
    office.send("b@client.example", "boxed@example.org", "From: b@client.example\nTo: boxed@example.org\nSubject: boxedlater\n\nLater.");
    wait(|| count(&client) == 76, || format!("the later one did not come\n{}", office.log()));
    server.kill();
    let server = Server::start(&folder.0, &[&site, "--mail-ca", &ca, "--secrets", &secrets]);
    let client = Client { address: server.address.clone(), ..client };
    office.send("k@client.example", "kept@example.org", "From: k@client.example\nTo: kept@example.org\nSubject: keptlater\n\nLater.");
    wait(|| count(&client) >= 77, || format!("the last one did not come\n{}", office.log()));
    assert_eq!(count(&client), 77, "none came twice");
    server.end();
}

/// The server is killed again and again while it empties a mailbox, on PostgreSQL one of two by turns: each mail is one article in the
/// end, and none is lost.
#[test]
fn killed_while_it_fetches_each_mail_is_one_article() {
    let long = std::env::var_os("VORGANG_LONG").is_some();
    let (mails, kills) = if long { (10_000, 10) } else { (2_000, 5) };
    let folder = Folder::new("office_kill");
    let Some(office) = Office::open(&folder, &["none@example.org"], free_port()) else { return };
    let more = format!(
        "- {{ kind: MailAccount, name: boxed, address: boxed@example.org, queue: it, type: incident, receive: \"imap://boxed%40example.org@localhost:{}/INBOX\" }}\n",
        office.imap
    );
    let site = site(&folder, &more);
    let secrets = folder.0.join("secrets");
    std::fs::create_dir_all(&secrets).expect("a folder");
    std::fs::write(secrets.join("boxed"), "secret\n").expect("a file");
    office.fill("boxed@example.org", mails, |n| {
        format!(
            "From: a{n}@client.example\nTo: boxed@example.org\nSubject: Case {n}\nMessage-ID: <{n}.{n}@client.example>\n\nNumber {n}.\n"
        )
    });
    let (ca, secrets) = (office.ca(), secrets.display().to_string());
    let arguments = [site.as_str(), "--mail-ca", &ca, "--secrets", &secrets];
    let mut nodes = vec![Server::start(&folder.0, &[&arguments[..], &["--demo", "--tickets", "1"]].concat())];
    if vorgang_testbed::postgres().is_some() {
        nodes.push(Server::start(&folder.0, &arguments));
    }
    for kill in 1..=kills {
        // Somewhere on the way: a little further each time.
        let left = mails - mails * kill / (kills + 1);
        wait(|| office.left("boxed@example.org") <= left, || format!("nothing goes on\n{}", office.log()));
        nodes.remove(0).kill();
        nodes.push(Server::start(&folder.0, &arguments));
    }
    wait(|| office.left("boxed@example.org") == 0, || format!("it is not emptied\n{}", office.log()));
    let client = Client { address: nodes[0].address.clone(), token: token(&folder.0, "agent") };
    let mut found = std::collections::BTreeMap::<String, usize>::new();
    let mut next = Some(String::new());
    while let Some(cursor) = next {
        let page = client.ask("GET", &format!("/api/v1/tickets?limit=200{cursor}"), &Value::Null);
        for ticket in page["items"].as_array().expect("tickets") {
            *found.entry(ticket["title"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
        }
        next = page["next"].as_i64().map(|n| format!("&cursor={n}"));
    }
    let cases: Vec<usize> = (0..mails).map(|n| found.get(&format!("Case {n}")).copied().unwrap_or(0)).collect();
    let (lost, doubled) = (cases.iter().filter(|c| **c == 0).count(), cases.iter().filter(|c| **c > 1).count());
    println!("{mails} mails, {kills} kills: {lost} lost, {doubled} doubled");
    assert_eq!((lost, doubled), (0, 0));
    nodes.into_iter().for_each(Server::end);
}
