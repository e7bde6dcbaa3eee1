//! Sessions, tries to sign in, and changes of people.

use crate::conformance::fixtures::{at, person};
use crate::nodes::Attempt;
use crate::{SecretKind, Store, StoreError};
use jiff::Timestamp;
use std::sync::Arc;
use vorgang_core::chain::{self, Hash};
use vorgang_core::people::{Person, PersonKind, PersonPatch};

pub async fn secrets_open_once_and_expire(store: &dyn Store) {
    let (link, session, token): (Hash, Hash, Hash) = ([1; 32], [2; 32], [3; 32]);
    store.secret_add(SecretKind::LoginLink, link, "anna", "", at(0), at(60)).await.expect("a link");
    assert_eq!(store.login_link_take([9; 32], at(1)).await, Ok(None));
    assert_eq!(store.login_link_take(link, at(61)).await, Ok(None), "too late");
    assert_eq!(store.login_link_take(link, at(59)).await, Ok(Some("anna".into())));
    assert_eq!(store.login_link_take(link, at(59)).await, Ok(None), "once");
    store.secret_add(SecretKind::Session, session, "anna", "c", at(0), at(60)).await.expect("a session");
    store.secret_add(SecretKind::ApiToken, token, "anna", "", at(0), Timestamp::MAX).await.expect("a token");
    assert_eq!(store.session_get(session, at(1)).await.map(|s| s.map(|s| s.csrf)), Ok(Some("c".into())));
    assert_eq!(store.session_get(session, at(61)).await, Ok(None));
    assert_eq!(store.token_login(token).await, Ok(Some("anna".into())));
    let gone = Person { active: false, ..person("anna", PersonKind::Customer, Some("north")) };
    store.person_save(&[gone], None).await.expect("a change");
    assert_eq!(
        (store.session_get(session, at(1)).await, store.token_login(token).await),
        (Ok(None), Ok(None)),
        "inactive people have no session"
    );
    assert_eq!(store.password_set("nobody", Some("x")).await, Err(StoreError::NotFound));
}

pub async fn failed_attempts_are_counted(store: Arc<dyn Store>) {
    let attempt = |key: &str, free, unless: Option<&str>| Attempt { key: key.into(), free, longest: 8, unless: unless.map(str::to_owned) };
    let of = |own: &str| vec![attempt(own, 3, None), attempt("all", 5, Some(own))];
    let take = async |own: &str, seconds: i64| store.attempt_take(&of(own), at(seconds)).await;
    for i in 0..3 {
        assert_eq!(take("a", i).await, Ok(None), "attempt {i}");
    }
    assert_eq!(take("a", 2).await, Ok(Some(at(3))), "the fourth waits a second");
    assert_eq!(take("b", 2).await, Ok(None), "another key does not");
    assert_eq!((take("a", 3).await, take("a", 4).await), (Ok(None), Ok(Some(at(5)))), "the next waits two");
    assert_eq!(take("c", 3).await, Ok(Some(at(4))), "what both count: five failures by then");
    assert_eq!(take("b", 5).await, Ok(None));
    store.attempt_succeeded("b", &["all".into()], at(5)).await.expect("a success");
    assert_eq!(take("c", 5).await, Ok(Some(at(6))), "one's success leaves what others did");
    assert_eq!(take("b", 5).await, Ok(None), "and is known");
    for i in 6..20 {
        let _ = take("a", i * 10).await;
    }
    assert_eq!(take("a", 190).await, Ok(Some(at(198))), "no longer than the longest");
    assert_eq!(take("a", 190 + 3_601).await, Ok(None), "an hour later it counts from nothing");
    assert_eq!(take("a", 190 + 3_601).await, Ok(None));
    // At once: as many as are free, and not one more.
    let mut together = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (store, attempts) = (store.clone(), of("d"));
        together.spawn(async move { store.attempt_take(&attempts, at(8_000)).await });
    }
    let taken = together.join_all().await;
    assert_eq!(taken.iter().filter(|t| **t == Ok(None)).count(), 3);
    // A success that is written under a key of its own outlasts the next mistake.
    let of = |own: &str| vec![attempt(own, 3, None), attempt("all", 5, Some("known e"))];
    let take = async |own: &str| store.attempt_take(&of(own), at(20_000)).await;
    for own in ["f", "f", "f", "g", "g"] {
        assert_eq!(take(own).await, Ok(None), "{own}");
    }
    assert!(matches!(take("e").await, Ok(Some(_))), "all wait");
    store.attempt_succeeded("known e", &[], at(20_000)).await.expect("a success");
    assert_eq!((take("e").await, take("e").await), (Ok(None), Ok(None)), "who is known does not, nor after a mistake");
}

/// Changes of people name their fields: nothing that somebody else changed is undone, and each has its entry.
pub async fn people_change_by_fields(store: &dyn Store) {
    use vorgang_core::security;
    use vorgang_core::security::By;
    let by = |actor: &str, seconds| By { actor: actor.into(), cause: "test".into(), at: at(seconds) };
    let find = async |login: &str| store.person_list().await.expect("people").into_iter().find(|p| p.login == login).expect("a person");
    let before = find("otto").await;
    let version = store.person_version("otto").await.expect("a read").expect("a version");
    let roles = PersonPatch { roles: Some(vec![]), ..PersonPatch::default() };
    let language = PersonPatch { language: Some("en".into()), ..PersonPatch::default() };
    assert_eq!(store.person_change("otto", &roles, Some(version), &by("admin", 50), false).await, Ok(version + 1));
    assert_eq!(store.person_change("otto", &language, Some(version), &by("otto", 51), false).await, Err(StoreError::Conflict));
    assert_eq!(store.person_change("otto", &language, None, &by("otto", 51), false).await, Ok(version + 2));
    assert_eq!(store.person_change("otto", &language, None, &by("otto", 52), false).await, Ok(version + 2), "nothing differs");
    assert_eq!(store.person_change("nobody", &language, None, &by("otto", 52), false).await, Err(StoreError::NotFound));
    let now = find("otto").await;
    assert_eq!((now.roles.len(), now.language.as_str(), now.name.as_str()), (0, "en", before.name.as_str()));
    let log = store.security_list(None, None, 0, 100).await.expect("the log");
    assert_eq!(log.iter().map(|e| (e.actor.as_str(), e.about.as_str())).collect::<Vec<_>>(), [("admin", "otto"), ("otto", "otto")]);
    let mut previous = chain::GENESIS;
    for e in &log {
        assert_eq!(e.hash, security::hash(previous, e.at, [&e.actor, &e.cause, &e.event, &e.about, &e.details]), "{}", e.id);
        previous = e.hash;
    }
    assert_eq!(store.security_list(Some(at(51)), Some("admin"), 0, 10).await.map(|l| l.len()), Ok(0));
    assert_eq!(store.security_list(Some(at(50)), Some("admin"), 0, 10).await.map(|l| l.len()), Ok(1));
    let back = PersonPatch { language: Some(before.language.clone()), roles: Some(before.roles.clone()), ..PersonPatch::default() };
    store.person_change("otto", &back, None, &by("admin", 53), false).await.expect("a change");
}
