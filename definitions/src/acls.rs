//! The ACLs of a site, found by what they are about and by the equalities that their conditions begin with: of a
//! hundred only those are evaluated that can hold.

use crate::cel::ast::{Ast, Kind, Op};
use crate::cel::parse::parse;
use crate::cel::value::Value;
use crate::kinds::acl::Acl;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// What an ACL has something to say about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum About {
    Choice(String),
    /// Hidden, required and read-only fields.
    Form,
}

#[derive(Debug, Clone, Default)]
pub struct Acls {
    all: Vec<Arc<Acl>>,
    about: BTreeMap<About, Index>,
}

#[derive(Debug, Clone, Default)]
struct Index {
    /// Numbers in `all`, for which nothing is known beforehand.
    always: Vec<usize>,
    /// For each path the literals with which it is compared.
    by: Vec<Equalities>,
}

#[derive(Debug, Clone)]
struct Equalities {
    path: Vec<Box<str>>,
    values: HashMap<String, Vec<usize>>,
}

impl Acls {
    /// In the order in which they are asked.
    pub fn new(all: Vec<Acl>) -> Self {
        let mut acls = Self { all: all.into_iter().map(Arc::new).collect(), about: BTreeMap::new() };
        for acl in acls.all.clone() {
            for about in subjects(&acl) {
                acls.about.entry(about).or_default();
            }
        }
        for (number, acl) in acls.all.iter().enumerate() {
            let equality = acl.when.as_ref().and_then(|w| parse(w.text()).ok()).and_then(|ast| equality(&ast));
            let own: Vec<About> = subjects(acl).collect();
            for (about, index) in &mut acls.about {
                // One that stops the others is asked even where it takes nothing.
                if acl.stop || own.contains(about) {
                    index.insert(number, equality.as_ref());
                }
            }
        }
        acls
    }

    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<Acl>> {
        self.all.iter()
    }

    /// Whether any ACL limits the values of this.
    pub fn limits(&self, key: &str) -> bool {
        self.about.contains_key(&About::Choice(key.to_owned()))
    }

    /// Whether any ACL hides, requires or protects a field.
    pub fn shapes_forms(&self) -> bool {
        self.about.contains_key(&About::Form)
    }

    /// Those about the values of `key` that may hold, in their order. `value` reads a path of the ticket.
    pub fn of_choice(&self, key: &str, value: impl Fn(&[Box<str>]) -> Option<Value>) -> Vec<&Acl> {
        self.candidates(&About::Choice(key.to_owned()), value)
    }

    pub fn of_form(&self, value: impl Fn(&[Box<str>]) -> Option<Value>) -> Vec<&Acl> {
        self.candidates(&About::Form, value)
    }

    fn candidates(&self, about: &About, value: impl Fn(&[Box<str>]) -> Option<Value>) -> Vec<&Acl> {
        let Some(index) = self.about.get(about) else { return vec![] };
        let mut numbers = index.always.clone();
        for equalities in &index.by {
            match value(&equalities.path) {
                Some(Value::Text(t)) => numbers.extend(equalities.values.get(&*t).into_iter().flatten()),
                // Not known: each is evaluated.
                _ => numbers.extend(equalities.values.values().flatten()),
            }
        }
        numbers.sort_unstable();
        numbers.dedup();
        numbers.into_iter().map(|n| &*self.all[n]).collect()
    }
}

fn subjects(acl: &Acl) -> impl Iterator<Item = About> {
    let limits = [&acl.deny, &acl.allow_only, &acl.allow].into_iter().flat_map(|l| l.names()).map(|n| About::Choice(n.to_owned()));
    let form = !(acl.hide.is_empty() && acl.require.is_empty() && acl.read_only.is_empty());
    limits.chain(form.then_some(About::Form))
}

impl Index {
    fn insert(&mut self, number: usize, equality: Option<&Equality>) {
        let Some((path, values)) = equality else { return self.always.push(number) };
        let known = self.by.iter().position(|e| e.path == *path);
        let at = known.unwrap_or_else(|| {
            self.by.push(Equalities { path: path.clone(), values: HashMap::new() });
            self.by.len() - 1
        });
        for value in values {
            self.by[at].values.entry(value.clone()).or_default().push(number);
        }
    }
}

type Equality = (Vec<Box<str>>, Vec<String>);

/// Of the parts that must all hold, the first that compares a path with texts: `ticket.queue == "it"`, or `in`.
fn equality(ast: &Ast) -> Option<Equality> {
    let text = |ast: &Ast| match &ast.kind {
        Kind::Text(t) => Some(t.clone()),
        _ => None,
    };
    match &ast.kind {
        Kind::Binary(Op::And, a, b) => equality(a).or_else(|| equality(b)),
        Kind::Binary(Op::Equal, a, b) => match (path(a), text(b)) {
            (Some(path), Some(t)) => Some((path, vec![t])),
            _ => Some((path(b)?, vec![text(a)?])),
        },
        Kind::Binary(Op::In, a, list) => match &list.kind {
            Kind::List(items) if !items.is_empty() => Some((path(a)?, items.iter().map(text).collect::<Option<_>>()?)),
            _ => None,
        },
        _ => None,
    }
}

/// `ticket.queue` in its parts.
fn path(ast: &Ast) -> Option<Vec<Box<str>>> {
    match &ast.kind {
        Kind::Name(root) => ["ticket", "stored", "actor", "customer"].contains(&root.as_str()).then(|| vec![root.as_str().into()]),
        Kind::Select(inner, name) => {
            let mut parts = path(inner)?;
            parts.push(name.as_str().into());
            Some(parts)
        }
        _ => None,
    }
}
