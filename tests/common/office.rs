//! A real post office: Postfix and Dovecot of their own, in a folder that goes with the test.

use super::{Folder, free_port};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Whom the mailboxes belong to.
const OWNER: (&str, &str) = ("mail", "mail");
/// How long something may take to arrive.
pub const PATIENCE: Duration = Duration::from_secs(40);

pub struct Office {
    folder: PathBuf,
    pub smtp: u16,
    pub imap: u16,
    pub imaps: u16,
    pub pop3s: u16,
    dovecot: Child,
}

fn done(command: &mut Command) -> bool {
    let output = command.output().expect("the command runs");
    if !output.status.success() {
        eprintln!("{command:?}: {}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    }
    output.status.success()
}

impl Office {
    /// Mail for the addresses goes by LMTP to the desk at the port; everybody else of example.org has a mailbox in Dovecot. `None` where
    /// the two are not installed, or this is not root.
    pub fn open(folder: &Folder, addresses: &[&str], desk: u16) -> Option<Self> {
        let there = |path: &str| Path::new(path).exists();
        let root = Command::new("id").arg("-u").output().is_ok_and(|o| o.stdout.trim_ascii() == b"0");
        if !(there("/usr/sbin/postfix") && there("/usr/sbin/dovecot") && there("/usr/lib/dovecot/lmtp") && root) {
            vorgang_testbed::skip("Postfix and Dovecot of Debian's packages, and root, are needed");
            return None;
        }
        let home = folder.0.join("office");
        for part in ["postfix", "queue", "data", "run", "mail", "log"] {
            fs::create_dir_all(home.join(part)).expect("a folder");
        }
        // Both have users of their own, who have to reach it.
        for path in home.ancestors().take(3) {
            done(Command::new("chmod").arg("a+rx").arg(path));
        }
        let signed = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
        fs::write(home.join("cert.pem"), signed.cert.pem()).expect("a file");
        fs::write(home.join("key.pem"), signed.signing_key.serialize_pem()).expect("a file");
        let (smtp, lmtp, imap, imaps, pop3s) = (free_port(), free_port(), free_port(), free_port(), free_port());
        let dovecot = dovecot(&home, lmtp, imap, imaps, pop3s);
        let office = Self { folder: home, smtp, imap, imaps, pop3s, dovecot };
        wait(|| TcpStream::connect(("127.0.0.1", imap)).is_ok(), || format!("Dovecot listens\n{}", office.log()));
        office.postfix(addresses, desk, lmtp);
        Some(office)
    }

    pub fn ca(&self) -> String {
        self.folder.join("cert.pem").display().to_string()
    }

    fn postfix(&self, addresses: &[&str], desk: u16, lmtp: u16) {
        let home = self.folder.display();
        let own: String = addresses.iter().map(|a| format!("{{ {a} = lmtp:inet:127.0.0.1:{desk} }}, ")).collect();
        let main = format!(
            "compatibility_level = 3.6\nqueue_directory = {home}/queue\ndata_directory = {home}/data\nmyhostname = mx.example.org\nmydestination =\n\
             inet_interfaces = 127.0.0.1\ninet_protocols = ipv4\nmynetworks = 127.0.0.0/8\nsmtpd_relay_restrictions = permit_mynetworks, reject\n\
             relay_domains = example.org, dead.example\nrelay_transport = lmtp:inet:127.0.0.1:{lmtp}\n\
             transport_maps = inline:{{ {own}{{ dead.example = error:5.1.1 nobody lives here }} }}\n\
             maillog_file_prefixes = {home}\nmaillog_file = {home}/log/postfix.log\nsmtpd_reject_unlisted_recipient = no\nsmtputf8_enable = yes\nbiff = no\n\
             minimal_backoff_time = 5s\nmaximal_backoff_time = 5s\nqueue_run_delay = 5s\nmessage_size_limit = 60000000\nbounce_queue_lifetime = 1h\n\
             default_destination_concurrency_limit = 8\nlmtp_destination_concurrency_limit = 8\n"
        );
        let master = format!(
            "127.0.0.1:{} inet n - n - - smtpd\npickup unix n - n 1 1 pickup\ncleanup unix n - n - 0 cleanup\nqmgr unix n - n 2 1 qmgr\n\
             tlsmgr unix - - n 1000? 1 tlsmgr\nrewrite unix - - n - - trivial-rewrite\nbounce unix - - n - 0 bounce\ndefer unix - - n - 0 bounce\n\
             trace unix - - n - 0 bounce\nverify unix - - n - 1 verify\nflush unix n - n 1000? 0 flush\nproxymap unix - - n - - proxymap\n\
             smtp unix - - n - - smtp\nrelay unix - - n - - smtp\nshowq unix n - n - - showq\nerror unix - - n - - error\nretry unix - - n - - error\n\
             discard unix - - n - - discard\nlmtp unix - - n - - lmtp\nanvil unix - - n - 1 anvil\nscache unix - - n - 1 scache\npostlog unix-dgram n - n - 1 postlogd\n",
            self.smtp
        );
        let config = self.folder.join("postfix");
        fs::write(config.join("main.cf"), main).expect("a file");
        fs::write(config.join("master.cf"), master).expect("a file");
        done(Command::new("chown").arg("postfix").arg(self.folder.join("data")));
        assert!(done(Command::new("/usr/sbin/postfix").arg("-c").arg(&config).arg("start")), "Postfix starts: {}", self.log());
        wait(|| TcpStream::connect(("127.0.0.1", self.smtp)).is_ok(), || "Postfix listens".into());
    }

    pub fn log(&self) -> String {
        let read = |name: &str| fs::read_to_string(self.folder.join("log").join(name)).unwrap_or_default();
        format!("{}\n{}", read("postfix.log"), read("dovecot.log"))
    }

    /// Gives a mail to Postfix, as a mail program does.
    pub fn send(&self, from: &str, to: &str, mail: &str) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.smtp)).expect("Postfix");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a limit");
        let mut say = |text: &str, wanted: &str| {
            stream.write_all(text.as_bytes()).expect("it is said");
            let mut answer = [0; 2_048];
            let n = stream.read(&mut answer).expect("an answer");
            let answer = String::from_utf8_lossy(&answer[..n]).into_owned();
            assert!(answer.starts_with(wanted), "{text}: {answer}");
        };
        say("", "220");
        say("HELO client.example\r\n", "250");
        say(&format!("MAIL FROM:<{from}>\r\n"), "250");
        say(&format!("RCPT TO:<{to}>\r\n"), "250");
        say("DATA\r\n", "354");
        say(&format!("{}\r\n.\r\n", mail.replace('\n', "\r\n").replace("\r\n.", "\r\n..")), "250");
        say("QUIT\r\n", "221");
    }

    /// Every mail in somebody's mailbox.
    /// How many mails somebody's mailbox has.
    pub fn left(&self, address: &str) -> usize {
        let home = self.folder.join("mail").join(address);
        ["new", "cur"].iter().map(|part| fs::read_dir(home.join(part)).map_or(0, Iterator::count)).sum()
    }

    pub fn mailbox(&self, address: &str) -> Vec<String> {
        let home = self.folder.join("mail").join(address);
        let mut all = vec![];
        for part in ["new", "cur"] {
            for entry in fs::read_dir(home.join(part)).into_iter().flatten().flatten() {
                all.extend(fs::read_to_string(entry.path()));
            }
        }
        all
    }

    /// The first mail there of which this holds.
    pub fn arrived(&self, address: &str, is: impl Fn(&str) -> bool) -> String {
        let mut found = None;
        wait(
            || {
                found = self.mailbox(address).into_iter().find(|m| is(m));
                found.is_some()
            },
            || format!("no mail for {address} arrived: {:?}\n{}", self.mailbox(address), self.log()),
        );
        found.unwrap_or_default()
    }

    /// Lays mails into somebody's mailbox, as if they had come before.
    pub fn fill(&self, address: &str, count: usize, mail: impl Fn(usize) -> String) {
        let home = self.folder.join("mail").join(address);
        for part in ["new", "cur", "tmp"] {
            fs::create_dir_all(home.join(part)).expect("a folder");
        }
        for n in 0..count {
            fs::write(home.join("new").join(format!("{}.{n}.here", 1_700_000_000 + n)), mail(n)).expect("a mail");
        }
        done(Command::new("chown").args(["-R", &format!("{}:{}", OWNER.0, OWNER.1)]).arg(&home));
    }
}

fn dovecot(home: &Path, lmtp: u16, imap: u16, imaps: u16, pop3s: u16) -> Child {
    let id = |flag: &str| {
        let output = Command::new("id").args([flag, OWNER.0]).output().expect("an id");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    let (uid, gid, at) = (id("-u"), id("-g"), home.display());
    let config = format!(
        "base_dir = {at}/run\nstate_dir = {at}/run\nlog_path = {at}/log/dovecot.log\nprotocols = imap pop3 lmtp\nlisten = 127.0.0.1\n\
         ssl = yes\nssl_cert = <{at}/cert.pem\nssl_key = <{at}/key.pem\nmail_location = maildir:{at}/mail/%u\nfirst_valid_uid = 1\nfirst_valid_gid = 1\n\
         auth_username_format = %Lu\ndisable_plaintext_auth = yes\npostmaster_address = postmaster@example.org\nmail_max_userip_connections = 100\n\
         passdb {{\n driver = static\n args = password=secret\n}}\nuserdb {{\n driver = static\n args = uid={uid} gid={gid} home={at}/mail/%u allow_all_users=yes\n}}\n\
         service imap-login {{\n inet_listener imap {{\n port = {imap}\n }}\n inet_listener imaps {{\n port = {imaps}\n ssl = yes\n }}\n}}\n\
         service pop3-login {{\n inet_listener pop3 {{\n port = 0\n }}\n inet_listener pop3s {{\n port = {pop3s}\n ssl = yes\n }}\n}}\n\
         service lmtp {{\n inet_listener lmtp {{\n address = 127.0.0.1\n port = {lmtp}\n }}\n}}\n"
    );
    fs::write(home.join("dovecot.conf"), config).expect("a file");
    done(Command::new("chown").args([&format!("{}:{}", OWNER.0, OWNER.1)]).arg(home.join("mail")));
    let mut command = Command::new("/usr/sbin/dovecot");
    command.args(["-F", "-c"]).arg(home.join("dovecot.conf")).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("Dovecot starts")
}

impl Drop for Office {
    fn drop(&mut self) {
        let _ = Command::new("/usr/sbin/postfix").arg("-c").arg(self.folder.join("postfix")).arg("stop").output();
        let _ = Command::new("kill").args(["-TERM", &self.dovecot.id().to_string()]).status();
        let _ = self.dovecot.wait();
    }
}

/// Looks again and again, for a while.
pub fn wait(mut is: impl FnMut() -> bool, why: impl Fn() -> String) {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < PATIENCE, "{}", why());
        std::thread::sleep(Duration::from_millis(100));
    }
}
