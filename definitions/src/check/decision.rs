//! Decisions: their rules are compiled, and looked at for gaps and overlaps.
//!
//! Where every condition compares inputs with constants, the inputs fall into finitely many regions, and one point of each
//! decides for all of it: each constant, a point between two neighbours, one below and one above.

use crate::calendar::WorkTime;
use crate::cel::ast::{Ast, Kind as AstKind, Op};
use crate::cel::callable::{Answer, Output, Rule, Table};
use crate::cel::env::Env;
use crate::cel::parse::parse;
use crate::cel::scope::Scope;
use crate::cel::types::Ty;
use crate::cel::value::Value;
use crate::check::context::Cx;
use crate::check::regions::{constant, spread};
use crate::check::{function, texts};
use crate::diagnostic::Diagnostic;
use crate::hit_policy::{Collect, Hit};
use crate::kinds::decision::{Column, Decision};
use crate::kinds::message::DataType;
use crate::load::Named;
use crate::phase::Written;
use crate::source::Span;
use crate::value_expr::ValueExpr;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;

/// Points at which a table is looked at.
const POINTS_MAX: usize = 100_000;

/// The table, where nothing is wrong with it. What it calls is in the environment.
pub fn check_decision(d: &Decision, base: &Env, cx: &mut Cx) -> Option<Table> {
    texts::text(d.title.as_ref(), cx);
    let before = cx.out.len();
    function::callable_name(&d.name, cx);
    for (what, missing) in [("inputs", d.inputs.is_empty()), ("outputs", d.outputs.is_empty()), ("rules", d.rules.is_empty())] {
        if missing {
            cx.push(Diagnostic::error("missing-key", d.name.span, format!("the decision `{}` has no {what}", d.name)));
        }
    }
    let hit = d.hit.unwrap_or(Hit::Unique);
    let ordered = d.outputs.iter().any(|(_, o)| matches!(o, Column::Words(_)));
    if matches!(hit, Hit::Priority | Hit::OutputOrder) && !ordered {
        let diagnostic = Diagnostic::error("missing-key", d.name.span, format!("`hit: {}` needs an output with listed values", hit.word()));
        cx.push(diagnostic.help("for example `outputs: { risk: [high, medium, low] }`, the highest priority first"));
    }
    let numbers = matches!(d.outputs.iter().next(), Some((_, Column::Type(DataType::Integer | DataType::Decimal))));
    let counts = d.collect == Some(Collect::Count);
    if d.collect.is_some() && (hit != Hit::Collect || d.outputs.len() != 1 || (!numbers && !counts)) {
        let diagnostic = Diagnostic::error(
            "wrong-type",
            d.name.span,
            "`collect` goes with `hit: collect` and one output, a number unless it is counted",
        );
        cx.push(diagnostic);
    }
    let env = function::with_parameters(&d.inputs, base, cx);
    let mut rules = vec![];
    for rule in &d.rules {
        let when = match &rule.when {
            Some(when) => cx.compile(when, &env, Some(&Ty::Bool)).map(Some),
            None => Some(None),
        };
        rules.push(when.zip(answers(d, &rule.then, rule.at, &env, cx)).map(|(when, then)| Rule { at: rule.at, when, then }));
    }
    let otherwise = d.otherwise.as_ref().map(|o| answers(d, o, d.name.span, &env, cx));
    if cx.out.len() > before {
        return None;
    }
    let order = |c: &Column| if let Column::Words(words) = c { words.clone() } else { vec![] };
    let outputs = d.outputs.iter().map(|(n, c)| Output { name: n.to_string(), ty: c.ty(n), order: order(c) });
    let table = Table {
        name: d.name.to_string(),
        inputs: d.inputs.iter().map(|(n, c)| (n.to_string(), c.ty(n))).collect(),
        outputs: outputs.collect(),
        hit,
        collect: d.collect,
        rules: rules.into_iter().collect::<Option<_>>()?,
        otherwise: otherwise.map_or(Some(None), |o| o.map(Some))?,
    };
    regions(d, &table, cx);
    Some(table)
}

fn answers(d: &Decision, given: &Named<ValueExpr<Written>>, at: Span, env: &Env, cx: &mut Cx) -> Option<Vec<Answer>> {
    for (name, _) in given.iter().filter(|(n, _)| d.outputs.get(n).is_none()) {
        cx.unknown("output", name, d.outputs.names());
    }
    let mut all = vec![];
    for (name, column) in d.outputs.iter() {
        let Some(value) = given.get(name) else {
            cx.push(Diagnostic::error("missing-key", at, format!("the output `{name}` is not given")));
            continue;
        };
        let wanted = column.ty(name);
        match value {
            ValueExpr::Expr(e) => all.extend(cx.compile(e, env, Some(&wanted)).map(Answer::Computed)),
            ValueExpr::Literal(l) => {
                let json = l.node.to_json();
                let plain = match column {
                    Column::Type(of) => of.read(&json),
                    Column::Words(words) => json.as_str().filter(|t| words.iter().any(|w| w == t)).map(Value::text),
                };
                match plain {
                    Some(plain) => all.push(Answer::Plain(plain)),
                    None => {
                        let what = match column {
                            Column::Type(of) => of.word().to_owned(),
                            Column::Words(words) => {
                                format!("one of {}", words.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", "))
                            }
                        };
                        cx.push(Diagnostic::error("wrong-type", l.node.span, format!("`{name}`: expected {what}")));
                    }
                }
            }
        }
    }
    (all.len() == d.outputs.len()).then_some(all)
}

/// Nothing outside a table decides in it.
struct Nowhere(TimeZone);

impl Scope for Nowhere {
    fn get(&self, _: &[Box<str>]) -> Option<Value> {
        None
    }
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
    fn zone(&self) -> &TimeZone {
        &self.0
    }
    fn work_time(&self, _: Option<&str>) -> Option<&WorkTime> {
        None
    }
}

/// Gaps, overlaps, and rules that are never asked.
fn regions(d: &Decision, table: &Table, cx: &mut Cx) {
    let Some(points) = points(d, table) else { return };
    let total = points.iter().map(Vec::len).try_fold(1_usize, usize::checked_mul);
    if total.is_none_or(|t| t.saturating_mul(table.rules.len()) > POINTS_MAX * 10 || t > POINTS_MAX) {
        let message = format!("`{}` has too many regions to be looked at for gaps and overlaps", d.name);
        cx.push(Diagnostic::warning("not-decided", d.name.span, message).help("split it into several decisions"));
        return;
    }
    let list = table.hit.lists();
    let mut used = vec![false; table.rules.len()];
    let mut gap: Option<Vec<Value>> = None;
    let mut overlap: Option<(usize, usize, Vec<Value>)> = None;
    let outside = Nowhere(TimeZone::UTC);
    let mut at = vec![0; points.len()];
    loop {
        let given: Vec<Value> = at.iter().zip(&points).map(|(i, p)| p[*i].clone()).collect();
        let mut fuel = u32::MAX;
        let Ok(hits) = table.hits(&given, &outside, &mut fuel) else { return };
        hits.iter().for_each(|h| used[*h] = true);
        match &hits[..] {
            [] if table.otherwise.is_none() && !list && gap.is_none() => gap = Some(given),
            [a, b, ..] if overlap.is_none() && (table.hit == Hit::Unique || (table.hit == Hit::Any && differ(table, *a, *b))) => {
                overlap = Some((*a, *b, given));
            }
            _ => {}
        }
        let Some(next) = (0..at.len()).rev().find(|i| at[*i] + 1 < points[*i].len()) else { break };
        at[next] += 1;
        at[next + 1..].fill(0);
    }
    let example = |given: &[Value]| {
        let one = |((name, _), v): (&(String, Ty), &Value)| format!("{name} = {v}");
        table.inputs.iter().zip(given).map(one).collect::<Vec<_>>().join(", ")
    };
    if let Some(given) = gap {
        let message = format!("no rule of `{}` holds for {}", d.name, example(&given));
        cx.push(Diagnostic::error("decision-gap", d.name.span, message).help("add a rule, or `otherwise`"));
    }
    if let Some((a, b, given)) = overlap {
        let message = format!("the rules {} and {} of `{}` hold both for {}", a + 1, b + 1, d.name, example(&given));
        let finding = Diagnostic::error("decision-overlap", d.rules[b].at, message).related(d.rules[a].at, "the other rule");
        cx.push(finding.help("narrow one of them, or say with `hit: first` or `hit: priority` which counts"));
    }
    for (place, rule) in d.rules.iter().enumerate().filter(|(p, _)| !used[*p]) {
        let message = format!("the rule {} of `{}` is never taken", place + 1, d.name);
        cx.push(
            Diagnostic::warning("shadowed", rule.at, message)
                .help("its condition never holds, or a rule before it always does where it would"),
        );
    }
}

fn differ(table: &Table, a: usize, b: usize) -> bool {
    let same = |(x, y): (&Answer, &Answer)| matches!((x, y), (Answer::Plain(x), Answer::Plain(y)) if x.equals(y));
    !table.rules[a].then.iter().zip(&table.rules[b].then).all(same)
}

/// For each input the values that stand for its regions; `None` where some condition is more than comparisons with constants.
fn points(d: &Decision, table: &Table) -> Option<Vec<Vec<Value>>> {
    let mut constants: BTreeMap<String, Vec<Value>> = table.inputs.iter().map(|(n, _)| (n.clone(), vec![])).collect();
    for when in d.rules.iter().filter_map(|r| r.when.as_ref()) {
        gather(&parse(&when.text).ok()?, &mut constants)?;
    }
    table.inputs.iter().map(|(name, ty)| Some(spread(ty, constants.remove(name)?))).collect()
}

fn gather(ast: &Ast, constants: &mut BTreeMap<String, Vec<Value>>) -> Option<()> {
    match &ast.kind {
        AstKind::Bool(_) => Some(()),
        AstKind::Name(name) => constants.contains_key(name).then_some(()),
        AstKind::Not(of) => gather(of, constants),
        AstKind::Binary(Op::And | Op::Or, a, b) => {
            gather(a, constants)?;
            gather(b, constants)
        }
        AstKind::Binary(Op::Equal | Op::NotEqual | Op::Less | Op::LessEqual | Op::Greater | Op::GreaterEqual, a, b) => {
            let (name, other) = match (&a.kind, &b.kind) {
                (AstKind::Name(n), _) => (n, b),
                (_, AstKind::Name(n)) => (n, a),
                _ => return None,
            };
            let value = constant(other)?;
            constants.get_mut(name)?.push(value);
            Some(())
        }
        AstKind::Binary(Op::In, a, b) => match (&a.kind, &b.kind) {
            (AstKind::Name(name), AstKind::List(items)) => {
                let values = items.iter().map(constant).collect::<Option<Vec<_>>>()?;
                constants.get_mut(name)?.extend(values);
                Some(())
            }
            _ => None,
        },
        _ => None,
    }
}
