//! Paths and parts of values: their types, and whether they are known to be set.

use crate::cel::ast::{Ast, Kind};
use crate::cel::check::{Checker, boxed};
use crate::cel::code::Code;
use crate::cel::types::{Field, Ty};
use crate::cel::value::Value;

impl Checker<'_> {
    /// The dotted path that an expression is, unless a comprehension's variable hides it.
    pub(crate) fn dotted(&self, ast: &Ast) -> Option<Vec<String>> {
        match &ast.kind {
            Kind::Name(n) if !self.locals.iter().any(|(l, _)| l == n) => Some(vec![n.clone()]),
            Kind::Select(of, name) => self.dotted(of).map(|mut p| {
                p.push(name.clone());
                p
            }),
            _ => None,
        }
    }

    /// As [`Self::dotted`], of a part of anything else: of a comprehension's variable, which is marked, so that it is no
    /// name of the environment, of an element of a list, of what a call gives.
    pub(crate) fn part(&self, ast: &Ast) -> Option<String> {
        match &ast.kind {
            Kind::Select(..) if self.dotted(ast).is_none() => self.written(ast),
            _ => None,
        }
    }

    /// The expression as text; `None` of what nobody guards.
    pub(crate) fn written(&self, ast: &Ast) -> Option<String> {
        let all = |asts: &[Ast]| asts.iter().map(|a| self.written(a)).collect::<Option<Vec<_>>>().map(|all| all.join(", "));
        Some(match &ast.kind {
            Kind::Name(n) if self.locals.iter().any(|(l, _)| l == n) => format!("%{n}"),
            Kind::Name(n) => n.clone(),
            Kind::Int(i) => i.to_string(),
            Kind::Text(t) => format!("{t:?}"),
            Kind::Select(of, name) => format!("{}.{name}", self.written(of)?),
            Kind::Index(of, index) => format!("{}[{}]", self.written(of)?, self.written(index)?),
            Kind::Binary(op, a, b) => format!("{} {} {}", self.written(a)?, op.sign(), self.written(b)?),
            Kind::Call(None, name, arguments) => format!("{name}({})", all(arguments)?),
            Kind::Call(Some(of), name, arguments) => format!("{}.{name}({})", self.written(of)?, all(arguments)?),
            _ => return None,
        })
    }

    /// A part of a value that may be unset, and that nothing says is set.
    pub(crate) fn guarded_part(&mut self, ast: &Ast, part: &Field) {
        if !part.optional {
            return;
        }
        let written = self.part(ast);
        if written.as_ref().is_some_and(|p| self.known.contains(p)) {
            return;
        }
        let path = written.map_or_else(|| format!("….{}", part.name), |p| p.replace('%', ""));
        let help = format!("guard it: `has({path}) && …`, or give a value: `default({path}, …)`");
        self.unset(ast, &path, &part.name, help);
    }

    /// What a part of an element is taken from, its name, and its type: for `has` and `default`.
    pub(crate) fn part_of_value(&mut self, ast: &Ast) -> Option<(Code, String, Ty)> {
        let Kind::Select(of, name) = &ast.kind else { return None };
        self.part(ast)?;
        let (code, ty) = self.expression(of);
        let part = match &ty {
            Ty::Object(o) => o.field(name).map(|f| f.ty.clone()),
            Ty::Map(v) => Some((**v).clone()),
            Ty::Any => Some(Ty::Any),
            _ => None,
        };
        part.map(|part| (code, name.clone(), part))
    }

    pub(crate) fn path(&mut self, ast: &Ast) -> (Code, Ty) {
        if let Some(path) = self.dotted(ast) {
            return match self.resolve(ast, &path, true) {
                Some(ty) => (Code::Path(boxed(&path)), ty),
                None => (Code::Const(Value::Bool(false)), Ty::Any),
            };
        }
        match &ast.kind {
            Kind::Name(n) => {
                let slot = self.locals.iter().rposition(|(l, _)| l == n).unwrap_or(0);
                (Code::Local(slot), self.locals[slot].1.clone())
            }
            Kind::Select(of, name) => {
                let (code, ty) = self.expression(of);
                match &ty {
                    Ty::Object(o) => match o.field(name) {
                        Some(f) => {
                            self.guarded_part(ast, f);
                            (Code::Field(Box::new(code), name.clone()), f.ty.clone())
                        }
                        None => {
                            self.unknown("unknown-name", ast, name, format!("{} has no `{name}`", o.what), o.names());
                            (Code::Const(Value::Bool(false)), Ty::Any)
                        }
                    },
                    Ty::Map(v) => (Code::Field(Box::new(code), name.clone()), (**v).clone()),
                    Ty::Any => (code, Ty::Any),
                    _ => self.failed("cel-type", ast, format!("{ty} has no parts, so no `.{name}`"), None),
                }
            }
            _ => (Code::Const(Value::Bool(false)), Ty::Any),
        }
    }

    /// The type of a dotted path. With `proof`, what may be unset must be known to be set.
    pub(crate) fn resolve(&mut self, ast: &Ast, path: &[String], proof: bool) -> Option<Ty> {
        let Some(root) = self.env.root(&path[0]) else {
            let known = self.env.roots.iter().map(|(n, _)| n.as_str());
            self.unknown("unknown-name", ast, &path[0], format!("unknown name `{}`", path[0]), known);
            return None;
        };
        let mut ty = root.clone();
        let mut sofar = path[0].clone();
        for (i, part) in path.iter().enumerate().skip(1) {
            let next = match &ty {
                Ty::Object(o) => match o.field(part) {
                    Some(f) => (f.ty.clone(), f.optional),
                    None => {
                        self.unknown("unknown-name", ast, part, format!("`{sofar}` has no `{part}`"), o.names());
                        return None;
                    }
                },
                Ty::Map(v) => ((**v).clone(), true),
                Ty::Any => return Some(Ty::Any),
                other => {
                    self.finding("cel-type", ast, format!("`{sofar}` is a {other} and has no `.{part}`"), None);
                    return None;
                }
            };
            sofar = format!("{sofar}.{part}");
            ty = next.0;
            let last = i + 1 == path.len();
            if next.1 && (proof || !last) {
                if !self.known.contains(&sofar) {
                    let help = if sofar.starts_with("steps.") {
                        format!("guard it: `done(\"{part}\") && …`")
                    } else {
                        format!("guard it: `has({sofar}) && …`, or give a value: `default({sofar}, …)`")
                    };
                    self.unset(ast, &sofar, part, help);
                    return Some(if last { ty } else { Ty::Any });
                }
                if !self.guarded.contains(&sofar) {
                    self.out.relies.insert(sofar.clone());
                }
            }
        }
        if let Ty::Object(o) = &ty
            && !["person", "file", "step"].contains(&o.what.as_str())
        {
            self.finding(
                "cel-type",
                ast,
                format!("`{sofar}` has parts and no value of its own"),
                Some(format!("name a part: `{sofar}.…`")),
            );
            return None;
        }
        self.out.reads.insert(sofar);
        Some(ty)
    }
}
