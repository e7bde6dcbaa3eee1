//! People and tickets to click on, made by ordinary commands: their history is as real as any other.

use crate::desk::{Desk, Error, Request};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use vorgang_core::commands::{AddArticle, ArticleInput, Command, Form, NewTicket, PatchTicket, StartProcess};
use vorgang_core::people::{Person, PersonKind};
use vorgang_definitions::kinds::field::FieldType;
use vorgang_definitions::names::Names;
use vorgang_definitions::values::Slot;

/// Accounts for which sign-in links are printed, with what they are for.
pub const ACCOUNTS: &[(&str, &str)] = &[
    ("customer", "customer of the company North"),
    ("agent", "service desk and accountant"),
    ("manager", "manager"),
    ("admin", "administrator"),
    ("carla", "a colleague of the customer"),
    ("ben", "customer of the company South"),
    ("paul", "personnel officer"),
    ("tina", "service desk"),
];

/// Commands that are on their way at the same time.
const CALLERS: usize = 64;

fn person(login: &str, name: &str, kind: PersonKind, company: Option<&str>, language: &str, roles: &[&str]) -> Person {
    Person {
        login: login.into(),
        name: name.into(),
        email: format!("{login}@example.org"),
        kind,
        company: company.map(str::to_owned),
        language: language.into(),
        roles: roles.iter().map(|r| (*r).to_owned()).collect(),
        active: true,
        settings: Default::default(),
    }
}

/// The demo's people. Roles that the site does not have are left out; an agent without any gets what there is.
pub fn people(names: &Names, customers: usize) -> Vec<Person> {
    use PersonKind::{Agent, Customer};
    let mut people = vec![
        person("customer", "Anna Albers", Customer, Some("north"), "en", &[]),
        person("carla", "Carla Kühn", Customer, Some("north"), "de", &[]),
        person("ben", "Ben Südhoff", Customer, Some("south"), "de", &[]),
        person("agent", "Otto Ohlsen", Agent, None, "en", &["agent", "accountant"]),
        person("tina", "Tina Brandt", Agent, None, "de", &["agent"]),
        person("manager", "Mia Berg", Agent, None, "en", &["manager"]),
        person("paul", "Paul Iversen", Agent, None, "de", &["personnel"]),
        person("admin", "Ada Adler", Agent, None, "en", &["admin"]),
    ];
    for p in people.iter_mut().filter(|p| p.kind == Agent) {
        p.roles.retain(|r| names.roles.get(r).is_some());
        if p.roles.is_empty() {
            p.roles = names.roles.iter().filter(|r| r.admin == (p.login == "admin")).map(|r| r.name.to_string()).collect();
        }
    }
    for i in 0..customers {
        let (first, last) = (FIRST[i % FIRST.len()], LAST[(i / FIRST.len() + i) % LAST.len()]);
        let company = COMPANIES[i % COMPANIES.len()];
        let language = if i % 3 == 0 { "en" } else { "de" };
        people.push(person(&format!("c{:05}", i + 1), &format!("{first} {last}"), Customer, Some(company), language, &[]));
    }
    people
}

/// A small generator: the same demo every time.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// xorshift64*, G. Marsaglia and S. Vigna.
    pub fn draw(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.draw() >> 33) as usize % n.max(1)
    }

    fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}

/// Makes `count` tickets, spread over the last months. `progress` counts those that are done.
pub async fn tickets(desk: &Arc<Desk>, count: u64, progress: &Arc<AtomicU64>) -> Result<(), Error> {
    let now = desk.clock.now();
    let mut workers: tokio::task::JoinSet<Result<(), Error>> = tokio::task::JoinSet::new();
    let next = Arc::new(AtomicU64::new(0));
    // A small set is made in order, so that numbers and times grow together.
    let callers = if count < 1_000 { 1 } else { CALLERS };
    for _ in 0..callers {
        let (desk, next, progress) = (desk.clone(), next.clone(), progress.clone());
        workers.spawn(async move {
            loop {
                let i = next.fetch_add(1, Ordering::Relaxed);
                if i >= count {
                    return Ok(());
                }
                make_ticket(&desk, i, count, now).await?;
                progress.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    while let Some(result) = workers.join_next().await {
        result.map_err(|e| vorgang_store::StoreError::Unavailable(e.to_string()))??;
    }
    Ok(())
}

async fn make_ticket(desk: &Desk, i: u64, count: u64, now: Timestamp) -> Result<(), Error> {
    let mut random = Random::new(i + 1);
    let (model, people) = (desk.model(), desk.people());
    let customers: Vec<&Arc<Person>> = people.iter().filter(|p| p.kind == PersonKind::Customer).collect();
    let agents: Vec<&Arc<Person>> = people.iter().filter(|p| p.kind == PersonKind::Agent && p.login != "admin").collect();
    // The newest are the last: ids and times grow together.
    let age = SignedDuration::from_secs(((count - i) as i64) * (150 * 86_400) / (count as i64 + 1));
    let at = now - age;
    // The first are for whoever signs in as `customer`.
    let customer = if i < 6 { people.get("customer").map_or(customers[0], |c| c) } else { random.pick(&customers) };
    let startable: Vec<String> = model.processes.keys().cloned().collect();
    if i % 12 == 3 && !startable.is_empty() {
        let process: &String = random.pick(&startable);
        if start(desk, customer, process, &mut random, at).await? {
            return Ok(());
        }
    }
    let types: Vec<_> =
        model.names.types.iter().filter(|t| !model.processes.values().any(|p| p.def.ticket.ticket_type == t.name)).collect();
    let types = if types.is_empty() { model.names.types.iter().collect() } else { types };
    let Some(ticket_type) = types.get(random.below(types.len())) else { return Ok(()) };
    let agent = random.pick(&agents);
    let creatable: Vec<String> = model
        .names
        .queues
        .iter()
        .filter(|q| vorgang_core::rights::in_queue(&model.names, agent, &q.name, vorgang_definitions::kinds::role::Right::Rw))
        .map(|q| q.name.to_string())
        .collect();
    let queues: Vec<String> =
        if creatable.is_empty() { model.names.queues.iter().map(|q| q.name.to_string()).collect() } else { creatable };
    let texts = if customer.language == "de" { GERMAN } else { ENGLISH };
    let (title, body) = random.pick(texts);
    let place = random.below(400) + 1;
    let mut fields = BTreeMap::new();
    for f in ticket_type.fields.iter().filter(|f| f.required) {
        if let Some(value) = sample(&model.names, &f.field, &mut random, at) {
            fields.insert(f.field.to_string(), value);
        }
    }
    let new = NewTicket {
        title: title.replace('#', &place.to_string()),
        ticket_type: ticket_type.name.to_string(),
        queue: random.pick(&queues).clone(),
        fields,
        article: Some(ArticleInput { body: body.replace('#', &place.to_string()), visible: true, ..ArticleInput::default() }),
        ..NewTicket::default()
    };
    let request = Request { actor: customer, ticket: None, command: Command::CreateTicket(new), cause: "demo", at: Some(at) };
    let number = desk.execute(request).await?.after.ticket.number.clone();
    later(desk, agent, &number, i, count, &mut random, at).await
}

/// What an agent did afterwards: took it, perhaps answered, perhaps closed it. Old ones are mostly closed.
async fn later(desk: &Desk, agent: &Person, number: &str, i: u64, count: u64, random: &mut Random, at: Timestamp) -> Result<(), Error> {
    let old = i * 10 < count * 8;
    let states = desk.model().names.states.iter().map(|s| (s.name.to_string(), s.state_type)).collect::<Vec<_>>();
    let find = |wanted: &str| states.iter().find(|(_, t)| t.word() == wanted).map(|(n, _)| n.clone());
    let mut values: BTreeMap<String, Json> = BTreeMap::new();
    if random.below(10) < 6 {
        values.insert("owner".into(), agent.login.clone().into());
    }
    if random.below(3) == 0 {
        let priorities: Vec<String> = desk.model().names.priorities.iter().map(|p| p.name.to_string()).collect();
        values.insert("priority".into(), random.pick(&priorities).clone().into());
    }
    let state = if old && random.below(10) < 8 { find("closed") } else { find("open").filter(|_| random.below(2) == 0) };
    values.extend(state.map(|s| ("state".to_owned(), Json::from(s))));
    if values.is_empty() {
        return Ok(());
    }
    let at = at + SignedDuration::from_mins(20 + random.below(600) as i64);
    let at = at.min(desk.clock.now());
    let command = Command::PatchTicket(PatchTicket { values, seen: None, expected: None, blobs: vec![] });
    tolerate(desk.execute(Request { actor: agent, ticket: Some(number), command, cause: "demo", at: Some(at) }).await)?;
    if random.below(4) == 0 {
        let german = agent.language == "de";
        let body =
            if german { "Ich habe es mir angesehen und melde mich morgen." } else { "I had a look at it and will report back tomorrow." };
        let article = ArticleInput { body: body.into(), visible: true, ..ArticleInput::default() };
        let command = Command::AddArticle(AddArticle { article });
        tolerate(desk.execute(Request { actor: agent, ticket: Some(number), command, cause: "demo", at: Some(at) }).await)?;
    }
    Ok(())
}

/// Rules of a site may forbid what the demo tries; that is not an error of the demo.
fn tolerate<T>(result: Result<T, Error>) -> Result<(), Error> {
    match result {
        Ok(_) | Err(Error::Rejected(_)) => Ok(()),
        Err(e) => Err(e),
    }
}

async fn start(desk: &Desk, customer: &Person, process: &str, random: &mut Random, at: Timestamp) -> Result<bool, Error> {
    let Ok(Some(work)) = desk.start_form(customer, process, None).await else { return Ok(false) };
    let Some(offered) = work.forms.first() else { return Ok(false) };
    let model = desk.model();
    let mut values = BTreeMap::new();
    for field in offered.fields.iter().filter(|f| f.required) {
        if let Some(value) = sample(&model.names, &field.name, random, at) {
            values.insert(field.name.clone(), value);
        }
    }
    let texts = if customer.language == "de" {
        ["Bahnfahrt zum Kunden", "Taxi zum Flughafen"]
    } else {
        ["Train to the customer", "Taxi to the airport"]
    };
    let article =
        offered.article.as_ref().map(|_| ArticleInput { body: (*random.pick(&texts)).into(), visible: true, ..ArticleInput::default() });
    let form = Form {
        dialog: Some(offered.dialog.clone()),
        outcome: offered.outcomes.first().map(|o| o.name.clone()),
        values,
        article,
        ..Form::default()
    };
    let command = Command::StartProcess(StartProcess { process: process.to_owned(), form });
    match desk.execute(Request { actor: customer, ticket: None, command, cause: "demo", at: Some(at) }).await {
        Ok(_) => Ok(true),
        Err(Error::Rejected(_)) => Ok(false),
        Err(e) => Err(e),
    }
}

/// A value that the field takes.
fn sample(names: &Names, name: &str, random: &mut Random, at: Timestamp) -> Option<Json> {
    let Slot::Field(field) = Slot::find(names, name)? else { return None };
    let options: Vec<&str> = field.options.names().collect();
    let day = |plus: i64| (at + SignedDuration::from_hours(24 * plus)).to_zoned(jiff::tz::TimeZone::UTC).date().to_string();
    Some(match field.field_type {
        FieldType::Text | FieldType::Multiline => "Demo".into(),
        FieldType::Integer => (random.below(100) as i64).into(),
        FieldType::Decimal => format!("{}.{:02}", 20 + random.below(600), random.below(100)).into(),
        FieldType::Boolean => (random.below(2) == 0).into(),
        FieldType::Date if name.starts_with("last") => day(30 + random.below(10) as i64).into(),
        FieldType::Date => day(20 + random.below(10) as i64).into(),
        FieldType::Choice => (*random.pick(&options)).into(),
        FieldType::MultipleChoice => json!([random.pick(&options)]),
        FieldType::User => "agent".into(),
        FieldType::File => return None,
    })
}

const FIRST: &[&str] =
    &["Lena", "Jonas", "Mara", "Emil", "Ida", "Finn", "Clara", "Noah", "Greta", "Karl", "Sofia", "James", "Olivia", "Henry", "Amelia"];
const LAST: &[&str] = &[
    "Schmidt", "Meyer", "Wagner", "Becker", "Hoffmann", "Schäfer", "Koch", "Bauer", "Richter", "Klein", "Wolf", "Smith", "Jones", "Taylor",
    "Brown",
];
const COMPANIES: &[&str] = &["north", "south", "east", "west", "harbour", "mill", "forest", "bridge"];
const ENGLISH: &[(&str, &str)] = &[
    (
        "Printer on floor # does not print",
        "Hello,\n\nsince this morning the printer on floor # only shows a paper jam, but there is no paper in it.\n\nKind regards",
    ),
    ("VPN drops every few minutes", "My connection drops about every # minutes. It began after the last update."),
    ("New laptop for a colleague", "We have a new colleague from next month on and need a laptop with a docking station for room #."),
    ("Access to the finance share", "Please give me read access to the share finance-#. My manager agrees."),
    ("Monitor flickers in room #", "The left monitor flickers. I have changed the cable already."),
    ("Cannot open a spreadsheet", "The file report-# opens with an error about a missing add-in."),
    ("Telephone # has no dial tone", "The telephone in room # has been dead since yesterday."),
    ("Password expired", "My password expired while I was on holiday and I cannot sign in any more."),
];
const GERMAN: &[(&str, &str)] = &[
    (
        "Drucker in Raum # druckt nicht",
        "Guten Tag,\n\nder Drucker in Raum # meldet Papierstau, es steckt aber kein Papier darin.\n\nViele Grüße",
    ),
    ("VPN bricht ständig ab", "Meine Verbindung bricht etwa alle # Minuten ab. Angefangen hat es nach dem letzten Update."),
    ("Neuer Rechner für eine Kollegin", "Wir bekommen zum nächsten Monat eine neue Kollegin und brauchen einen Rechner für Raum #."),
    (
        "Zugriff auf das Laufwerk Buchhaltung",
        "Bitte geben Sie mir Lesezugriff auf das Laufwerk buchhaltung-#. Meine Führungskraft ist einverstanden.",
    ),
    ("Bildschirm flackert in Raum #", "Der linke Bildschirm flackert. Das Kabel habe ich schon getauscht."),
    ("Tabelle lässt sich nicht öffnen", "Die Datei Bericht-# öffnet sich mit einer Meldung über ein fehlendes Add-in."),
    ("Telefon # hat kein Freizeichen", "Das Telefon in Raum # ist seit gestern tot."),
    ("Kennwort abgelaufen", "Mein Kennwort ist während des Urlaubs abgelaufen, ich kann mich nicht mehr anmelden."),
];
