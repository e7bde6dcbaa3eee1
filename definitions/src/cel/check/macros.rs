//! Calls that bind variables or depend on the wanted type: comprehensions, `cel.bind` and `option`.

use crate::cel::ast::{Ast, Kind};
use crate::cel::check::Checker;
use crate::cel::code::{Code, Question};
use crate::cel::types::Ty;
use crate::cel::value::Value;

/// Most comprehensions of one expression, and how deep they may nest.
const MACROS_MAX: usize = 8;
const MACRO_DEPTH_MAX: usize = 2;

impl Checker<'_> {
    /// A plain name, for a variable.
    fn variable(&mut self, macro_name: &str, ast: &Ast) -> Option<String> {
        if let Kind::Name(name) = &ast.kind {
            return Some(name.clone());
        }
        self.finding("cel-type", ast, format!("`{macro_name}` wants a plain name here"), None);
        None
    }

    /// With variables that hide others of their names, and what is known of those.
    fn with_locals<T>(&mut self, locals: &[(String, Ty)], work: impl FnOnce(&mut Self) -> T) -> T {
        let known = self.known.clone();
        for (name, _) in locals {
            let own = format!("%{name}");
            self.known.retain(|k| !k.contains(&own));
        }
        let before = self.locals.len();
        self.locals.extend_from_slice(locals);
        let result = work(self);
        self.locals.truncate(before);
        self.known = known;
        result
    }

    pub(crate) fn comprehension(&mut self, list: &Ast, name: &str, arguments: &[Ast]) -> (Code, Ty) {
        let Some((kind, filtered)) = Question::find(name, arguments.len()) else { return (Code::Const(Value::Bool(false)), Ty::Any) };
        let question = kind.question;
        let (list_code, list_ty) = self.expression(list);
        // The key or the place, and the element; of a map alone the keys.
        let (key, element) = match &list_ty {
            Ty::List(t) => (Ty::Int, (**t).clone()),
            Ty::Map(t) => (Ty::Text, if kind.places { (**t).clone() } else { Ty::Text }),
            Ty::Any => (Ty::Any, Ty::Any),
            other => return self.failed("cel-type", list, format!("`{name}` wants a list, found {other}"), None),
        };
        if question == Question::MapValues && !matches!(list_ty, Ty::Map(_) | Ty::Any) {
            return self.failed("cel-type", list, format!("`{name}` wants a map, found {list_ty}"), None);
        }
        let count = 1 + usize::from(kind.places);
        let names: Vec<String> = arguments[..count].iter().filter_map(|v| self.variable(name, v)).collect();
        if names.len() < count {
            return (Code::Const(Value::Bool(false)), Ty::Any);
        }
        if kind.places && names[0] == names[1] {
            return self.failed("cel-type", &arguments[1], format!("both variables of `{name}` are called `{}`", names[1]), None);
        }
        self.macros += 1;
        if self.macros > MACROS_MAX || self.depth >= MACRO_DEPTH_MAX {
            let message = format!("more than {MACROS_MAX} comprehensions, or more than {MACRO_DEPTH_MAX} inside each other");
            return self.failed("cel-cost", list, message, None);
        }
        let types = if kind.places { vec![key, element.clone()] } else { vec![element.clone()] };
        let locals: Vec<(String, Ty)> = names.into_iter().zip(types).collect();
        let body = &arguments[arguments.len() - 1];
        let condition = filtered.then(|| &arguments[count]);
        self.depth += 1;
        let (condition, (body_code, body_ty)) = self.with_locals(&locals, |s| {
            let facts = condition.map(|c| s.facts(c, true)).unwrap_or_default();
            (condition.map(|c| Box::new(s.wanted(c, &Ty::Bool))), s.assuming(facts, |s| s.expression(body)))
        });
        self.depth -= 1;
        let makes = matches!(question, Question::Map | Question::MapValues);
        if !makes && !body_ty.fits(&Ty::Bool) {
            return self.failed("cel-type", body, format!("expected bool, found {body_ty}"), None);
        }
        let ty = match question {
            Question::Map => Ty::list(body_ty),
            Question::MapValues => Ty::Map(Box::new(body_ty)),
            Question::Filter => Ty::list(element),
            _ => Ty::Bool,
        };
        (Code::Macro(kind, Box::new(list_code), condition, Box::new(body_code)), ty)
    }

    /// `cel.bind(x, value, …x…)`.
    pub(crate) fn bind(&mut self, variable: &Ast, value: &Ast, body: &Ast) -> (Code, Ty) {
        let (value_code, value_ty) = self.expression(value);
        let Some(name) = self.variable("cel.bind", variable) else { return (Code::Const(Value::Bool(false)), Ty::Any) };
        let (body_code, body_ty) = self.with_locals(&[(name, value_ty)], |s| s.expression(body));
        (Code::Bind(Box::new(value_code), Box::new(body_code)), body_ty)
    }

    /// A text as a word of what is wanted here: whether it is one is known only when it is evaluated.
    pub(crate) fn option(&mut self, ast: &Ast, arguments: &[Ast]) -> (Code, Ty) {
        let wanted = match self.wanted {
            Some(Ty::List(of)) => Some(&**of),
            other => other,
        };
        let Some(Ty::Word(set)) = wanted else {
            let help = "it makes a word of a text where the value of a choice, a queue, a state or the like is wanted".to_owned();
            return self.failed("cel-type", ast, "no word is wanted here that `option` could make of the text".into(), Some(help));
        };
        let set = set.clone();
        let text = self.wanted(&arguments[0], &Ty::Text);
        let other = arguments.get(1).map(|other| {
            let (code, ty) = self.expression(other);
            let word = Ty::Word(set.clone());
            if !ty.fits(&word) && !self.is_word(other, &ty, &word) {
                self.finding("cel-type", other, format!("expected {word}, found {ty}"), None);
            }
            Box::new(code)
        });
        (Code::Option(set.clone(), Box::new(text), other), Ty::Word(set))
    }
}
