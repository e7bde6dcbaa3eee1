//! The type checker. It turns the parsed expression into [`Code`], or says all that is wrong with it.
//!
//! Besides types it follows what is known to be set: `has(a.b) && a.b > 0`, `!has(a.b) || …`,
//! `done("x") && steps.x.outcome == …`. A path that may be unset and is not guarded is a finding.

mod macros;
mod paths;

use crate::cel::ast::{Ast, Kind, Op};
use crate::cel::callable::Callable;
use crate::cel::code::Code;
pub use crate::cel::code::Macro;
pub use crate::cel::code::Question;
use crate::cel::env::Env;
use crate::cel::finding::Finding;
use crate::cel::function::P;
use crate::cel::functions::{self, duration, format};
use crate::cel::patterns;
use crate::cel::types::Ty;
use crate::cel::value::Value;
use crate::decimal::Decimal;
use crate::diagnostic::nearest;
use std::collections::BTreeSet;

/// What the checker learned beside the code.
#[derive(Debug, Default)]
pub struct Checked {
    pub findings: Vec<Finding>,
    /// Every path that is read.
    pub reads: BTreeSet<String>,
    /// Optional paths that are read on the strength of [`Env::set`] alone.
    pub relies: BTreeSet<String>,
    /// Paths that are set where it is true.
    pub proves: BTreeSet<String>,
}

pub fn check(ast: &Ast, env: &Env, wanted: Option<&Ty>) -> (Code, Ty, Checked) {
    let mut checker = Checker {
        env,
        known: env.set.clone(),
        guarded: BTreeSet::new(),
        locals: vec![],
        macros: 0,
        depth: 0,
        wanted,
        out: Checked::default(),
    };
    let (code, mut ty) = checker.expression(ast);
    if let Some(wanted) = wanted
        && checker.is_word(ast, &ty, wanted)
    {
        ty = wanted.clone();
    }
    checker.out.proves = checker.facts(ast, true);
    (code, ty, checker.out)
}

type Facts = BTreeSet<String>;

pub(crate) struct Checker<'a> {
    env: &'a Env,
    known: Facts,
    /// What the expression itself has guarded, as opposed to what its place proves.
    guarded: Facts,
    locals: Vec<(String, Ty)>,
    macros: usize,
    /// Comprehensions that this place is in.
    depth: usize,
    /// The type that is wanted where the whole expression stands.
    wanted: Option<&'a Ty>,
    out: Checked,
}

impl Checker<'_> {
    fn finding(&mut self, code: &'static str, at: &Ast, message: String, help: Option<String>) {
        self.out.findings.push(Finding { code, start: at.start, end: at.end, message, help, about: None, meant: None });
    }

    /// Nothing is known under this word, unless its definition could not be read.
    fn unknown<'n>(&mut self, code: &'static str, at: &Ast, word: &str, message: String, known: impl IntoIterator<Item = &'n str>) {
        if self.env.lost.contains(word) {
            return;
        }
        let known: Vec<&str> = known.into_iter().collect();
        let meant = nearest(word, known.iter().copied());
        let list = || known.iter().take(12).map(|k| format!("`{k}`")).collect::<Vec<_>>().join(", ");
        let help = (meant.is_none() && !known.is_empty()).then(|| format!("known here are {}", list()));
        let meant = meant.map(|m| (word.to_owned(), m));
        self.out.findings.push(Finding { code, start: at.start, end: at.end, message, help, about: Some(word.to_owned()), meant });
    }

    fn unset(&mut self, at: &Ast, path: &str, name: &str, help: String) {
        self.finding("may-be-unset", at, format!("`{path}` may be unset here"), Some(help));
        self.out.findings.iter_mut().last().into_iter().for_each(|f| f.about = Some(name.to_owned()));
    }

    fn failed(&mut self, code: &'static str, at: &Ast, message: String, help: Option<String>) -> (Code, Ty) {
        self.finding(code, at, message, help);
        (Code::Const(Value::Bool(false)), Ty::Any)
    }

    fn expression(&mut self, ast: &Ast) -> (Code, Ty) {
        match &ast.kind {
            Kind::Bool(b) => (Code::Const(Value::Bool(*b)), Ty::Bool),
            Kind::Int(i) => (Code::Const(Value::Int(*i)), Ty::Int),
            Kind::Decimal(d) => (Code::Const(Value::Decimal(*d)), Ty::Decimal),
            Kind::Text(t) => (Code::Const(Value::text(t.as_str())), Ty::Text),
            Kind::Name(_) | Kind::Select(..) => self.path(ast),
            Kind::Index(of, index) => self.index(ast, of, index),
            Kind::Call(receiver, name, arguments) => self.call(ast, receiver.as_deref(), name, arguments),
            Kind::List(items) => self.list(items),
            Kind::Map(entries) => self.map(entries),
            Kind::Not(of) => {
                let code = self.wanted(of, &Ty::Bool);
                (Code::Not(Box::new(code)), Ty::Bool)
            }
            Kind::Negate(of) => {
                let (code, ty) = self.expression(of);
                if !ty.is_number() {
                    return self.failed("cel-type", of, format!("`-` wants a number, found {ty}"), None);
                }
                (Code::Negate(Box::new(code)), ty)
            }
            Kind::Binary(op, a, b) => self.binary(ast, *op, a, b),
            Kind::Condition(c, a, b) => self.condition(ast, c, a, b),
        }
    }

    fn wanted(&mut self, ast: &Ast, wanted: &Ty) -> Code {
        let (code, ty) = self.expression(ast);
        if !ty.fits(wanted) {
            self.finding("cel-type", ast, format!("expected {wanted}, found {ty}"), None);
        }
        code
    }

    /// A text whose literals are words of the wanted set, also through `? :`, `default` and lists, may stand for
    /// one (C26); a text that is computed may be a login.
    fn is_word(&mut self, ast: &Ast, ty: &Ty, wanted: &Ty) -> bool {
        match (wanted, &ast.kind) {
            (Ty::Word(_), Kind::Text(_)) => {
                self.literal_word(wanted, ast);
                true
            }
            (Ty::Word(_) | Ty::User | Ty::List(_), Kind::Condition(_, a, b)) => self.is_word(a, ty, wanted) && self.is_word(b, ty, wanted),
            (Ty::List(of), Kind::List(items)) => items.iter().all(|i| self.is_word(i, ty, of)),
            (Ty::Word(_), Kind::Call(None, name, _)) if name == "option" => true,
            (Ty::User, _) => ty.is_textual(),
            (Ty::Word(_), Kind::Select(..)) => {
                let path = self.dotted(ast).unwrap_or_default();
                let known = self.out.findings.len();
                let found = self.resolve(ast, &path, false);
                self.out.findings.truncate(known);
                found.is_some_and(|t| t.fits(wanted))
            }
            _ => false,
        }
    }

    fn index(&mut self, ast: &Ast, of: &Ast, index: &Ast) -> (Code, Ty) {
        let (code, ty) = self.expression(of);
        match ty {
            Ty::List(t) => {
                let index = self.wanted(index, &Ty::Int);
                (Code::Index(Box::new(code), Box::new(index)), *t)
            }
            Ty::Map(t) => {
                let index = self.wanted(index, &Ty::Text);
                (Code::Index(Box::new(code), Box::new(index)), *t)
            }
            Ty::Any => (code, Ty::Any),
            other => self.failed("cel-type", ast, format!("{other} has no elements, so no `[…]`"), None),
        }
    }

    fn list(&mut self, items: &[Ast]) -> (Code, Ty) {
        let mut of = Ty::Any;
        let mut codes = vec![];
        for item in items {
            let (code, ty) = self.expression(item);
            if matches!((&of, &ty), (Ty::Word(a), Ty::Word(b)) if a.what != b.what) {
                of = Ty::Text;
            } else if of == Ty::Any || of.fits(&ty) {
                of = ty;
            } else if !(ty.fits(&of) || ty.is_textual() && of.is_textual()) {
                self.finding("cel-type", item, format!("a list of {of} cannot hold a {ty}"), None);
            }
            codes.push(code);
        }
        (Code::List(codes), Ty::list(of))
    }

    fn map(&mut self, entries: &[(Ast, Ast)]) -> (Code, Ty) {
        let mut of = Ty::Any;
        let mut codes = vec![];
        for (key, value) in entries {
            let Kind::Text(name) = &key.kind else {
                return self.failed("cel-type", key, "a key of a map is a text in quotes".into(), None);
            };
            let (code, ty) = self.expression(value);
            of = if of == Ty::Any || of == ty { ty } else { Ty::Any };
            codes.push((name.clone(), code));
        }
        (Code::Map(codes), Ty::Map(Box::new(of)))
    }

    /// What is known to be set when `ast` is `truth`.
    fn facts(&self, ast: &Ast, truth: bool) -> Facts {
        match &ast.kind {
            Kind::Not(of) => self.facts(of, !truth),
            Kind::Binary(Op::And, a, b) if truth => &self.facts(a, true) | &self.facts(b, true),
            Kind::Binary(Op::Or, a, b) if !truth => &self.facts(a, false) | &self.facts(b, false),
            Kind::Binary(Op::Or, a, b) if truth => &self.facts(a, true) & &self.facts(b, true),
            Kind::Call(None, name, arguments) if truth && arguments.len() == 1 => match (name.as_str(), &arguments[0].kind) {
                ("has", _) if self.part(&arguments[0]).is_some() => self.part(&arguments[0]).into_iter().collect(),
                ("has", _) => {
                    let path = self.dotted(&arguments[0]).unwrap_or_default();
                    (1..=path.len()).map(|n| path[..n].join(".")).collect()
                }
                ("done", Kind::Text(step)) => [format!("steps.{step}")].into(),
                _ => Facts::new(),
            },
            _ => Facts::new(),
        }
    }

    fn assuming<T>(&mut self, facts: Facts, work: impl FnOnce(&mut Self) -> T) -> T {
        let (known, guarded) = (self.known.clone(), self.guarded.clone());
        self.known.extend(facts.iter().cloned());
        self.guarded.extend(facts);
        let result = work(self);
        (self.known, self.guarded) = (known, guarded);
        result
    }

    fn condition(&mut self, ast: &Ast, c: &Ast, a: &Ast, b: &Ast) -> (Code, Ty) {
        let condition = self.wanted(c, &Ty::Bool);
        let (when_true, when_false) = (self.facts(c, true), self.facts(c, false));
        let (yes, yes_ty) = self.assuming(when_true, |s| s.expression(a));
        let (no, no_ty) = self.assuming(when_false, |s| s.expression(b));
        let ty = if yes_ty.fits(&no_ty) {
            no_ty
        } else if no_ty.fits(&yes_ty) {
            yes_ty
        } else if yes_ty.is_textual() && no_ty.is_textual() {
            Ty::Text
        } else {
            return self.failed("cel-type", ast, format!("`? :` gives {yes_ty} or {no_ty}; both must have one type"), None);
        };
        (Code::Condition(Box::new(condition), Box::new(yes), Box::new(no)), ty)
    }

    fn binary(&mut self, ast: &Ast, op: Op, a: &Ast, b: &Ast) -> (Code, Ty) {
        if matches!(op, Op::And | Op::Or) {
            let left = self.wanted(a, &Ty::Bool);
            let facts = self.facts(a, op == Op::And);
            let right = self.assuming(facts, |s| s.wanted(b, &Ty::Bool));
            return (Code::Binary(op, Box::new(left), Box::new(right)), Ty::Bool);
        }
        let (left, left_ty) = self.expression(a);
        let (right, right_ty) = self.expression(b);
        let wrong = |s: &mut Self, help: Option<String>| {
            s.failed("cel-type", ast, format!("`{}` is not defined for {left_ty} and {right_ty}", op.sign()), help)
        };
        let ty = match op {
            Op::Equal | Op::NotEqual => {
                if !left_ty.meets(&right_ty) {
                    let help = self.compared(op, (a, &left_ty), (b, &right_ty));
                    return wrong(self, help);
                }
                self.literal_word(&left_ty, b);
                self.literal_word(&right_ty, a);
                Ty::Bool
            }
            Op::Less | Op::LessEqual | Op::Greater | Op::GreaterEqual => {
                let ordered = matches!(left_ty, Ty::Int | Ty::Decimal | Ty::Text | Ty::Date | Ty::Timestamp | Ty::Duration | Ty::Any);
                if !ordered || !(left_ty.fits(&right_ty) || right_ty.fits(&left_ty)) {
                    let help = self.compared(op, (a, &left_ty), (b, &right_ty));
                    return wrong(self, help);
                }
                Ty::Bool
            }
            Op::In => {
                match &right_ty {
                    Ty::List(t) if left_ty.meets(t) => {
                        if let Kind::List(items) = &b.kind {
                            for item in items {
                                self.literal_word(&left_ty, item);
                            }
                        }
                        self.literal_word(t, a);
                    }
                    Ty::Map(_) if left_ty.is_textual() => {}
                    Ty::Any => {}
                    _ => return wrong(self, Some("`in` wants a list on its right".into())),
                }
                Ty::Bool
            }
            // Words that are written out join the list they are added to.
            Op::Add if matches!(&left_ty, Ty::List(of) if matches!(**of, Ty::Word(_))) && self.is_word(b, &right_ty, &left_ty) => left_ty,
            Op::Add if matches!(&right_ty, Ty::List(of) if matches!(**of, Ty::Word(_))) && self.is_word(a, &left_ty, &right_ty) => right_ty,
            _ => match arithmetic(op, &left_ty, &right_ty) {
                Some(ty) => ty,
                None => {
                    let help = (op == Op::Divide && left_ty.is_number())
                        .then(|| "decimals are divided by `div(a, b, places)`".to_owned())
                        .or_else(|| {
                            (op == Op::Add && (left_ty.is_textual() || right_ty.is_textual())).then(|| "`string(x)` makes a text".into())
                        });
                    return wrong(self, help);
                }
            },
        };
        (Code::Binary(op, Box::new(left), Box::new(right)), ty)
    }

    /// How two values of different types are compared.
    fn compared(&self, op: Op, (a, left): (&Ast, &Ty), (b, right): (&Ast, &Ty)) -> Option<String> {
        if matches!((left, right), (Ty::Date, Ty::Timestamp) | (Ty::Timestamp, Ty::Date)) {
            return Some("`date(t)` is the day of a time".into());
        }
        let (of, ty, text) = match (&a.kind, &b.kind) {
            (_, Kind::Text(text)) => (a, left, text),
            (Kind::Text(text), _) => (b, right, text),
            _ => return None,
        };
        let path = self.dotted(of).map(|p| p.join("."));
        let sign = op.sign();
        match (ty, path) {
            (Ty::Int, Some(path)) if path == "ticket.priority" || path == "stored.priority" => {
                let level = self.env.levels.iter().find(|(name, _)| name == text).map(|(_, level)| *level);
                let by_name = format!("`{path}_name {sign} \"{text}\"`");
                Some(match (level, op) {
                    (Some(level), Op::Equal | Op::NotEqual) => format!("it is a level: write `{path} {sign} {level}`, or {by_name}"),
                    (Some(level), _) => format!("it is a level: write `{path} {sign} {level}`"),
                    (None, _) => format!("it is a level, a number; its name is `{path}_name`"),
                })
            }
            (Ty::Int | Ty::Decimal, _) if text.parse::<Decimal>().is_ok() => Some(format!("a number is written without quotes: `{text}`")),
            (Ty::Bool, _) => Some("a yes or no is compared with `true` or `false`, without quotes, or stands alone".into()),
            (Ty::Date, _) => Some(format!("a date is written `date(\"{text}\")`")),
            (Ty::Timestamp, _) => Some(format!("a time is written `timestamp(\"{text}\")`")),
            (Ty::Duration, _) => Some(format!("a duration is written `duration(\"{text}\")`, `hours(4)` or `days(2)`")),
            (Ty::List(_), _) if matches!(op, Op::Equal | Op::NotEqual) => Some("a list has it where `\"…\" in list` holds".into()),
            _ => None,
        }
    }

    /// A text literal that meets a word must be one of its words.
    fn literal_word(&mut self, ty: &Ty, ast: &Ast) {
        if let (Ty::Word(set), Kind::Text(text)) = (ty, &ast.kind)
            && !set.words.contains(text)
        {
            self.unknown("unknown-word", ast, text, format!("no {} is called `{text}`", set.what), set.words.iter().map(String::as_str));
        }
    }

    fn call(&mut self, ast: &Ast, receiver: Option<&Ast>, name: &str, arguments: &[Ast]) -> (Code, Ty) {
        match (receiver, name, arguments) {
            (None, "has", [of]) if self.part(of).is_some() => match self.part_of_value(of) {
                Some((code, name, _)) => (Code::HasField(Box::new(code), name), Ty::Bool),
                None => self.failed("cel-type", of, "`has()` wants a part of an element, such as `i.data.x`".into(), None),
            },
            (None, "default", [of, other]) if self.part(of).is_some() => match self.part_of_value(of) {
                Some((code, name, ty)) => {
                    let (other, ty) = self.instead(other, ty);
                    (Code::DefaultField(Box::new(code), name, Box::new(other)), ty)
                }
                None => self.failed("cel-type", of, "`default()` wants a part of an element first, such as `i.data.x`".into(), None),
            },
            (None, "has", [of]) => {
                let Some(path) = self.dotted(of).filter(|p| p.len() > 1) else {
                    return self.failed("cel-type", of, "`has()` wants a path such as `ticket.fields.x`".into(), None);
                };
                match self.resolve(of, &path, false) {
                    Some(_) => (Code::Has(boxed(&path)), Ty::Bool),
                    None => (Code::Const(Value::Bool(false)), Ty::Bool),
                }
            }
            (None, "default", [of, other]) => {
                let Some(path) = self.dotted(of).filter(|p| p.len() > 1) else {
                    return self.failed("cel-type", of, "`default()` wants a path such as `ticket.fields.x` first".into(), None);
                };
                let Some(ty) = self.resolve(of, &path, false) else { return (Code::Const(Value::Bool(false)), Ty::Any) };
                let (code, ty) = self.instead(other, ty);
                (Code::Default(boxed(&path), Box::new(code)), ty)
            }
            (None, "active" | "done", [of]) => self.activity(name, of),
            (Some(list), name, _) if Question::find(name, arguments.len()).is_some() => self.comprehension(list, name, arguments),
            (Some(Ast { kind: Kind::Name(of), .. }), "bind", [variable, value, body]) if of == "cel" => self.bind(variable, value, body),
            (None, "option", [_] | [_, _]) => self.option(ast, arguments),
            _ => self.function(ast, receiver, name, arguments),
        }
    }

    /// What stands in for a value of this type, and the type of both.
    fn instead(&mut self, other: &Ast, ty: Ty) -> (Code, Ty) {
        let (code, other_ty) = self.expression(other);
        let fits = other_ty.fits(&ty) || (other_ty.is_textual() && ty.is_textual()) || (ty == Ty::Int && other_ty == Ty::Decimal);
        if !fits {
            self.finding("cel-type", other, format!("expected {ty}, found {other_ty}"), None);
        }
        let ty = match ty {
            Ty::Word(_) => Ty::Text,
            Ty::Int => other_ty,
            ty => ty,
        };
        (code, ty)
    }

    fn activity(&mut self, name: &str, of: &Ast) -> (Code, Ty) {
        let Some(activities) = self.env.activities.clone() else {
            return self.failed("unknown-name", of, format!("`{name}()` is known only inside a process"), None);
        };
        let Kind::Text(activity) = &of.kind else {
            return self.failed("cel-type", of, format!("`{name}()` wants the name of an activity in quotes"), None);
        };
        self.literal_word(&Ty::Word(activities), of);
        let code = if name == "active" {
            Code::Active(activity.clone())
        } else {
            self.out.reads.insert(format!("steps.{activity}"));
            Code::Has(boxed(&["steps".to_owned(), activity.clone()]))
        };
        (code, Ty::Bool)
    }

    /// A decision or a function of the site is called with its parameters, in their order.
    fn callable(&mut self, ast: &Ast, callable: Callable, arguments: &[Ast]) -> (Code, Ty) {
        let (name, parameters) = (callable.name(), callable.parameters());
        if arguments.len() != parameters.len() {
            let names = parameters.iter().map(|(n, _)| n.as_str()).collect::<Vec<_>>().join(", ");
            let what = if matches!(callable, Callable::Decision(_)) { "inputs" } else { "arguments" };
            let message = format!("`{name}` wants {} {what}, found {}", parameters.len(), arguments.len());
            return self.failed("cel-type", ast, message, Some(format!("it is called `{name}({names})`")));
        }
        let codes = arguments.iter().zip(parameters).map(|(argument, (_, ty))| {
            let (code, found) = self.expression(argument);
            if !found.fits(ty) && !self.is_word(argument, &found, ty) {
                self.finding("cel-type", argument, format!("expected {ty}, found {found}"), None);
            }
            code
        });
        let codes = codes.collect();
        // What it depends on beside its parameters.
        if let Callable::Function(function) = &callable {
            let own = |path: &&String| !parameters.iter().any(|(name, _)| name == *path);
            self.out.reads.extend(function.body.reads.iter().filter(own).cloned());
        }
        let ty = callable.ty();
        (Code::Apply(callable, codes), ty)
    }

    fn function(&mut self, ast: &Ast, receiver: Option<&Ast>, name: &str, arguments: &[Ast]) -> (Code, Ty) {
        if let (None, Some(callable)) = (receiver, self.env.callables.get(name)) {
            return self.callable(ast, callable.clone(), arguments);
        }
        // The namespace is a part of the name: `math.abs(x)`.
        let (receiver, name) = match receiver.map(|r| &r.kind) {
            Some(Kind::Name(of)) if NAMESPACES.contains(&of.as_str()) => (None, format!("{of}.{name}")),
            _ => (receiver, name.to_owned()),
        };
        let name = name.as_str();
        let Some(function) = functions::find(name) else { return self.unknown_function(ast, name) };
        let (mut codes, mut types) = (vec![], vec![]);
        for (n, argument) in receiver.into_iter().chain(arguments).enumerate() {
            // `format` takes values of different types in one list.
            let (code, ty) = match &argument.kind {
                Kind::List(items) if name == "format" && n == 1 => self.values(items, receiver),
                _ => self.expression(argument),
            };
            codes.push(code);
            types.push(ty);
        }
        // What they depend on beside their arguments.
        match function.name {
            "today" => drop(self.out.reads.insert("now".into())),
            "has_role" => drop(self.out.reads.insert("actor.roles".into())),
            _ => {}
        }
        let is_method = receiver.is_some();
        let Some(signature) = function.signatures.iter().find(|s| s.takes(is_method, &types)) else {
            let found = types.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let known = function.signatures.iter().map(|s| format!("`{}`", s.written(name))).collect::<Vec<_>>().join(" or ");
            return self.failed("cel-type", ast, format!("`{name}` cannot take ({found})"), Some(format!("it is called {known}")));
        };
        for (param, argument) in signature.params.iter().zip(receiver.into_iter().chain(arguments)) {
            match param {
                P::Role => self.literal_word(&Ty::Word(self.env.roles.clone()), argument),
                P::Calendar => self.literal_word(&Ty::Word(self.env.calendars.clone()), argument),
                _ => {}
            }
        }
        let counts = function.signatures.iter().any(|s| s.params.contains(&P::Calendar));
        if counts && self.env.no_calendar && !signature.params.contains(&P::Calendar) {
            let help = Some("name one as the last argument, or give the site its `calendar:`".to_owned());
            return self.failed("no-calendar", ast, "no calendar counts here".into(), help);
        }
        let written = receiver.into_iter().chain(arguments).nth(1);
        if (name == "matches" || name == "extract")
            && let Some(Ast { kind: Kind::Text(pattern), .. }) = written
            && let Err(message) = patterns::compile_regex(pattern)
        {
            return self.failed("cel-regex", written.unwrap_or(ast), message, None);
        }
        // A literal that is no duration is a finding here, not an error at run time.
        if name == "duration"
            && let [Ast { kind: Kind::Text(text), .. }] = arguments
            && let Err(message) = duration::length_of(text)
        {
            return self.failed("cel-type", &arguments[0], message, None);
        }
        (Code::Call(function, codes), signature.result(&types))
    }

    /// Values of any types, for the places of the text that is formatted.
    fn values(&mut self, items: &[Ast], text: Option<&Ast>) -> (Code, Ty) {
        let (codes, types): (Vec<Code>, Vec<Ty>) = items.iter().map(|i| self.expression(i)).unzip();
        if let Some(ast @ Ast { kind: Kind::Text(text), .. }) = text
            && let Some(message) = format::wrong(text, &types)
        {
            self.finding("cel-type", ast, message, None);
        }
        (Code::List(codes), Ty::list(Ty::Any))
    }

    fn unknown_function(&mut self, ast: &Ast, name: &str) -> (Code, Ty) {
        let special = || functions::SPECIAL.iter().map(|(_, name, _)| *name);
        let other = match name {
            "length" | "lenght" | "len" | "count" | "strlen" => {
                Some("`size(x)` counts the elements of a list or the letters of a text".to_owned())
            }
            "toLower" | "lowercase" => Some("it is called `lower()`".to_owned()),
            "toUpper" | "uppercase" => Some("it is called `upper()`".to_owned()),
            _ => None,
        };
        let message = format!("unknown function `{name}`");
        let known_otherwise = special().any(|s| s == name).then(|| format!("`{name}` is called otherwise: see `vorgang explain {name}`"));
        if let Some(help) = other.or(known_otherwise) {
            return self.failed("unknown-name", ast, message, Some(help));
        }
        let own = self.env.callables.clone();
        let known = functions::all().map(|f| f.name).chain(special()).chain(own.keys().map(String::as_str));
        let known = nearest(name, known).into_iter().map(|n| n.word).collect::<Vec<_>>();
        self.unknown("unknown-name", ast, name, message, known.iter().map(String::as_str));
        (Code::Const(Value::Bool(false)), Ty::Any)
    }
}

/// Namespaces of functions, such as `math` of `math.abs`.
const NAMESPACES: &[&str] = &["lists", "math", "strings"];

pub(crate) fn boxed(path: &[String]) -> Vec<Box<str>> {
    path.iter().map(|p| p.as_str().into()).collect()
}

fn arithmetic(op: Op, a: &Ty, b: &Ty) -> Option<Ty> {
    Some(match (op, a, b) {
        (_, Ty::Any, _) | (_, _, Ty::Any) => Ty::Any,
        (_, Ty::Int, Ty::Int) => Ty::Int,
        (Op::Add | Op::Subtract | Op::Multiply, Ty::Int | Ty::Decimal, Ty::Int | Ty::Decimal) => Ty::Decimal,
        (Op::Add, a, b) if a.is_textual() && b.is_textual() => Ty::Text,
        (Op::Add, Ty::List(x), Ty::List(y)) if x.fits(y) => b.clone(),
        (Op::Add, Ty::List(x), Ty::List(y)) if y.fits(x) => a.clone(),
        (Op::Add | Op::Subtract, Ty::Date, Ty::Duration) | (Op::Add, Ty::Duration, Ty::Date) => Ty::Date,
        (Op::Add | Op::Subtract, Ty::Timestamp, Ty::Duration) | (Op::Add, Ty::Duration, Ty::Timestamp) => Ty::Timestamp,
        (Op::Subtract, Ty::Timestamp, Ty::Timestamp) | (Op::Subtract, Ty::Date, Ty::Date) => Ty::Duration,
        (Op::Add | Op::Subtract, Ty::Duration, Ty::Duration) => Ty::Duration,
        (Op::Multiply, Ty::Duration, Ty::Int) | (Op::Multiply, Ty::Int, Ty::Duration) | (Op::Divide, Ty::Duration, Ty::Int) => Ty::Duration,
        (Op::Divide, Ty::Duration, Ty::Duration) => Ty::Int,
        _ => return None,
    })
}
