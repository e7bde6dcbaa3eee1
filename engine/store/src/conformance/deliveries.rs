//! What goes out.

use crate::Store;
use crate::conformance::fixtures::*;
use crate::courier::NewMessage;
use crate::deliveries::{Channel, Content, Delivery, DeliveryState, End, MAIL_SPAN, call_key};
use jiff::Timestamp;
use vorgang_core::event::{Event, MailQueued, TicketCreated};
use vorgang_core::filter::Filter;
use vorgang_core::ids::{CallId, MailId, TicketId};
use vorgang_core::mail::{Address, Outgoing};

async fn claim(store: &dyn Store, channel: Channel, now: Timestamp) -> Vec<Delivery> {
    store.delivery_claim(channel, now, 10, &[]).await.expect("deliveries")
}

fn ended(id: i64, state: DeliveryState, at: Timestamp, attempts: i64, error: &str) -> End {
    End { id, state, at, attempts, error: Some(error.to_owned()).filter(|e| !e.is_empty()) }
}

/// The calls that the first commit wrote; afterwards one is left, which is begun.
pub async fn programs_are_begun_once(store: &dyn Store) {
    let due = async |seconds| {
        let list = claim(store, Channel::Program, at(seconds)).await;
        list.into_iter().map(|d| (d.id, d.lane, d.attempts)).collect::<Vec<_>>()
    };
    assert_eq!(due(1).await, []);
    let mut both = claim(store, Channel::Program, at(2)).await;
    assert!(both.iter().all(|d| d.trace.as_deref() == Some(TRACE) && d.number.as_str() == "N1" && d.ticket == Some(TicketId(1))));
    let calls: Vec<CallId> =
        both.iter().filter_map(|d| if let Content::Program { call, .. } = d.content { Some(call) } else { None }).collect();
    assert_eq!(calls, [CallId(9), CallId(10)]);
    assert_eq!(due(2).await, [], "this process has begun both");
    let (first, second) = (both.remove(0), both.remove(0));
    assert_eq!((store.delivery_wanted(second.id).await, store.delivery_wanted(4711).await), (Ok(true), Ok(false)));
    store.delivery_ended(&[ended(second.id, DeliveryState::Due, at(20), -1, "")]).await.expect("ended");
    assert_eq!(due(20).await, [(second.id, second.lane.clone(), 0)], "an attempt that did not begin does not count");
    store.delivery_ended(&[ended(second.id, DeliveryState::Due, at(30), 0, "no answer")]).await.expect("ended");
    assert_eq!(due(30).await, [(second.id, second.lane.clone(), 1)], "one that began does");
    assert_eq!(store.delivery_disown(Channel::Mail, &[]).await, Ok(0), "of another channel");
    assert_eq!(store.delivery_disown(Channel::Program, &[first.id]).await, Ok(1), "nobody knows of it");
    let found = store.delivery_find(&call_key(TicketId(1), CallId(10))).await.expect("a read").expect("the delivery");
    assert_eq!((found.id, found.attempts, found.begun), (second.id, 2, true));
}

/// The one mail that the first commit wrote.
pub async fn a_mail_goes_its_way(store: &dyn Store) {
    let state = async |state: DeliveryState| store.delivery_count(state).await.expect("a count");
    let mails = async |now| claim(store, Channel::Mail, now).await.into_iter().map(|m| (m.id, m.attempts)).collect::<Vec<_>>();
    assert_eq!(mails(at(3)).await, [], "quiet hours");
    let mail = claim(store, Channel::Mail, at(4)).await.remove(0);
    assert_eq!(mail.trace.as_deref(), Some(TRACE));
    assert_eq!((mail.key.as_str(), mail.number.as_str(), mail.recipient.as_str(), mail.state), ("1-6", "N1", "anna", DeliveryState::Due));
    assert!(matches!(&mail.content, Content::Notice { notification, sees: true, .. } if notification == "told"), "{mail:?}");
    assert_eq!((mail.title(), mail.error.clone(), mail.begun), ("s", None, false));
    assert_eq!(mails(at(5)).await, [], "it belongs to this process");
    assert_eq!(mails(at(4) + MAIL_SPAN).await, [(mail.id, 0)], "until the attempt must be over");
    store.delivery_ended(&[ended(mail.id, DeliveryState::Due, at(20), 1, "no answer")]).await.expect("ended");
    assert_eq!((mails(at(19)).await, mails(at(20)).await), (vec![], vec![(mail.id, 1)]));
    assert_eq!(store.delivery_disown(Channel::Mail, &[mail.id]).await, Ok(0), "it is under way");
    assert_eq!(store.delivery_disown(Channel::Mail, &[]).await, Ok(1), "nobody knows of it");
    assert_eq!(mails(at(20)).await, [(mail.id, 1)]);
    store.delivery_ended(&[ended(mail.id, DeliveryState::Failed, at(20), 1, "refused")]).await.expect("ended");
    assert_eq!((mails(at(9_999)).await, state(DeliveryState::Failed).await), (vec![], 1));
    let list = async |rights, before| store.delivery_list(rights, DeliveryState::Failed, 10, before).await.expect("a list");
    let failed = list(&Filter::All, None).await;
    assert_eq!((failed[0].error.as_deref(), failed[0].attempts), (Some("refused"), 2));
    assert_eq!(list(&Filter::None, None).await, [], "only of tickets that may be seen");
    assert_eq!(list(&Filter::All, Some(mail.id)).await, []);
    assert_eq!(store.delivery_release(DeliveryState::Held, None, at(30)).await, Ok(0));
    assert_eq!(store.delivery_release(DeliveryState::Failed, Some(mail.id), at(30)).await, Ok(1));
    assert_eq!(mails(at(30)).await, [(mail.id, 0)]);
    store.delivery_ended(&[ended(mail.id, DeliveryState::Sent, at(31), 1, "")]).await.expect("ended");
    assert_eq!((mails(at(9_999)).await, state(DeliveryState::Sent).await), (vec![], 1));
    store.delivery_ended(&[ended(mail.id, DeliveryState::Failed, at(32), 1, "late")]).await.expect("ended");
    assert_eq!(state(DeliveryState::Failed).await, 0, "what was sent stays sent");
    assert_eq!(store.sweep(at(31), at(0)).await, Ok(0));
    assert_eq!((store.sweep(at(32), at(0)).await, state(DeliveryState::Sent).await), (Ok(1), 0));
}

/// Mails of one ticket, of the desk and then of a person; and a message, which has no ticket.
pub async fn people_come_before_the_desk(store: &dyn Store) {
    let mail = |seq: u32, account: &str, auto: bool| {
        let to = vec![Address::new("Anna", "anna@example.org")];
        let mail = Outgoing {
            seq: MailId(seq),
            account: Some(account.to_owned()).filter(|a| !a.is_empty()),
            to,
            cc: vec![],
            subject: "s".into(),
            body: "b".into(),
            references: vec![],
            article: None,
            attachments: vec![],
            auto,
            not_before: at(2),
            at: at(1),
        };
        Event::MailQueued(MailQueued { outgoing: mail })
    };
    let created = Event::TicketCreated(TicketCreated { ticket: Box::new(ticket(1, "anna", "north", "desk")) });
    let first = decision(None, vec![created, mail(2, "", true), mail(3, "support", true), mail(4, "", false)], at(1));
    store.commit(commit(&first, 0, vorgang_core::chain::GENESIS, at(1))).await.expect("a commit");
    let keys = |list: Vec<Delivery>| list.into_iter().map(|d| d.key).collect::<Vec<_>>();
    let few = store.delivery_claim(Channel::Mail, at(3), 1, &[]).await.expect("deliveries");
    assert_eq!(keys(few), ["1-4"], "a person's first, though it was written last");
    let others = store.delivery_claim(Channel::Mail, at(3), 10, &["support".into()]).await.expect("deliveries");
    assert_eq!(keys(others), ["1-2"], "a lane that is busy is left");
    assert_eq!(keys(claim(store, Channel::Mail, at(3)).await), ["1-3"]);
    let message =
        NewMessage { name: "paid".into(), data: Default::default(), sent: at(2), by: "otto".into(), key: Some("k".into()), until: None };
    let id = store.message_send(message.clone()).await.expect("sent");
    assert_eq!(store.message_send(message).await, Ok(id), "once");
    let message = claim(store, Channel::Message, at(3)).await.remove(0);
    assert_eq!(message.content, Content::Message { message: id, name: "paid".into() });
    assert_eq!((message.ticket, message.number.as_str(), message.key), (None, "", format!("message {id}")));
    assert_eq!(store.message_open(id).await.expect("a read").map(|m| m.name).as_deref(), Some("paid"));
    store.message_asked(id, at(3), true).await.expect("closed");
    assert_eq!(store.message_open(id).await, Ok(None));
    let rows = async |rights| store.delivery_list(rights, DeliveryState::Due, 10, None).await.expect("a list").len();
    assert_eq!((rows(&Filter::All).await, rows(&Filter::None).await), (4, 1), "without a ticket, for all who see the list");
}
