//! What expressions can call by name, decisions and functions: each is compiled after those that it calls.

use crate::cel::ast::{Ast, Kind as AstKind};
use crate::cel::callable::{Callable, Defined};
use crate::cel::env::Env;
use crate::cel::functions::{self, SPECIAL};
use crate::cel::parse::parse;
use crate::cel::program::Program;
use crate::cel::types::Ty;
use crate::check::context::Cx;
use crate::check::{decision, texts};
use crate::diagnostic::{Diagnostic, Severity};
use crate::kinds::decision::{Column, Decision};
use crate::kinds::function::Function;
use crate::load::Named;
use crate::name::Name;
use crate::phase::Written;
use crate::value_expr::ValueExpr;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

enum Definition<'a> {
    Decision(&'a Decision),
    Function(&'a Function),
}

impl Definition<'_> {
    fn name(&self) -> &Name {
        match self {
            Self::Decision(d) => &d.name,
            Self::Function(f) => &f.name,
        }
    }

    /// Every name that its expressions call.
    fn calls(&self) -> BTreeSet<String> {
        let mut calls = BTreeSet::new();
        let texts: Vec<&str> = match self {
            Self::Decision(d) => expressions(d).collect(),
            Self::Function(f) => written(&f.value).into_iter().collect(),
        };
        for ast in texts.into_iter().filter_map(|t| parse(t).ok()) {
            ast.visit(&mut |part: &Ast| {
                if let AstKind::Call(None, name, _) = &part.kind {
                    calls.insert(name.clone());
                }
            });
        }
        calls
    }
}

fn written(value: &ValueExpr<Written>) -> Option<&str> {
    match value {
        ValueExpr::Expr(e) => Some(e.text.as_str()),
        ValueExpr::Literal(_) => None,
    }
}

fn expressions(d: &Decision) -> impl Iterator<Item = &str> {
    let values = d.rules.iter().flat_map(|r| r.then.iter()).chain(d.otherwise.iter().flat_map(Named::iter));
    d.rules.iter().filter_map(|r| r.when.as_ref()).map(|w| w.text.as_str()).chain(values.filter_map(|(_, v)| written(v)))
}

/// Each after what it calls; those that call themselves, or each other in a circle, are findings and not there.
pub fn all(decisions: &[Decision], functions: &[Function], base: &Env, cx: &mut Cx) -> BTreeMap<String, Callable> {
    let mut done: BTreeMap<String, Callable> = BTreeMap::new();
    let definitions = decisions.iter().map(Definition::Decision).chain(functions.iter().map(Definition::Function));
    let mut left: Vec<(Definition, BTreeSet<String>)> = definitions
        .map(|d| {
            let calls = d.calls();
            (d, calls)
        })
        .collect();
    loop {
        let open: BTreeSet<String> = left.iter().map(|(d, _)| d.name().to_string()).collect();
        let Some(place) = left.iter().position(|(_, calls)| calls.is_disjoint(&open)) else { break };
        let (definition, _) = left.remove(place);
        let env = Env { callables: Arc::new(done.clone()), ..base.clone() };
        let name = definition.name();
        if let Some(other) = done.get(name.as_str()) {
            let d = Diagnostic::error("duplicate-definition", name.span, format!("`{}` is the name of a decision already", other.name()));
            cx.push(d.help("expressions call both by their names"));
            continue;
        }
        let compiled = match definition {
            Definition::Decision(d) => decision::check_decision(d, &env, cx).map(|t| Callable::Decision(Arc::new(t))),
            Definition::Function(f) => define(f, &env, cx).map(|f| Callable::Function(Arc::new(f))),
        };
        done.extend(compiled.map(|c| (name.to_string(), c)));
    }
    let mut told: BTreeSet<String> = BTreeSet::new();
    for (definition, _) in &left {
        let name = definition.name();
        let Some(circle) = circle(name, &left).filter(|_| !told.contains(name.as_str())) else { continue };
        told.extend(circle.iter().cloned());
        let way = circle.iter().chain([&circle[0]]).map(|n| format!("`{n}`")).collect::<Vec<_>>().join(" calls ");
        let (code, help) = match definition {
            Definition::Decision(_) => ("decision-circle", "decisions call each other in one direction only"),
            Definition::Function(_) => {
                ("function-circle", "functions call each other in one direction only; a list is gone through by `map`, `filter` or `sum`")
            }
        };
        cx.push(Diagnostic::error(code, name.span, format!("{way}: it would never have a value")).help(help));
    }
    done
}

/// The way from a definition back to itself, where it needs itself.
fn circle(name: &Name, left: &[(Definition, BTreeSet<String>)]) -> Option<Vec<String>> {
    let mut ways = vec![vec![name.to_string()]];
    let mut seen: BTreeSet<String> = BTreeSet::new();
    while let Some(way) = ways.pop() {
        let last = way.last()?;
        let calls = left.iter().find(|(d, _)| d.name().as_str() == last).map(|(_, calls)| calls)?;
        if calls.contains(name.as_str()) {
            return Some(way);
        }
        for call in calls.iter().filter(|c| left.iter().any(|(d, _)| d.name().as_str() == c.as_str())) {
            if seen.insert(call.clone()) {
                ways.push(way.iter().cloned().chain([call.clone()]).collect());
            }
        }
    }
    None
}

/// A name that expressions call must not be one of theirs already.
pub fn callable_name(name: &Name, cx: &mut Cx) {
    if functions::find(name).is_some() || SPECIAL.iter().any(|(_, special, _)| name == *special) {
        cx.push(Diagnostic::error("bad-name", name.span, format!("`{name}` is a function of expressions already")));
    }
}

/// The parameters as names of the environment.
pub fn with_parameters(parameters: &Named<Column>, base: &Env, cx: &mut Cx) -> Env {
    let mut env = base.clone();
    for (name, column) in parameters.iter() {
        if env.root(name).is_some() {
            cx.push(Diagnostic::error("duplicate-key", name.span, format!("`{name}` has a meaning already")));
        }
        env = env.with(name, column.ty(name));
    }
    env
}

fn define(f: &Function, base: &Env, cx: &mut Cx) -> Option<Defined> {
    texts::text(f.title.as_ref(), cx);
    let before = cx.out.len();
    callable_name(&f.name, cx);
    let env = with_parameters(&f.takes, base, cx);
    let returns = f.returns.ty(&f.name);
    let ValueExpr::Expr(expr) = &f.value else {
        let d = Diagnostic::error("wrong-type", f.value.span(), "expected an expression");
        cx.push(d.help("an expression begins with `=`"));
        return None;
    };
    let body = cx.compile(expr, &env, Some(&returns))?;
    unused_parameters(f, &body, cx);
    let parameters: Vec<(String, Ty)> = f.takes.iter().map(|(n, c)| (n.to_string(), c.ty(n))).collect();
    let is_good = !cx.out[before..].iter().any(|d| d.severity == Severity::Error);
    is_good.then(|| Defined { name: f.name.to_string(), parameters, returns, body })
}

fn unused_parameters(f: &Function, body: &Program, cx: &mut Cx) {
    for (name, _) in f.takes.iter().filter(|(name, _)| !body.reads.contains(name.as_str())) {
        let d = Diagnostic::warning("unused", name.span, format!("`{}` does not use its parameter `{name}`", f.name));
        cx.push(d.help("leave it out, here and where the function is called"));
    }
}
