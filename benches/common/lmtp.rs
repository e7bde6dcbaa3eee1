//! Mail over LMTP, as a mail server hands it over.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// A port that nobody listens on.
pub fn port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port()
}

/// A short mail, each from another person.
pub fn mail(n: usize) -> String {
    format!(
        "Received: from client.example by mx.example.org with ESMTP id {n}; Thu, 26 Nov 2026 10:00:00 +0100\r\nFrom: Anna {n} <a{n}@client.example>\r\n\
         To: support@example.org\r\nSubject: The printer on floor {n} does not print\r\nMessage-ID: <{n}.{n}@client.example>\r\n\
         Date: Thu, 26 Nov 2026 10:00:00 +0100\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\
         Good morning,\r\n\r\nsince today it says \"paper jam\", and there is none. Number {n}.\r\n\r\n{}\r\n",
        "Kind regards, and thank you for your help. ".repeat(20)
    )
}

/// A client of LMTP on a kept connection.
pub struct Door(BufReader<TcpStream>);

impl Door {
    pub fn open(port: u16) -> Self {
        let begun = Instant::now();
        let stream = loop {
            match TcpStream::connect(("127.0.0.1", port)) {
                Ok(stream) => break stream,
                Err(_) if begun.elapsed() < Duration::from_secs(20) => std::thread::sleep(Duration::from_millis(50)),
                Err(e) => panic!("no door: {e}"),
            }
        };
        stream.set_nodelay(true).expect("no delay");
        let mut door = Self(BufReader::new(stream));
        door.hear();
        door.say("LHLO bench");
        door
    }

    fn hear(&mut self) -> String {
        loop {
            let mut line = String::new();
            assert!(self.0.read_line(&mut line).expect("an answer") > 0, "the door is closed");
            if line.as_bytes().get(3) != Some(&b'-') {
                return line;
            }
        }
    }

    fn say(&mut self, text: &str) -> String {
        self.0.get_mut().write_all(format!("{text}\r\n").as_bytes()).expect("it is said");
        self.hear()
    }

    pub fn bring(&mut self, mail: &[u8]) {
        // The commands go together (pipelining, RFC 2920).
        let start = "MAIL FROM:<a@client.example>\r\nRCPT TO:<support@example.org>\r\nDATA\r\n";
        self.0.get_mut().write_all(start.as_bytes()).expect("it is said");
        for _ in 0..3 {
            self.hear();
        }
        self.0.get_mut().write_all(mail).expect("it is said");
        let answer = self.say(".");
        assert!(answer.starts_with("250"), "{answer}");
    }
}
