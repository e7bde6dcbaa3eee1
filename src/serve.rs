//! `vorgang serve`

use crate::backups::BackupOptions;
use crate::database::{self, Outside};
use crate::{End, author, control};
use anyhow::{Context, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::SignedDuration;
use rust_embed::RustEmbed;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;
use vorgang_core::people::PersonKind;
use vorgang_definitions::diagnostic;
use vorgang_definitions::site::SiteFile;
use vorgang_runtime::checkpoints::{self, Signer};
use vorgang_runtime::clock::NodeClock;
use vorgang_runtime::courier::MessageChannel;
use vorgang_runtime::delivery;
use vorgang_runtime::outbox::{self, Links, MailChannel, Mailer};
use vorgang_runtime::programs::{ProgramChannel, Programs};
use vorgang_runtime::quota::Quotas;
use vorgang_runtime::revisions::{self, Applied};
use vorgang_runtime::{Desk, demo};
use vorgang_store::Store;
use vorgang_transport::fetch::Surroundings;
use vorgang_transport::listener::{self, Protocol};
use vorgang_transport::verify::Dns;
use vorgang_transport::{Post, Secrets, Smtp};
use vorgang_web::backlog::Backlog;
use vorgang_web::{App, Config, Metrics, MetricsDoor};

/// How long a node among others goes on serving after it was asked to end.
const DRAIN_SECONDS: u64 = 2;

/// Tickets of a demo without `--tickets`.
const DEMO_TICKETS: u64 = 60;

/// Descriptors that are no connections.
const OTHER_DESCRIPTORS: u64 = 200;

const PLACES_MAX: u64 = 100_000;

#[derive(Args)]
pub struct Options {
    /// The folder of definitions. It is applied if the database has no revision yet, or with `--watch`.
    site: Option<PathBuf>,
    /// Loads people and tickets to click on into an empty database, and prints sign-in links.
    #[arg(long)]
    demo: bool,
    /// How many tickets the demo has.
    #[arg(long, requires = "demo", value_name = "N")]
    tickets: Option<u64>,
    #[arg(long, env = "VORGANG_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDR")]
    listen: SocketAddr,
    /// The address under which people reach the portal.
    #[arg(long, env = "VORGANG_PUBLIC_URL", value_name = "URL")]
    public_url: Option<String>,
    /// Proxies whose `X-Forwarded-For` is believed.
    #[arg(long, env = "VORGANG_TRUSTED_PROXIES", value_delimiter = ',', value_name = "IP")]
    trusted_proxies: Vec<IpAddr>,
    /// Serves plain http on addresses other than loopback.
    #[arg(long, env = "VORGANG_INSECURE_HTTP")]
    insecure_http: bool,
    #[command(flatten)]
    mail: MailOptions,
    /// Takes mail from a mail server beside the desk, by LMTP.
    #[arg(long, env = "VORGANG_LMTP", value_name = "ADDR")]
    lmtp: Option<SocketAddr>,
    /// The same by SMTP, for those that speak no LMTP.
    #[arg(long, env = "VORGANG_SMTP", value_name = "ADDR")]
    smtp: Option<SocketAddr>,
    /// A program that definitions may run by its name; may be given several times.
    #[arg(long = "program", env = "VORGANG_PROGRAMS", value_delimiter = ',', value_name = "NAME=/PATH")]
    programs: Vec<String>,
    /// How long a node that is asked to end goes on serving while `/readyz` says 503, so that a proxy sends nobody here any more;
    /// two seconds where there are other nodes, none otherwise.
    #[arg(long, env = "VORGANG_DRAIN", value_name = "SECONDS")]
    drain: Option<u64>,
    /// Applies the folder whenever it changes.
    #[arg(long)]
    watch: bool,
    /// Lets the mail listeners take connections from other machines: mail servers in front check who may send.
    #[arg(long, env = "VORGANG_PUBLIC_MAIL")]
    public_mail: bool,
    #[command(flatten)]
    guards: GuardOptions,
    #[command(flatten)]
    backups: BackupOptions,
}

impl Options {
    /// The collector that gets traces.
    pub fn traces(&self) -> Option<&str> {
        self.guards.traces.as_deref()
    }
}

/// Limits for callers, and what operators watch.
#[derive(Args)]
pub struct GuardOptions {
    /// Serves /metrics on a listener of its own, and nowhere else.
    #[arg(long, env = "VORGANG_METRICS", value_name = "ADDR")]
    metrics: Option<SocketAddr>,
    /// The collector that gets traces by OTLP over HTTP, such as http://127.0.0.1:4318. For a build with the feature `otlp`.
    #[arg(long, env = "VORGANG_TRACES", value_name = "URL")]
    traces: Option<String>,
    /// Writes a line of the log for each request: when, who, what, from where, and how it was answered.
    #[arg(long, env = "VORGANG_ACCESS_LOG")]
    access_log: bool,
    /// The file with the bearer token that /metrics asks for.
    #[arg(long, env = "VORGANG_METRICS_TOKEN_FILE", value_name = "FILE", conflicts_with = "metrics")]
    metrics_token_file: Option<PathBuf>,
    /// Tickets that one person makes in a minute; 0 for any number.
    #[arg(long, env = "VORGANG_QUOTA_CREATE", default_value_t = Quotas::default().create, value_name = "N")]
    quota_create: u32,
    /// Lists and searches of one person in a minute.
    #[arg(long, env = "VORGANG_QUOTA_SEARCH", default_value_t = Quotas::default().search, value_name = "N")]
    quota_search: u32,
    /// Files, raw mails and histories that one person fetches in a minute.
    #[arg(long, env = "VORGANG_QUOTA_EXPORT", default_value_t = Quotas::default().export, value_name = "N")]
    quota_export: u32,
}

impl GuardOptions {
    fn quotas(&self) -> Quotas {
        Quotas { create: self.quota_create, search: self.quota_search, export: self.quota_export }
    }

    fn metrics_door(&self) -> anyhow::Result<MetricsDoor> {
        Ok(match (&self.metrics_token_file, self.metrics) {
            (Some(file), _) => {
                let token = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
                let token = token.trim().to_owned();
                if token.len() < 16 {
                    bail!("the token in {} has fewer than 16 characters", file.display());
                }
                MetricsDoor::Token(token)
            }
            (None, Some(_)) => MetricsDoor::Elsewhere,
            (None, None) => MetricsDoor::Here,
        })
    }
}

/// Where mail goes.
#[derive(Args)]
pub struct MailOptions {
    /// The server that takes mail: smtp://USER@HOST (STARTTLS), smtps://USER@HOST, or smtp+plain://127.0.0.1 for a relay
    /// on this machine. The password comes from VORGANG_MAIL_PASSWORD, or from the file below.
    #[arg(long, env = "VORGANG_MAIL_URL", value_name = "URL", requires = "mail_from")]
    mail_url: Option<String>,
    /// The file with the password of that server.
    #[arg(long, env = "VORGANG_MAIL_PASSWORD_FILE", value_name = "FILE")]
    mail_password_file: Option<PathBuf>,
    /// The sender of mail, such as `Help desk <desk@example.org>`.
    #[arg(long, env = "VORGANG_MAIL_FROM", value_name = "ADDRESS")]
    mail_from: Option<String>,
    /// A further authority for mail servers' certificates, a PEM file.
    #[arg(long, env = "VORGANG_MAIL_CA", value_name = "FILE")]
    mail_ca: Option<PathBuf>,
    /// The folder with a file for the password of each mail account; VORGANG_SECRET_NAME comes first.
    #[arg(long, env = "VORGANG_SECRETS", value_name = "DIR")]
    secrets: Option<PathBuf>,
    /// The DNS server that is asked who stands for mail (SPF, DKIM, DMARC); the system's if not given.
    #[arg(long, env = "VORGANG_DNS", value_name = "ADDR")]
    dns: Option<SocketAddr>,
}

impl MailOptions {
    fn ca(&self) -> anyhow::Result<Option<Vec<u8>>> {
        self.mail_ca.as_ref().map(|p| std::fs::read(p).with_context(|| format!("cannot read {}", p.display()))).transpose()
    }

    /// What all accounts need.
    fn surroundings(&self, folder: Option<&Path>) -> anyhow::Result<Arc<Surroundings>> {
        let secrets = Secrets { folder: self.secrets.clone() };
        Surroundings::new(secrets, self.ca()?, spool(folder)).map(Arc::new).map_err(|e| anyhow::anyhow!("--mail-ca: {e}"))
    }

    /// The way to the mail server, if one is configured.
    pub fn smtp(&self) -> anyhow::Result<Option<Smtp>> {
        let (Some(url), Some(from)) = (&self.mail_url, &self.mail_from) else { return Ok(None) };
        let ca = self.ca()?;
        let password = match &self.mail_password_file {
            Some(file) => {
                let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
                Some(text.trim_end_matches(['\r', '\n']).to_owned())
            }
            None => std::env::var("VORGANG_MAIL_PASSWORD").ok(),
        };
        let config = vorgang_transport::Config { url: url.clone(), from: from.clone(), password, ca };
        Ok(Some(Smtp::new(&config).context("--mail-url and --mail-from")?))
    }
}

#[derive(RustEmbed)]
#[folder = "examples/helpdesk"]
struct Helpdesk;

fn embedded() -> Vec<SiteFile> {
    let mut files: Vec<SiteFile> = Helpdesk::iter()
        .filter(|p| p.ends_with(".yaml") || p.ends_with(".ics"))
        .filter_map(|path| {
            let file = Helpdesk::get(&path)?;
            let text = String::from_utf8(file.data.into_owned()).ok()?;
            Some(SiteFile { path: format!("examples/helpdesk/{path}"), text })
        })
        .collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

pub async fn serve(url: &str, outside: Outside, attachments: Option<String>, options: Options) -> anyhow::Result<End> {
    if let Err(e) = usage(&options) {
        eprintln!("{e}");
        return Ok(End::Usage);
    }
    let mail = options.mail.smtp().and_then(|smtp| Ok((smtp, options.mail.surroundings(outside.folder.as_deref())?)));
    let mail = match mail {
        Ok(mail) => mail,
        Err(e) => {
            eprintln!("{e:#}");
            return Ok(End::Usage);
        }
    };
    let programs = match programs(&options) {
        Ok(programs) => Arc::new(programs),
        Err(e) => {
            eprintln!("{e}");
            return Ok(End::Usage);
        }
    };
    let place = database::place(url)?;
    let signed = outside.folder.as_deref().map(checkpoints::outside).transpose()?.flatten().map_or(0, |o| o.lines.len());
    if let database::Place::File(path) = &place
        && signed > 0
        && std::fs::metadata(path).map_or(true, |m| m.len() == 0)
    {
        bail!("{}", missing(&place, outside.folder.as_deref(), signed));
    }
    let store = database::open(url, outside.shelf).await?;
    if signed > 0 && store.checkpoint_latest(1).await?.is_empty() {
        bail!("{}", missing(&place, outside.folder.as_deref(), signed));
    }
    let spool = spool(outside.folder.as_deref());
    vorgang_store::files::private_folder(&spool).with_context(|| format!("cannot make {}", spool.display()))?;
    let served = on(&place, store.clone(), (outside.folder, attachments), options, mail, programs).await;
    store.leave().await;
    served
}

/// A database that lost its history, or another one, does not begin anew beside the checkpoints of the old one.
fn missing(place: &database::Place, folder: Option<&Path>, signed: usize) -> String {
    let folder = folder.unwrap_or(Path::new("")).display();
    format!(
        "{} has no history, but {folder}/checkpoints.jsonl has {signed} signed checkpoints of one: restore the database, or move that folder \
         away to begin anew",
        place.shown()
    )
}

/// Serves on an open database until it is asked to stop.
async fn on(
    place: &database::Place,
    store: Arc<dyn Store>,
    (folder, attachments): (Option<PathBuf>, Option<String>),
    options: Options,
    (smtp, around): (Option<Smtp>, Arc<Surroundings>),
    programs: Arc<Programs>,
) -> anyhow::Result<End> {
    let files = match &options.site {
        Some(site) => Some(author::read(site)?),
        None if options.demo => Some(embedded()),
        None => None,
    };
    let people = store.person_list().await?;
    let is_demo = demo::ACCOUNTS.iter().all(|(login, _)| people.iter().any(|p| p.login == *login));
    let is_empty = store.ticket_count_all().await? == 0 && people.iter().all(|p| p.kind == PersonKind::System);
    if options.demo && !is_demo && !is_empty {
        bail!("{} is not empty: demo data is loaded into an empty database only", place.shown());
    }
    let desk = match open(store, files.as_deref()).await? {
        Ok(desk) => Arc::new(desk),
        Err(end) => return Ok(end),
    };
    if let (Some(files), Some(site)) = (files.as_deref(), &options.site)
        && let Some(other) = other_site(&desk, files)
    {
        bail!(
            "{} holds the site `{}`, not `{other}` of {}; name another database",
            place.shown(),
            desk.model().names.site.name,
            site.display()
        );
    }
    warn_of_difference(&desk, files.as_deref(), &options);
    let listener = tokio::net::TcpListener::bind(options.listen).await.with_context(|| format!("cannot listen on {}", options.listen))?;
    let public_url = match options.public_url {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None => format!("http://{}", listener.local_addr()?),
    };
    let post = Arc::new(Post::new(smtp, desk.clone(), around.clone()));
    let proxies = options.trusted_proxies.clone();
    let config = Config {
        public_url,
        trusted_proxies: options.trusted_proxies,
        mail: can_send(&desk, &post),
        quotas: options.guards.quotas(),
        metrics: options.guards.metrics_door()?,
        access_log: options.guards.access_log,
    };
    let metrics = Metrics::install().map_err(|e| anyhow::anyhow!("the metrics could not be set up: {e}"))?;
    if options.demo && is_empty {
        load_demo(&desk, options.tickets.unwrap_or(DEMO_TICKETS)).await?;
    }
    if let Some(socket) = place.socket() {
        control::listen(&socket, desk.clone())?;
    }
    if options.demo {
        print_links(&desk, &config.public_url).await?;
    }
    eprintln!("vorgang serves {} on {}", desk.model().names.site.name, config.public_url);
    let mut lanes = JoinSet::new();
    if options.watch
        && let Some(site) = options.site.clone()
    {
        lanes.spawn(watch(desk.clone(), site));
    }
    for name in desk.model().programs().into_iter().filter(|n| !programs.names(n)) {
        tracing::warn!("definitions run the program `{name}`, which --program does not name");
    }
    lanes.spawn(vorgang_runtime::nodes::run_lane(desk.clone()));
    lanes.spawn(vorgang_runtime::wake::run_lane(desk.clone()));
    lanes.spawn(vorgang_runtime::timers::run_lane(desk.clone()));
    lanes.spawn(vorgang_runtime::jobs::run_lane(desk.clone()));
    lanes.spawn(vorgang_runtime::desk_events::run_lane(desk.clone()));
    lanes.spawn(delivery::run_lane(desk.clone(), Arc::new(MessageChannel)));
    lanes.spawn(delivery::run_lane(desk.clone(), Arc::new(ProgramChannel(programs))));
    lanes.spawn(outbox::sweep(desk.clone()));
    lanes.spawn(vorgang_runtime::search::run_lane(desk.clone()));
    match folder.as_deref().map(Signer::open) {
        Some(Ok(signer)) => drop(lanes.spawn(checkpoints::run_lane(desk.clone(), Arc::new(signer)))),
        Some(Err(e)) => return Err(database::why(e).context("the folder of files cannot be used (--files)")),
        None => tracing::warn!("no checkpoints of the history are made: --files names no folder for them"),
    }
    lanes.spawn(options.backups.run_lane(desk.clone(), place.clone(), folder, attachments));
    if config.mail {
        let channel = MailChannel { mailer: post.clone(), links: Links(config.public_url.clone()) };
        lanes.spawn(delivery::run_lane(desk.clone(), Arc::new(channel)));
    }
    match Dns::new(options.mail.dns) {
        Ok(dns) => drop(desk.verifier.set(Arc::new(dns))),
        Err(e) => tracing::warn!("nobody is asked who stands for mail: {e}"),
    }
    lanes.spawn(vorgang_transport::fetch::run_lane(desk.clone(), around.clone()));
    for (address, protocol) in [(options.lmtp, Protocol::Lmtp), (options.smtp, Protocol::Smtp)] {
        let Some(address) = address else { continue };
        let listener = tokio::net::TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
        lanes.spawn(listener::serve(desk.clone(), listener, protocol, around.spool.clone()));
    }
    let (live, store, drain) = (desk.live.clone(), desk.store.clone(), options.drain);
    let backlog = Backlog::default();
    backlog.watch().context("the wait for threads cannot be measured")?;
    let app = App { desk: desk.clone(), config: Arc::new(config), servers: Some(post.clone()), metrics: metrics.text(), backlog };
    if let Some(address) = options.guards.metrics {
        let listener = tokio::net::TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
        let router = vorgang_web::metrics_router(metrics.text(), desk);
        lanes.spawn(async move {
            if let Err(e) = vorgang_web::door::serve(listener, router, None, 64, vec![], std::future::pending()).await {
                tracing::error!("the metrics are not served any more: {e}");
            }
        });
    }
    lanes.spawn(metrics.keep());
    let (gate, router) = (vorgang_web::gate(&app), vorgang_web::router(app));
    let stop = async move {
        stopped().await;
        live.close();
        let others = async { store.others().await.unwrap_or(0) > 0 };
        let seconds = match drain {
            Some(seconds) => seconds,
            None if others.await => DRAIN_SECONDS,
            None => 0,
        };
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    };
    vorgang_web::door::serve(listener, router, Some(gate), places(), proxies, stop).await?;
    lanes.shutdown().await;
    if let Some(socket) = place.socket() {
        let _ = std::fs::remove_file(socket);
    }
    Ok(End::Good)
}

/// Is there a server for anything that goes out?
fn can_send(desk: &Desk, post: &Post) -> bool {
    post.has_default() || desk.model().names.accounts.iter().any(|a| a.send.is_some())
}

/// Where large mails lie while they come.
fn spool(folder: Option<&Path>) -> PathBuf {
    folder.map_or_else(std::env::temp_dir, |f| f.join("spool"))
}

/// Connections that may be open at the same time: as many descriptors as the system gives, but for those of the database,
/// its files and what else is opened meanwhile.
fn places() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    // As many as we may have; what the system sets at first is for programs that use `select`.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    let all = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    (all - (all / 2).min(OTHER_DESCRIPTORS)).clamp(1, PLACES_MAX) as usize
}

/// The programs that definitions may run.
fn programs(options: &Options) -> Result<Programs, String> {
    let mut programs = Programs::default();
    for given in options.programs.iter().filter(|g| !g.is_empty()) {
        let (name, path) = given.split_once('=').ok_or_else(|| format!("--program is NAME=/PATH, not `{given}`"))?;
        programs.add(name, Path::new(path))?;
    }
    Ok(programs)
}

/// Plain http leaves this machine only when it is asked for.
pub fn usage(options: &Options) -> Result<(), String> {
    let https = options.public_url.as_ref().is_some_and(|u| u.starts_with("https://"));
    if let Some(url) = options.public_url.as_ref().filter(|u| !u.starts_with("http://") && !u.starts_with("https://")) {
        return Err(format!("`{url}` is not a public URL: it begins with https:// or http://"));
    }
    if !options.listen.ip().is_loopback() && !https && !options.insecure_http {
        return Err(
            "plain http on an address that others reach: give --public-url https://… and a proxy in front, or --insecure-http".into()
        );
    }
    let strangers = |a: &&SocketAddr| !a.ip().is_loopback();
    if let Some(address) = [options.lmtp, options.smtp].iter().flatten().find(strangers).filter(|_| !options.public_mail) {
        return Err(format!(
            "{address} is reached from other machines: the mail listeners have no sign-in and no TLS; give --public-mail if a firewall lets only mail servers in"
        ));
    }
    Ok(())
}

/// The desk on the applied revision, or the end after the findings were printed.
async fn open(store: Arc<dyn Store>, files: Option<&[SiteFile]>) -> anyhow::Result<Result<Desk, End>> {
    if files.is_none() && store.revision_latest().await?.is_none() {
        bail!("the database has no revision yet: name a site, `vorgang serve SITE`, or try `vorgang serve --demo`");
    }
    match revisions::open(store.clone(), Arc::new(NodeClock(store)), files).await? {
        Ok(desk) => Ok(Ok(desk)),
        Err(Applied::Refused { sources, diagnostics, reasons }) => {
            eprint!("{}", diagnostic::render_human(&sources, &diagnostics, crate::color(&std::io::stderr())));
            for reason in reasons {
                eprintln!("{reason}");
            }
            Ok(Err(End::Found))
        }
        Err(_) => bail!("the applied site cannot be read"),
    }
}

/// The name of a folder's site, where it is another one than the database's.
fn other_site(desk: &Desk, files: &[SiteFile]) -> Option<String> {
    let name = vorgang_definitions::site::load(files, &[]).model?.names.site.name.to_string();
    (name != *desk.model().names.site.name).then_some(name)
}

/// What was applied runs; a folder that differs is only said.
fn warn_of_difference(desk: &Desk, files: Option<&[SiteFile]>, options: &Options) {
    let Some(files) = files.filter(|_| !options.watch) else { return };
    // The same texts need no second load to be the same.
    let model = desk.model();
    let same = |f: &SiteFile| model.sources.files().iter().any(|s| s.path == f.path && *s.text == *f.text);
    let applied = model.sources.files().iter().filter(|s| !s.path.starts_with("running process")).count();
    if files.len() == applied && files.iter().all(same) {
        return;
    }
    let loaded = vorgang_definitions::site::load(files, &[]);
    if loaded.model.is_none_or(|m| m.hash != desk.model().hash) {
        let site = options.site.as_deref().map_or("the built-in site".to_owned(), |s| s.display().to_string());
        tracing::warn!("{site} differs from what was applied; what was applied runs (see `vorgang plan`, `vorgang apply`)");
    }
}

async fn load_demo(desk: &Arc<Desk>, tickets: u64) -> anyhow::Result<()> {
    let customers = if tickets > 1_000 { 500 } else { 24 };
    desk.people_save(&demo::people(&desk.model().names, customers)).await?;
    let style = ProgressStyle::with_template("{msg} {bar:40} {pos}/{len} ({per_second}, {eta})")?;
    let bar = ProgressBar::with_draw_target(Some(tickets), ProgressDrawTarget::stderr()).with_style(style).with_message("demo tickets");
    let progress = Arc::new(AtomicU64::new(0));
    let shown = {
        let (bar, progress) = (bar.clone(), progress.clone());
        tokio::spawn(async move {
            loop {
                bar.set_position(progress.load(Ordering::Relaxed));
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        })
    };
    let made = demo::tickets(desk, tickets, &progress).await;
    shown.abort();
    bar.finish_and_clear();
    made.context("the demo could not be loaded")
}

async fn print_links(desk: &Desk, public_url: &str) -> anyhow::Result<()> {
    println!("Sign in with one of these links; each works once, within a day:");
    for (login, what) in demo::ACCOUNTS {
        let link = desk.link_create(login, SignedDuration::from_hours(24)).await?;
        println!("  {login:<9} {public_url}/link/{link}  ({what})");
    }
    Ok(())
}

/// Looks every second; a bad state of the folder is said once, and what runs goes on.
async fn watch(desk: Arc<Desk>, site: PathBuf) {
    let mut last: Option<Vec<SiteFile>> = None;
    loop {
        let files = read_quietly(&site).await;
        if let Some(files) = files.filter(|f| last.as_ref() != Some(f)) {
            match desk.apply(&files, "watch").await {
                Ok(Applied::New(id)) => tracing::info!("applied as revision {id}"),
                Ok(Applied::Same) => {}
                Ok(Applied::Refused { sources, diagnostics, reasons }) => {
                    eprint!("{}", diagnostic::render_human(&sources, &diagnostics, crate::color(&std::io::stderr())));
                    tracing::warn!("refused; what runs stays as it is. {}", reasons.join("; "));
                }
                Err(e) => tracing::warn!("{e}"),
            }
            last = Some(files);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn read_quietly(site: &Path) -> Option<Vec<SiteFile>> {
    let site = site.to_owned();
    tokio::task::spawn_blocking(move || author::read(&site).ok()).await.ok().flatten()
}

/// SIGTERM or Ctrl-C.
async fn stopped() {
    let mut term = match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(term) => term,
        Err(_) => return std::future::pending().await,
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
