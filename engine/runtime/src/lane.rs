//! So many at a time, each in a task of its own: one that panics ends its own work alone.

use std::collections::HashMap;
use std::future::Future;
use tokio::task::{Id, JoinError, JoinSet};

pub struct Lane<I: Iterator, R> {
    items: I,
    width: usize,
    tasks: JoinSet<R>,
    under_way: HashMap<Id, I::Item>,
}

impl<I: Iterator, R: Send + 'static> Lane<I, R> {
    pub fn new(width: usize, items: impl IntoIterator<IntoIter = I>) -> Self {
        Self { items: items.into_iter(), width, tasks: JoinSet::new(), under_way: HashMap::new() }
    }

    /// Keeps the lane full, and waits for the next item that is done. Dropping the lane ends what is under way.
    pub async fn next<F>(&mut self, work: impl Fn(&I::Item) -> F) -> Option<(I::Item, Result<R, JoinError>)>
    where
        F: Future<Output = R> + Send + 'static,
    {
        while self.tasks.len() < self.width
            && let Some(item) = self.items.next()
        {
            let id = self.tasks.spawn(work(&item)).id();
            self.under_way.insert(id, item);
        }
        let ended = self.tasks.join_next_with_id().await?;
        self.item_of(ended)
    }

    /// A further item that is done already.
    pub fn next_ended(&mut self) -> Option<(I::Item, Result<R, JoinError>)> {
        let ended = self.tasks.try_join_next_with_id()?;
        self.item_of(ended)
    }

    fn item_of(&mut self, ended: Result<(Id, R), JoinError>) -> Option<(I::Item, Result<R, JoinError>)> {
        let (id, result) = match ended {
            Ok((id, result)) => (id, Ok(result)),
            Err(e) => (e.id(), Err(e)),
        };
        self.under_way.remove(&id).map(|item| (item, result))
    }
}
