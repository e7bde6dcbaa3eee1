//! Integer ids of names and people, kept in memory: rows hold ids, the engine speaks names. An id is never given to
//! another name, so what is known here stays true; what is not known may have come since.

use crate::{Result, StoreError};
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use vorgang_core::ids::Login;

/// Names of definitions are letters, digits and `_`: nothing else becomes part of a statement.
pub fn is_plain(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[derive(Default)]
pub struct NameIds {
    inner: RwLock<Known>,
    /// Names in the order in which they were remembered: (kind, name, id).
    remembered: Mutex<Vec<(String, String, i64)>>,
}

/// A moment in which a read of all names begins.
#[derive(Debug, Clone, Copy)]
pub struct Mark(usize);

/// What a database knows, as it is read.
#[derive(Default)]
pub struct Known {
    ids: HashMap<(String, String), i64>,
    names: HashMap<i64, String>,
    person_ids: HashMap<String, i64>,
    people: HashMap<i64, String>,
    /// Fields that have an index.
    pub indexed: HashSet<String>,
}

impl Known {
    pub fn name(&mut self, id: i64, kind: String, name: String) {
        self.names.insert(id, name.clone());
        self.ids.insert((kind, name), id);
    }

    pub fn person(&mut self, id: i64, login: String) {
        self.people.insert(id, login.clone());
        self.person_ids.insert(login, id);
    }
}

impl NameIds {
    fn remembered(&self) -> MutexGuard<'_, Vec<(String, String, i64)>> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn mark(&self) -> Mark {
        Mark(self.remembered().len())
    }

    /// Replaces all by what was read since the mark. Names that were remembered meanwhile stay: the read may not have seen them.
    pub fn replace(&self, mut known: Known, mark: Mark) {
        let remembered = self.remembered();
        for (kind, name, id) in remembered.iter().skip(mark.0) {
            known.name(*id, kind.clone(), name.clone());
        }
        *self.inner.write().unwrap_or_else(PoisonError::into_inner) = known;
    }

    pub fn remember(&self, kind: &str, fresh: Vec<(String, i64)>) {
        let mut remembered = self.remembered();
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        for (name, id) in fresh {
            remembered.push((kind.to_owned(), name.clone(), id));
            inner.name(id, kind.to_owned(), name);
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Known> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the field an index of its own?
    pub fn indexed(&self, field: &str) -> bool {
        self.read().indexed.contains(field)
    }

    pub fn find(&self, kind: &str, name: &str) -> Option<i64> {
        self.read().ids.get(&(kind.to_owned(), name.to_owned())).copied()
    }

    /// The id of a name that must exist.
    pub fn id(&self, kind: &str, name: &str) -> Result<i64> {
        self.find(kind, name).ok_or_else(|| StoreError::Corrupt(format!("no {kind} is called `{name}`")))
    }

    pub fn find_name(&self, id: i64) -> Option<String> {
        self.read().names.get(&id).cloned()
    }

    pub fn name(&self, id: i64) -> String {
        self.find_name(id).unwrap_or_else(|| format!("#{id}"))
    }

    pub fn person(&self, login: &str) -> Option<i64> {
        self.read().person_ids.get(login).copied()
    }

    pub fn find_login(&self, id: i64) -> Option<String> {
        self.read().people.get(&id).cloned()
    }

    pub fn login(&self, id: i64) -> Login {
        self.find_login(id).map_or_else(|| format!("#{id}").into(), Login::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two batches at the same time: one reads all names, and the other makes one that this read has not seen.
    #[test]
    fn a_name_that_is_made_during_a_read_stays_known() {
        let names = NameIds::default();
        names.remember("audience", vec![("role:old".into(), 1)]);
        let mark = names.mark();
        let read = Known::default();
        names.remember("audience", vec![("role:clerk".into(), 2)]);
        names.replace(read, mark);
        assert_eq!(
            (names.find("audience", "role:clerk"), names.find("audience", "role:old")),
            (Some(2), None),
            "the read had seen the old one"
        );
    }
}
