//! Mail that comes in a story: sorted by the same rules as at the door.

use crate::commands::{Command, OpenByMail, ReceiveMail, Received};
use crate::rules::intake::{Arrival, Named, Proof, Verdict, sort};
use crate::state::attachment::Blob;
use crate::state::ids::TicketNumber;
use crate::state::mail::{Address, Auth, Mail, Nature, Outcome};
use crate::story::Story;
use std::sync::Arc;
use vorgang_definitions::kinds::test::{Becomes, MailIn, Step};

impl Story<'_> {
    pub(crate) fn mail(&mut self, step: &Step, given: &MailIn) {
        let mail = self.written_mail(given);
        let account = match &given.to {
            Some(to) => self.model.names.account_at(to),
            None => self.model.names.accounts.iter().next(),
        };
        let recipients = [mail.to.first().map(|a| a.address.clone()).unwrap_or_default()];
        let answered = given.answers.as_ref().and_then(|n| usize::try_from(n.0 - 1).ok());
        if answered.is_some_and(|at| at >= self.tickets.len()) {
            return self.failed(step.at, format!("{} tickets were made so far", self.tickets.len()));
        }
        let named = answered.map(|at| Named { snapshot: &self.tickets[at].snapshot, proof: Proof::Token, accounts: &[] });
        let addressed: Vec<_> = account.into_iter().collect();
        let arrival = Arrival {
            mail: &mail,
            account,
            guessed: false,
            addressed: &addressed,
            recipients: &recipients,
            named,
            responses: 0,
            now: self.now,
        };
        let sorted = sort(&self.model.names, &self.people, &arrival);
        self.report.log.push(format!("mail from {}: {}", mail.sender(), mail.subject));
        for reason in &sorted.reasons {
            self.report.log.push(format!("  {}: {}", reason.by, reason.said));
        }
        let wanted = given.becomes.unwrap_or(Becomes::Taken);
        let (became, taken) = match sorted.verdict {
            Verdict::Ignored => (Becomes::Ignored, None),
            Verdict::Quarantined => (Becomes::Quarantined, None),
            Verdict::Taken(taken) => (Becomes::Taken, Some(*taken)),
        };
        if became != wanted {
            let why = sorted.reasons.last().map(|r| format!(": {}", r.said)).unwrap_or_default();
            return self.failed(step.at, format!("the mail is `{}`, expected `{}`{why}", became.word(), wanted.word()));
        }
        let Some(taken) = taken else { return };
        let place = |n: &TicketNumber| self.tickets.iter().position(|t| t.snapshot.ticket.number == *n);
        let related = taken.related.as_ref().and_then(|n| Some((self.tickets[place(n)?].snapshot.ticket.id, n.clone())));
        let ticket = taken.ticket.as_ref().map(place);
        let raw = Blob { hash: mail.hash.clone(), bytes: Arc::new(vec![]) };
        let received = Box::new(Received { mail: Arc::new(mail), raw, taken, related });
        let command = match ticket {
            Some(at) => {
                self.at = at;
                Command::ReceiveMail(ReceiveMail { received })
            }
            None => Command::OpenByMail(OpenByMail { received }),
        };
        self.by_system(step, &command);
    }

    fn written_mail(&self, given: &MailIn) -> Mail {
        // A person of the test writes from an address of their own.
        let from = match self.people.get(&given.from) {
            Some(person) => Address::new(&person.name, &person.email),
            None => Address::new("", &given.from),
        };
        let to =
            given.to.clone().or_else(|| self.model.names.accounts.iter().next().map(|a| a.address.address.clone())).unwrap_or_default();
        let headers = given.headers.iter().filter_map(|line| line.split_once(':'));
        let headers = headers.map(|(name, value)| (name.trim().to_lowercase(), value.trim().to_owned())).collect();
        // The same words twice are two mails.
        let id = format!("{}.{}@example.org", self.now.as_second(), self.report.log.len());
        let passes = if given.forged { Outcome::Fail } else { Outcome::Pass };
        Mail {
            headers,
            from: Some(from),
            reply_to: vec![],
            to: vec![Address::new("", &to)],
            cc: vec![],
            subject: given.subject.clone().unwrap_or_default(),
            date: Some(self.now),
            message_id: Some(id.clone()),
            references: vec![],
            body: given.body.clone().unwrap_or_default(),
            html: false,
            html_digest: None,
            attachments: vec![],
            nature: if given.auto { Nature::Machine("the test says so".into()) } else { Nature::Person },
            ambiguous: None,
            auth: Auth { dmarc: passes, ..Auth::default() },
            hash: id,
            size: given.body.as_ref().map_or(0, |b| b.len() as u64),
        }
    }
}
