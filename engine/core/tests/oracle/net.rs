//! Random small nets as text. Every choice that a run can meet reads a digit of `ticket.fields.tape`, so that a test can
//! play them all: `cur` is the digit of the step at work, and `log` notes how many bits of it were asked.

use std::fmt::Write;

/// G. Steele, D. Lea, C. Flood, "Fast Splittable Pseudorandom Number Generators" (2014): the mixer of SplitMix64.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// True so many times of a hundred.
    pub fn often(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }

    fn pick<'a>(&mut self, list: &'a [String]) -> &'a str {
        &list[self.below(list.len())]
    }
}

const SITE: &str = "
- { kind: Site, name: nets, language: 1, languages: en, zone: UTC, title: Nets }
- { kind: State, name: new, type: new }
- { kind: State, name: closed, type: closed }
- { kind: Priority, name: normal, level: 3 }
- { kind: Queue, name: desk }
- { kind: Role, name: clerk, queues: { desk: [rw] } }
- { kind: Field, name: tape, type: integer }
- { kind: Field, name: cur, type: integer }
- { kind: Field, name: log, type: integer }
- kind: TicketType
  name: case
  states: [new, closed]
  fields: [ { field: tape, default: 0 }, { field: cur, default: 0 }, { field: log, default: 0 } ]
- kind: Process
  name: sub
  starts: [ { by: agent, at: work } ]
  ticket: { type: case, queue: desk, state: new, priority: normal }
  activities:
    work: { dialogs: { form: { for: agent, outcomes: { one: One, two: Two } } }, next: { one: first, two: second } }
    first: { end: first }
    second: { end: second }
";

struct Maker {
    random: Random,
    names: Vec<String>,
    /// Activities of the group, if there is one.
    group: Vec<String>,
    /// Bits of the digit that the step at work has asked for.
    bits: usize,
    /// Activities that something leads to.
    led_to: Vec<String>,
}

/// Of such nets the player does not meet everything that can happen: how many copies there are.
pub fn is_played_in_part(net: &str) -> bool {
    net.contains("for_each:")
}

/// The YAML of a site with a process `net`, whose first choice is made after the form `a`.
pub fn site(seed: u64) -> String {
    let mut random = Random(seed);
    let count = 3 + random.below(4);
    let names: Vec<String> = (0..count).map(|i| char::from(b'b' + i as u8).to_string()).collect();
    let mut maker = Maker { random, names, group: vec![], bits: 0, led_to: vec![] };
    if maker.random.often(30) {
        let from = maker.random.below(count - 1);
        let to = from + 1 + maker.random.below((count - from - 1).min(3)) + 1;
        maker.group = maker.names[from..to.min(count)].to_vec();
    }
    maker.site()
}

impl Maker {
    fn site(&mut self) -> String {
        let mut text = String::from(SITE);
        text.push_str(
            "- kind: Process\n  name: net\n  starts: [ { by: agent, at: start } ]\n  ticket: { type: case, queue: desk, state: new, priority: normal }\n",
        );
        if !self.group.is_empty() {
            let to = self.any();
            let members = self.group.join(", ");
            let does = if self.random.often(20) { format!("do: [ {} ], ", self.action("")) } else { String::new() };
            let rule =
                if self.random.often(70) { "timers: [ { after: 1h, ".to_owned() } else { format!("handlers: [ {{ on: {}, ", self.event()) };
            let _ = writeln!(text, "  groups:\n    phase: {{ activities: [{members}], {rule}{does}next: {to} }} ] }}");
        }
        if self.random.often(10) {
            let does = self.action("");
            let event = self.event();
            let _ = writeln!(text, "  handlers: [ {{ on: {event}, do: [ {does} ] }} ]");
        }
        text.push_str("  activities:\n");
        // The form of the start is handed in with it.
        text.push_str("    start: { dialogs: { form: { for: agent } }, next: a }\n");
        let targets = self.targets(0, 3);
        let _ = writeln!(text, "    a: {{ dialogs: {{ form: {{ for: agent }} }}, next: [ {{ to: [{}] }} ] }}", targets.join(", "));
        for i in 0..self.names.len() {
            let activity = self.activity(i);
            let _ = writeln!(text, "    {}:{activity}", self.names[i]);
        }
        if text.contains("message.m") {
            text = text.replace("  activities:\n    start:", "  messages: { m: {} }\n  activities:\n    start:");
        }
        text
    }

    fn event(&mut self) -> &'static str {
        if self.random.often(40) { "message.m" } else { "article.created" }
    }

    fn any(&mut self) -> String {
        self.random.pick(&self.names).to_owned()
    }

    /// Different activities, mostly later ones.
    fn targets(&mut self, from: usize, most: usize) -> Vec<String> {
        let count = 1 + self.random.below(most);
        let mut targets: Vec<String> = vec![];
        for n in 0..count {
            let to = if n == 0 && self.names.get(from).is_some_and(|next| !self.led_to.contains(next)) {
                self.names[from].clone()
            } else if self.random.often(85) && from < self.names.len() {
                let ahead = (self.names.len() - from).min(3);
                self.names[from + self.random.below(ahead)].clone()
            } else {
                self.any()
            };
            if !targets.contains(&to) {
                targets.push(to);
            }
        }
        self.led_to.extend(targets.iter().cloned());
        targets
    }

    /// A condition that is as the next bit of the digit says.
    fn bit(&mut self) -> String {
        let bit = 1 << self.bits;
        self.bits += 1;
        format!("ticket.fields.cur / {bit} % 2 == 1")
    }

    fn action(&mut self, own: &str) -> String {
        let others: Vec<String> = self.names.iter().filter(|n| *n != own).cloned().collect();
        let name = if self.random.often(15) && !self.group.is_empty() { "phase".to_owned() } else { self.random.pick(&others).to_owned() };
        let verb = if self.random.often(75) || name == "phase" { "cancel" } else { "reopen" };
        let when = if self.bits > 0 && self.bits < 3 && self.random.often(25) { format!(", when: {}", self.bit()) } else { String::new() };
        format!("{{ {verb}: {name}{when} }}")
    }

    /// Takes the next digit of the tape; before anything that asks for its bits. The number of bits is known afterwards.
    fn take(bits: usize) -> String {
        format!(
            "{{ set: {{ cur: \"= ticket.fields.tape % 8\", tape: \"= ticket.fields.tape / 8\", log: \"= ticket.fields.log * 4 + {bits}\" }} }}"
        )
    }

    /// `next` of an activity, as YAML.
    fn next(&mut self, i: usize) -> String {
        let own = self.names[i].clone();
        let mut lines = String::new();
        let matching = self.random.often(30);
        let ways = 1 + self.random.below(3);
        if ways == 1 {
            let targets = self.targets(i + 1, 2);
            let does = if self.random.often(8) { format!(", do: [ {} ]", self.action(&own)) } else { String::new() };
            let times = if self.random.often(4) { ", times: 2" } else { "" };
            let _ = writeln!(lines, "      next: [ {{ to: [{}]{does}{times} }} ]", targets.join(", "));
            return lines;
        }
        if matching {
            lines.push_str("      split: matching\n");
        }
        lines.push_str("      next:\n");
        for way in 0..ways {
            let targets = self.targets(i + 1, 2);
            let last = way + 1 == ways;
            let condition = if last && (!matching || self.random.often(50)) {
                "otherwise: true".to_owned()
            } else if last || (matching && self.random.often(25)) {
                String::new()
            } else {
                format!("when: {}", self.bit())
            };
            let does = if self.random.often(8) { format!("do: [ {} ]", self.action(&own)) } else { String::new() };
            let parts: Vec<String> =
                [format!("to: [{}]", targets.join(", ")), condition, does].into_iter().filter(|p| !p.is_empty()).collect();
            let _ = writeln!(lines, "        - {{ {} }}", parts.join(", "));
        }
        lines
    }

    /// None, one or two copies, of which all or any are waited for.
    fn copies(&mut self) -> String {
        let count = self.random.below(3);
        let done = ["", ", done_when: any", ", done_when: any, rest: cancel", ", done_when: started"][self.random.below(4)];
        format!("      for_each: {{ count: {count}, as: number{done} }}\n")
    }

    fn activity(&mut self, i: usize) -> String {
        let own = self.names[i].clone();
        self.bits = 0;
        let mut text = String::from("\n");
        let join = match self.random.below(10) {
            0..=2 => "      join: all\n",
            3..=4 => "      join: matching\n",
            5 => "      join: { first: 1 }\n",
            6 => "      join: { first: 1, rest: cancel }\n",
            7 if self.random.often(30) => "      join: { tokens: 2 }\n",
            _ => "",
        };
        text.push_str(join);
        let last = i + 1 == self.names.len();
        let ends = last || (self.led_to.contains(&self.names[i + 1]) && self.random.often(8));
        let human = self.random.often(60);
        let sub = !human && self.random.often(15);
        let outcomes = human && !ends && self.random.often(20);
        let next = if ends {
            if self.random.often(70) { "      end: over\n".to_owned() } else { String::new() }
        } else if outcomes {
            let stays = self.random.often(30);
            let does = self.action(&own);
            let targets = self.targets(i + 1, 2);
            let other = if stays { format!("[ {{ to: stay, do: [ {does} ] }} ]") } else { self.any() };
            format!("      next: {{ yes: [ {{ to: [{}] }} ], no: {other} }}\n", targets.join(", "))
        } else if sub {
            let (one, two) = (self.targets(i + 1, 1), self.targets(i + 1, 1));
            format!("      next: {{ first: {}, second: {} }}\n", one[0], two[0])
        } else {
            self.next(i)
        };
        let answers = if outcomes { ", outcomes: { yes: Yes, no: No }" } else { "" };
        // The bits of the own actions come after those of the way, and are asked of the same digit.
        let acts = self.random.often(15);
        if human {
            let form = if self.random.often(8) { format!(", {}", self.action(&own)) } else { String::new() };
            if !outcomes && !ends && self.random.often(8) {
                text.push_str(&self.copies());
            } else if self.bits < 3 && self.random.often(8) {
                let until = self.bit();
                let _ = writeln!(text, "      repeat: {{ until: {until}, max: 50 }}");
            }
            let bits = self.bits;
            let _ = writeln!(text, "      dialogs: {{ form: {{ for: agent{answers}, do: [ {}{form} ] }} }}", Self::take(bits));
            if acts {
                self.bits = 0;
                let action = self.action(&own);
                let _ = writeln!(text, "      do: [ {action} ]");
            }
            if self.random.often(10) {
                let to = self.any();
                let _ = writeln!(text, "      timers: [ {{ after: 1h, next: {to} }} ]");
            } else if self.random.often(6) {
                let to = self.any();
                let event = self.event();
                let _ = writeln!(text, "      handlers: [ {{ on: {event}, next: {to} }} ]");
            }
        } else if sub {
            text.push_str("      process: { name: sub }\n");
        } else {
            let action = if acts { format!(", {}", self.action(&own)) } else { String::new() };
            let bits = self.bits;
            let _ = writeln!(text, "      do: [ {}{action} ]", Self::take(bits));
        }
        text.push_str(&next);
        text
    }
}
