//! The configuration file: options of the command line under the same names, for what neither the command line nor the environment
//! gives. A command takes from it what it knows; a name that no command knows is an error.

use crate::{Cli, End, Format};
use anyhow::{Context, bail};
use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches, CommandFactory, FromArgMatches};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use toml::Value;
use vorgang_definitions::diagnostic::did_you_mean;

/// The options of a file, by their names on the command line.
type Settings = BTreeMap<String, Value>;

#[derive(clap::Subcommand)]
pub enum ConfigCommand {
    /// The options of `serve`: each with its value, and where that comes from.
    Show {
        #[arg(long, default_value = "human")]
        format: Format,
    },
    /// Checks the file: names, and values as far as they can be judged without starting.
    Check,
}

/// The command line with what the file adds. Ends the process as the parser does where it cannot be read.
pub fn parse() -> Cli {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let with_file = match completed(&arguments) {
        Ok(arguments) => arguments,
        Err(e) => {
            eprintln!("vorgang: {e:#}");
            std::process::exit(2);
        }
    };
    Cli::parse_from_all(with_file)
}

impl Cli {
    fn parse_from_all(arguments: Vec<OsString>) -> Self {
        let matches = Self::command().get_matches_from(arguments);
        Self::from_arg_matches(&matches).unwrap_or_else(|e| e.exit())
    }
}

/// The arguments, and those of the file for what is not given. `config` itself says what is wrong with the file.
fn completed(arguments: &[OsString]) -> anyhow::Result<Vec<OsString>> {
    // Other errors are reported when all arguments are there.
    let Ok(matches) = Cli::command().ignore_errors(true).try_get_matches_from(arguments) else { return Ok(arguments.to_vec()) };
    let Some(file) = matches.get_one::<PathBuf>("config").filter(|_| matches.subcommand_name() != Some("config")) else {
        return Ok(arguments.to_vec());
    };
    let settings = read(file)?;
    if let Some(wrong) = wrong_names(&settings).first() {
        bail!("{}: {wrong}", file.display());
    }
    let (path, given) = deepest(&matches);
    let mut all = arguments.to_vec();
    all.extend(missing(&settings, &path, given)?);
    Ok(all)
}

fn read(file: &Path) -> anyhow::Result<Settings> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let table: toml::Table = toml::from_str(&text).map_err(|e| anyhow::anyhow!("{}: {}", file.display(), e.to_string().trim()))?;
    Ok(table.into_iter().map(|(name, value)| (name.replace('_', "-"), value)).collect())
}

/// The command that is called, and what was given to it.
fn deepest(matches: &ArgMatches) -> (Vec<String>, &ArgMatches) {
    let (mut path, mut at) = (vec![], matches);
    while let Some((name, below)) = at.subcommand() {
        path.push(name.to_owned());
        at = below;
    }
    (path, at)
}

/// The options of a command, those of all commands among them.
fn options(path: &[String]) -> Vec<clap::Arg> {
    let mut command = Cli::command();
    command.build();
    let mut at = &command;
    for name in path {
        match at.find_subcommand(name) {
            Some(below) => at = below,
            None => break,
        }
    }
    let own = |a: &&clap::Arg| !matches!(a.get_id().as_str(), "help" | "version" | "config" | "format");
    at.get_arguments().filter(own).cloned().collect()
}

fn name_of(arg: &clap::Arg) -> String {
    arg.get_long().map_or_else(|| arg.get_id().as_str().replace('_', "-"), str::to_owned)
}

/// The names that `serve` and all commands know. Arguments of single commands are no configuration.
fn known_names() -> Vec<String> {
    options(&["serve".to_owned()]).iter().map(name_of).collect()
}

fn wrong_names(settings: &Settings) -> Vec<String> {
    let known = known_names();
    let unknown = settings.keys().filter(|name| !known.contains(name));
    unknown
        .map(|name| {
            let known: Vec<String> = known.iter().map(|k| shown_name(k)).collect();
            let near = did_you_mean(&shown_name(name), known.iter().map(String::as_str)).map_or(String::new(), |near| format!("; {near}"));
            format!("there is no option `{}`{near}", shown_name(name))
        })
        .collect()
}

/// As the file has it.
fn shown_name(name: &str) -> String {
    name.replace('-', "_")
}

/// The arguments for settings of this command that neither the command line nor the environment gives.
fn missing(settings: &Settings, path: &[String], given: &ArgMatches) -> anyhow::Result<Vec<OsString>> {
    let mut all = vec![];
    for arg in options(path) {
        let name = name_of(&arg);
        let Some(value) = settings.get(&name) else { continue };
        let source = given.try_get_raw(arg.get_id().as_str()).ok().and_then(|_| given.value_source(arg.get_id().as_str()));
        if !matches!(source, Some(ValueSource::CommandLine | ValueSource::EnvVariable)) {
            all.extend(arguments_of(&arg, &name, value)?);
        }
    }
    Ok(all)
}

fn arguments_of(arg: &clap::Arg, name: &str, value: &Value) -> anyhow::Result<Vec<OsString>> {
    let shown = shown_name(name);
    if matches!(arg.get_action(), ArgAction::SetTrue) {
        return match value {
            Value::Boolean(true) => Ok(vec![format!("--{name}").into()]),
            Value::Boolean(false) => Ok(vec![]),
            _ => bail!("`{shown}` is true or false"),
        };
    }
    let text = |value: &Value| match value {
        Value::String(text) => Ok(text.clone()),
        Value::Integer(n) => Ok(n.to_string()),
        _ => bail!("`{shown}` is a text or a number"),
    };
    let several = matches!(arg.get_action(), ArgAction::Append);
    let values = match value {
        Value::Array(values) if several => values.iter().map(text).collect::<anyhow::Result<Vec<_>>>()?,
        value => vec![text(value)?],
    };
    let argument = |text: String| if arg.is_positional() { text.into() } else { format!("--{name}={text}").into() };
    Ok(values.into_iter().map(argument).collect())
}

pub fn config(file: Option<&Path>, command: &ConfigCommand) -> anyhow::Result<End> {
    match command {
        ConfigCommand::Show { format } => show(file, *format == Format::Json),
        ConfigCommand::Check => check(file),
    }
}

/// `serve` as it would start with this file, or why it would not.
fn as_served(settings: &Settings) -> Result<ArgMatches, String> {
    let path = ["serve".to_owned()];
    let line = || vec![OsString::from("vorgang"), "serve".into()];
    let bare = Cli::command().ignore_errors(true).try_get_matches_from(line()).map_err(|e| e.to_string())?;
    let given = bare.subcommand_matches("serve").ok_or("serve is a command")?;
    let mut all = line();
    all.extend(missing(settings, &path, given).map_err(|e| e.to_string())?);
    Cli::command().try_get_matches_from(all).map_err(|e| {
        let text = e.to_string();
        text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
    })
}

fn check(file: Option<&Path>) -> anyhow::Result<End> {
    let Some(file) = file else {
        eprintln!("name the file: --config FILE, or VORGANG_CONFIG");
        return Ok(End::Usage);
    };
    let settings = match read(file) {
        Ok(settings) => settings,
        Err(e) => {
            println!("{e:#}");
            return Ok(End::Found);
        }
    };
    let mut wrong = wrong_names(&settings);
    // Each by itself, so that all that is wrong is told; then all together.
    let known = known_names();
    for (name, value) in settings.iter().filter(|(name, _)| known.contains(name)) {
        let alone = [(name.clone(), value.clone())].into();
        if let Err(why) = as_served(&alone)
            && !why.contains("required")
        {
            wrong.push(why);
        }
    }
    if wrong.is_empty() {
        let served = as_served(&settings).and_then(|m| Cli::from_arg_matches(&m).map_err(|e| e.to_string()));
        let usage = served.and_then(|cli| match cli.command {
            crate::Command::Serve(options) => crate::serve::usage(&options),
            _ => Ok(()),
        });
        wrong.extend(usage.err());
    }
    for why in &wrong {
        println!("{}: {why}", file.display());
    }
    if wrong.is_empty() {
        println!("{}: {} options, good", file.display(), settings.len());
    }
    Ok(if wrong.is_empty() { End::Good } else { End::Found })
}

fn show(file: Option<&Path>, json: bool) -> anyhow::Result<End> {
    let settings = file.map(read).transpose()?.unwrap_or_default();
    if let (Some(file), Some(wrong)) = (file, wrong_names(&settings).first()) {
        bail!("{}: {wrong}", file.display());
    }
    // With a file that does not go together it is shown what there is, and `check` says why it does not.
    let served = as_served(&settings).or_else(|_| as_served(&Settings::new())).map_err(anyhow::Error::msg)?;
    let served = served.subcommand_matches("serve").context("serve is a command")?;
    let own: Vec<OsString> = std::env::args_os().collect();
    let called = Cli::command().ignore_errors(true).try_get_matches_from(own).ok();
    let mut all = vec![];
    for arg in options(&["serve".to_owned()]) {
        let (id, name) = (arg.get_id().as_str(), name_of(&arg));
        let by_hand = called.as_ref().filter(|c| c.try_contains_id(id).is_ok() && c.value_source(id) == Some(ValueSource::CommandLine));
        let (matches, origin) = match (by_hand, served.value_source(id)) {
            (Some(called), _) => (called, "command line".to_owned()),
            (None, Some(ValueSource::EnvVariable)) => {
                (served, arg.get_env().map_or_else(String::new, |e| e.to_string_lossy().into_owned()))
            }
            (None, Some(ValueSource::CommandLine)) => (served, file.map_or_else(String::new, |f| f.display().to_string())),
            (None, Some(_)) => (served, "default".to_owned()),
            (None, None) => (served, "not set".to_owned()),
        };
        let raw: Vec<String> =
            matches.get_raw(id).map(|values| values.map(|v| without_password(&v.to_string_lossy())).collect()).unwrap_or_default();
        all.push((shown_name(&name), raw, origin));
    }
    all.sort();
    if json {
        let items: Vec<_> =
            all.iter().map(|(name, values, origin)| serde_json::json!({"name": name, "values": values, "origin": origin})).collect();
        println!("{:#}", serde_json::json!({"version": 1, "options": items}));
        return Ok(End::Good);
    }
    for (name, values, origin) in all {
        let value = match values.as_slice() {
            [] => "–".to_owned(),
            [one] => one.clone(),
            several => several.join(", "),
        };
        println!("{name:<22} {value:<40} {origin}");
    }
    Ok(End::Good)
}

/// A URL without the password that may stand in it.
fn without_password(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let Some((user, host)) = rest.rsplit_once('@') else { return text.to_owned() };
    match user.split_once(':') {
        Some((user, _)) => format!("{scheme}://{user}:***@{host}"),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown() {
        for (url, shown) in [
            ("postgres://desk:pw@db/desk", "postgres://desk:***@db/desk"),
            ("postgres://desk:p@w:x@db/desk", "postgres://desk:***@db/desk"),
            ("postgres://desk@db/desk", "postgres://desk@db/desk"),
            ("vorgang.db", "vorgang.db"),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }

    /// Every option of `serve` can stand in a file: none is of a kind that is not read.
    #[test]
    fn every_option_of_serve_can_stand_in_a_file() {
        for arg in options(&["serve".to_owned()]) {
            let name = name_of(&arg);
            let value = if matches!(arg.get_action(), ArgAction::SetTrue) { Value::Boolean(true) } else { Value::String("1".into()) };
            assert!(!arguments_of(&arg, &name, &value).expect("arguments").is_empty(), "{name}");
            assert!(wrong_names(&[(name.clone(), value)].into()).is_empty(), "{name}");
        }
    }
}
