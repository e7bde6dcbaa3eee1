//! The grammar of CEL (google/cel-spec, `doc/langdef.md`), less what definitions have no use for:
//! bytes, unsigned and floating numbers, message literals. Errors speak to a process designer.

use crate::cel::ast::{Ast, Kind, Op};
use crate::decimal::Decimal;

/// Longest expression, in bytes.
pub const TEXT_BYTES_MAX: usize = 4_000;

/// Deepest nesting of an expression's tree; long chains of one operator count too.
pub const DEPTH_MAX: usize = 64;

/// Most nodes of one expression.
pub const NODES_MAX: usize = 1_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    pub start: usize,
    pub end: usize,
    pub message: String,
    pub help: Option<String>,
}

pub fn parse(text: &str) -> Result<Ast, ParseError> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(error(0, 0, format!("expression of {} bytes is longer than {TEXT_BYTES_MAX}", text.len())));
    }
    let tokens = lex(text)?;
    let mut parser = Parser { tokens, position: 0, depth: 0, nodes: 0, end: text.len() };
    if parser.peek() == &Token::End {
        return Err(error(0, 0, "expression is empty".into()));
    }
    let ast = parser.expression()?;
    match parser.peek().clone() {
        Token::End => Ok(ast),
        token => {
            let (start, end) = parser.place();
            let mut e = error(start, end, format!("unexpected {}", token.describe()));
            e.help = match token {
                Token::Sign("=") => Some("equality is written `==`".into()),
                Token::Sign("&") => Some("`and` is written `&&`".into()),
                Token::Sign("|") => Some("`or` is written `||`".into()),
                Token::Name(n) if n == "and" => Some("`and` is written `&&`".into()),
                Token::Name(n) if n == "or" => Some("`or` is written `||`".into()),
                Token::Name(n) if n == "not" => Some("`not` is written `!`".into()),
                Token::Name(n) if n == "is" => Some("equality is written `==`".into()),
                _ => None,
            };
            Err(e)
        }
    }
}

fn error(start: usize, end: usize, message: String) -> ParseError {
    ParseError { start, end, message, help: None }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Int(i64),
    Decimal(Decimal),
    Text(String),
    Name(String),
    Sign(&'static str),
    End,
}

impl Token {
    fn describe(&self) -> String {
        match self {
            Self::Int(_) | Self::Decimal(_) => "number".into(),
            Self::Text(_) => "text".into(),
            Self::Name(n) => format!("`{n}`"),
            Self::Sign(s) => format!("`{s}`"),
            Self::End => "end of the expression".into(),
        }
    }
}

const SIGNS: &[&str] = &[
    "==", "!=", "<=", ">=", "&&", "||", "=", "<", ">", "&", "|", "!", "+", "-", "*", "/", "%", "?", ":", ".", ",", "(", ")", "[", "]", "{",
    "}",
];

fn lex(text: &str) -> Result<Vec<(Token, usize, usize)>, ParseError> {
    let mut tokens = vec![];
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let start = at;
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        if text[at..].starts_with("//") {
            at = text[at..].find('\n').map_or(text.len(), |n| at + n);
            continue;
        }
        let token = if let Some(digits) = text[at..].strip_prefix("0x").or_else(|| text[at..].strip_prefix("0X")) {
            at += 2 + digits.bytes().take_while(u8::is_ascii_hexdigit).count();
            let number = i64::from_str_radix(&text[start + 2..at], 16);
            Token::Int(number.map_err(|_| error(start, at, "a hexadecimal number is `0x` and up to 16 digits".into()))?)
        } else if c.is_ascii_digit() {
            at += text[at..].bytes().take_while(u8::is_ascii_digit).count();
            let fraction = text[at..].strip_prefix('.').map_or(0, |r| r.bytes().take_while(u8::is_ascii_digit).count());
            at += if fraction > 0 { 1 + fraction } else { 0 };
            let power = exponent(&text[at..]);
            if fraction > 0 || power.is_some() {
                let number: Option<Decimal> = text[start..at].parse().ok();
                let (length, power) = power.unwrap_or_default();
                at += length;
                let number = number.and_then(|n| n.shifted(power));
                Token::Decimal(number.ok_or_else(|| error(start, at, "number is too long".into()))?)
            } else {
                Token::Int(text[start..at].parse().map_err(|_| error(start, at, "number is too large".into()))?)
            }
        } else if let Some(quoted) = Quoted::at(text, at) {
            let (value, end) = quoted.read(text)?;
            at = end;
            Token::Text(value)
        } else if c.is_ascii_alphabetic() || c == '_' {
            at += text[at..].bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
            Token::Name(text[start..at].to_owned())
        } else if let Some(sign) = SIGNS.iter().find(|s| text[at..].starts_with(**s)) {
            at += sign.len();
            Token::Sign(sign)
        } else {
            let mut e = error(at, at + c.len_utf8(), format!("unexpected character `{c}`"));
            if matches!(c, '“' | '”' | '„' | '’') {
                e.help = Some("texts stand in straight quotes: `\"…\"`".into());
            }
            return Err(e);
        };
        tokens.push((token, start, at));
    }
    tokens.push((Token::End, text.len(), text.len()));
    Ok(tokens)
}

/// The length and the value of an exponent, such as `e3` or `E-2`.
fn exponent(text: &str) -> Option<(usize, i32)> {
    let rest = text.strip_prefix(['e', 'E'])?;
    let sign = usize::from(rest.starts_with(['+', '-']));
    let digits = rest[sign..].bytes().take_while(u8::is_ascii_digit).count();
    let value = rest[..sign + digits].trim_start_matches('+').parse().ok().filter(|_| digits > 0)?;
    Some((1 + sign + digits, value))
}

/// A text in quotes: `"…"`, `'…'`, in three of either, with `r` before it as it is written (CEL language definition, "String and Bytes Values").
struct Quoted {
    start: usize,
    /// Where its content begins.
    content: usize,
    quote: &'static str,
    raw: bool,
}

impl Quoted {
    fn at(text: &str, start: usize) -> Option<Self> {
        let raw = text[start..].starts_with(['r', 'R']);
        let open = start + usize::from(raw);
        let quote = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|q| text[open..].starts_with(q))?;
        Some(Self { start, content: open + quote.len(), quote, raw })
    }

    /// The text, and where it ends.
    fn read(&self, text: &str) -> Result<(String, usize), ParseError> {
        let mut value = String::new();
        let mut at = self.content;
        while let Some(c) = text[at..].chars().next() {
            if text[at..].starts_with(self.quote) {
                return Ok((value, at + self.quote.len()));
            }
            at += if c == '\\' && !self.raw { escape(text, at, &mut value)? } else { plain(text, at, c, &mut value) };
        }
        let mut e = error(self.start, text.len(), "text is not closed".into());
        let quote = self.quote;
        e.help = Some(format!("the closing `{quote}` is missing; in YAML ` #` begins a comment, unless the whole expression is quoted"));
        Err(e)
    }
}

/// Every line ends with one character, however the file ends its lines.
fn plain(text: &str, at: usize, c: char, value: &mut String) -> usize {
    if text[at..].starts_with("\r\n") {
        value.push('\n');
        return 2;
    }
    value.push(c);
    c.len_utf8()
}

/// How long the escape at this place is.
fn escape(text: &str, at: usize, value: &mut String) -> Result<usize, ParseError> {
    let unknown = || error(at, at + 1, "unknown escape in a text".into());
    let kind = text[at + 1..].chars().next().ok_or_else(unknown)?;
    let simple = match kind {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'v' => '\u{b}',
        '\\' | '"' | '\'' | '`' | '?' => kind,
        _ => {
            let (from, count, radix) = match kind {
                'x' | 'X' => (at + 2, 2, 16),
                'u' => (at + 2, 4, 16),
                'U' => (at + 2, 8, 16),
                '0'..='3' => (at + 1, 3, 8),
                _ => return Err(unknown()),
            };
            let digits = text.get(from..from + count).filter(|d| d.chars().all(|c| c.is_digit(radix)));
            let c = digits.and_then(|d| u32::from_str_radix(d, radix).ok()).and_then(char::from_u32);
            value.push(c.ok_or_else(|| error(at, at + 2, format!("`\\{kind}` wants {count} digits of a character")))?);
            return Ok(from + count - at);
        }
    };
    value.push(simple);
    Ok(2)
}

struct Parser {
    tokens: Vec<(Token, usize, usize)>,
    position: usize,
    depth: usize,
    nodes: usize,
    end: usize,
}

impl Parser {
    fn peek(&self) -> &Token {
        &self.tokens[self.position].0
    }

    fn place(&self) -> (usize, usize) {
        let (_, start, end) = self.tokens[self.position];
        (start, end)
    }

    fn next(&mut self) -> Token {
        let token = self.tokens[self.position].0.clone();
        if self.position + 1 < self.tokens.len() {
            self.position += 1;
        }
        token
    }

    fn eat(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Token::Sign(s) if *s == sign);
        if found {
            self.next();
        }
        found
    }

    fn expect(&mut self, sign: &str, what: &str) -> Result<(), ParseError> {
        if self.eat(sign) {
            return Ok(());
        }
        let (start, end) = self.place();
        Err(error(start, end, format!("expected `{sign}` {what}, found {}", self.peek().describe())))
    }

    fn last_end(&self) -> usize {
        self.tokens[self.position.saturating_sub(1)].2
    }

    fn node(&mut self, kind: Kind, start: usize) -> Result<Ast, ParseError> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            return Err(error(start, self.end, format!("expression has more than {NODES_MAX} parts")));
        }
        Ok(Ast { kind, start, end: self.last_end() })
    }

    fn enter(&mut self) -> Result<(), ParseError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            let (start, end) = self.place();
            return Err(error(start, end, format!("expression is nested deeper than {DEPTH_MAX} levels")));
        }
        Ok(())
    }

    fn expression(&mut self) -> Result<Ast, ParseError> {
        self.enter()?;
        let start = self.place().0;
        let condition = self.binary(1)?;
        let result = if self.eat("?") {
            let yes = self.expression()?;
            self.expect(":", "between the two answers of `? :`")?;
            let no = self.expression()?;
            self.node(Kind::Condition(Box::new(condition), Box::new(yes), Box::new(no)), start)
        } else {
            Ok(condition)
        };
        self.depth -= 1;
        result
    }

    fn operator(&self) -> Option<Op> {
        match self.peek() {
            Token::Sign("||") => Some(Op::Or),
            Token::Sign("&&") => Some(Op::And),
            Token::Sign("==") => Some(Op::Equal),
            Token::Sign("!=") => Some(Op::NotEqual),
            Token::Sign("<") => Some(Op::Less),
            Token::Sign("<=") => Some(Op::LessEqual),
            Token::Sign(">") => Some(Op::Greater),
            Token::Sign(">=") => Some(Op::GreaterEqual),
            Token::Sign("+") => Some(Op::Add),
            Token::Sign("-") => Some(Op::Subtract),
            Token::Sign("*") => Some(Op::Multiply),
            Token::Sign("/") => Some(Op::Divide),
            Token::Sign("%") => Some(Op::Remainder),
            Token::Name(n) if n == "in" => Some(Op::In),
            _ => None,
        }
    }

    /// Left-recursive chains grow the tree by one level a link, so they count as depth.
    fn binary(&mut self, power: u8) -> Result<Ast, ParseError> {
        let start = self.place().0;
        let mut left = self.unary()?;
        let mut chain = 0;
        while let Some(op) = self.operator().filter(|op| op.power() >= power) {
            self.next();
            chain += 1;
            if self.depth + chain > DEPTH_MAX {
                let (start, end) = self.place();
                return Err(error(start, end, format!("more than {DEPTH_MAX} operators in a chain")));
            }
            let right = self.binary(op.power() + 1)?;
            left = self.node(Kind::Binary(op, Box::new(left), Box::new(right)), start)?;
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Ast, ParseError> {
        let start = self.place().0;
        if self.eat("!") {
            self.enter()?;
            let of = self.unary()?;
            self.depth -= 1;
            return self.node(Kind::Not(Box::new(of)), start);
        }
        if self.eat("-") {
            self.enter()?;
            let of = self.unary()?;
            self.depth -= 1;
            return self.node(Kind::Negate(Box::new(of)), start);
        }
        self.member()
    }

    fn member(&mut self) -> Result<Ast, ParseError> {
        let start = self.place().0;
        let mut ast = self.primary()?;
        let mut chain = 0;
        loop {
            chain += 1;
            if self.depth + chain > DEPTH_MAX {
                let (start, end) = self.place();
                return Err(error(start, end, format!("more than {DEPTH_MAX} members in a chain")));
            }
            if self.eat(".") {
                let (from, to) = self.place();
                let Token::Name(name) = self.next() else {
                    return Err(error(from, to, "expected a name after `.`".into()));
                };
                ast = if self.eat("(") {
                    let arguments = self.arguments(")")?;
                    self.node(Kind::Call(Some(Box::new(ast)), name, arguments), start)?
                } else {
                    self.node(Kind::Select(Box::new(ast), name), start)?
                };
            } else if self.eat("[") {
                let index = self.expression()?;
                self.expect("]", "after the index")?;
                ast = self.node(Kind::Index(Box::new(ast), Box::new(index)), start)?;
            } else {
                return Ok(ast);
            }
        }
    }

    fn arguments(&mut self, close: &'static str) -> Result<Vec<Ast>, ParseError> {
        let mut arguments = vec![];
        while !self.eat(close) {
            if !arguments.is_empty() {
                self.expect(",", &format!("or `{close}`"))?;
                if self.eat(close) {
                    break;
                }
            }
            arguments.push(self.expression()?);
        }
        Ok(arguments)
    }

    fn primary(&mut self) -> Result<Ast, ParseError> {
        let (start, end) = self.place();
        let kind = match self.next() {
            Token::Int(i) => Kind::Int(i),
            Token::Decimal(d) => Kind::Decimal(d),
            Token::Text(t) => Kind::Text(t),
            Token::Name(n) => match n.as_str() {
                "true" => Kind::Bool(true),
                "false" => Kind::Bool(false),
                "null" => {
                    let mut e = error(start, end, "there is no null".into());
                    e.help = Some("ask `has(ticket.fields.x)`, or give a value for it: `default(ticket.fields.x, 0)`".into());
                    return Err(e);
                }
                _ if self.eat("(") => Kind::Call(None, n, self.arguments(")")?),
                _ => Kind::Name(n),
            },
            Token::Sign("(") => {
                let inner = self.expression()?;
                self.expect(")", "to close the bracket")?;
                return Ok(Ast { start, end: self.last_end(), ..inner });
            }
            Token::Sign("[") => Kind::List(self.arguments("]")?),
            Token::Sign("{") => {
                let mut entries = vec![];
                while !self.eat("}") {
                    if !entries.is_empty() {
                        self.expect(",", "or `}`")?;
                    }
                    let key = self.expression()?;
                    self.expect(":", "after the key")?;
                    entries.push((key, self.expression()?));
                }
                Kind::Map(entries)
            }
            Token::End => {
                let mut e = error(start, end, "expression ends too early".into());
                e.help = Some("in a flow map `{ … }` a comma or bracket of the expression ends it, unless it is quoted".into());
                return Err(e);
            }
            token => return Err(error(start, end, format!("unexpected {}", token.describe()))),
        };
        self.node(kind, start)
    }
}
