//! Parses the text of a condition.
//!
//! ```text
//! condition  = all { "or" all }
//! all        = one { "and" one }
//! one        = "not" one | "(" condition ")" | test
//! test       = column operator value | number operator column [ operator value ]
//!            | column [ "not" ] "in" list | column "contains" ( text | "any" "of" list ) | column "is" [ "not" ] "missing"
//! value      = number | $parameter | text in quotes | "true" | "false" | "median" | "quantile" "(" number ")"
//! ```

use std::collections::BTreeMap;

use super::{ConditionError, Node, Operand, Operator, Test};

/// How deep parentheses and `not` may be nested in a text.
const DEEPEST: usize = 200;

/// How deep conditions may be nested in each other. Written in its normal form, such a condition has no more parentheses
/// than this, so it can be parsed again.
const DEEPEST_NODE: usize = 100;

/// Words with a meaning of their own.
const KEYWORDS: [&str; 13] = [
    "and", "or", "not", "in", "is", "missing", "contains", "any", "of", "true", "false", "median", "quantile",
];

/// Those that cannot be the name of a column without backticks.
const NO_COLUMN: [&str; 6] = ["and", "or", "not", "in", "is", "contains"];

pub(super) fn is_keyword(word: &str) -> bool {
    KEYWORDS.iter().any(|keyword| word.eq_ignore_ascii_case(keyword))
}

pub(super) fn is_word_start(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

pub(super) fn is_inside_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '+' | '/' | '#' | '%')
}

pub(super) fn parse(text: &str, parameters: &BTreeMap<String, f64>) -> Result<Node, ConditionError> {
    let error = |Wrong { at, what }: Wrong| {
        let character = text.get(..at).unwrap_or(text).chars().count() + 1;
        ConditionError { at, character, what }
    };
    let tokens = tokens(text).map_err(error)?;
    let mut parser = Parser { tokens, next: 0, end: text.len(), parameters };
    parser.whole().map_err(error)
}

/// A mistake, and the byte of the text where it is.
struct Wrong {
    at: usize,
    what: String,
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    /// A text, and the quotes around it.
    Quoted(char, String),
    Number(f64),
    Parameter(String),
    Operator(Operator),
    /// A parenthesis, a bracket or a comma.
    Mark(char),
}

impl Token {
    fn is_word(&self, wanted: &str) -> bool {
        matches!(self, Token::Word(word) if word.eq_ignore_ascii_case(wanted))
    }
}

/// The tokens of a text, each with the byte where it begins.
fn tokens(text: &str) -> Result<Vec<(usize, Token)>, Wrong> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        let (token, length) = match c {
            '\'' | '"' | '`' => quoted(rest, c, at)?,
            '(' | ')' | '[' | ']' | ',' => (Token::Mark(c), 1),
            '$' => {
                let length = 1 + word_length(&rest[1..]);
                (Token::Parameter(rest[1..length].into()), length)
            }
            _ => match operator(rest) {
                Some((operator, length)) => (Token::Operator(operator), length),
                None => word(rest, at)?,
            },
        };
        tokens.push((at, token));
        at += length;
    }
    Ok(tokens)
}

fn operator(rest: &str) -> Option<(Operator, usize)> {
    const SPELLED: [(&str, Operator); 11] = [
        ("<=", Operator::AtMost),
        (">=", Operator::AtLeast),
        ("!=", Operator::NotEqual),
        ("<>", Operator::NotEqual),
        ("==", Operator::Equal),
        ("≤", Operator::AtMost),
        ("≥", Operator::AtLeast),
        ("≠", Operator::NotEqual),
        ("=", Operator::Equal),
        ("<", Operator::Less),
        (">", Operator::Greater),
    ];
    let found = SPELLED.iter().find(|(spelled, _)| rest.starts_with(spelled));
    found.map(|(spelled, operator)| (*operator, spelled.len()))
}

/// How many bytes at the beginning belong to a word or a number.
fn word_length(rest: &str) -> usize {
    rest.find(|c| !is_inside_word(c)).unwrap_or(rest.len())
}

/// A word, or a number such as `-1_000.5` or `1e-3`.
fn word(rest: &str, at: usize) -> Result<(Token, usize), Wrong> {
    let length = word_length(rest);
    let word = &rest[..length];
    let unsigned = word.strip_prefix(['-', '+']).unwrap_or(word);
    let digits = unsigned.strip_prefix('.').unwrap_or(unsigned);
    if digits.starts_with(|c: char| c.is_ascii_digit()) {
        let number = word.replace('_', "").parse::<f64>().ok().filter(|number| number.is_finite());
        if let Some(number) = number {
            return Ok((Token::Number(number), length));
        }
    }
    if word.starts_with(|c: char| c.is_alphanumeric() || c == '_') {
        return Ok((Token::Word(word.into()), length));
    }
    let c = rest.chars().next().unwrap_or(' ');
    let what = format!("expected a column, a comparison or a value, found {:?}", c.to_string());
    Err(Wrong { at, what })
}

/// A text in quotes, and its length with them. A quote within it is doubled, or has a backslash before it.
fn quoted(rest: &str, quote: char, at: usize) -> Result<(Token, usize), Wrong> {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((i, c)) = chars.next() {
        if c == quote {
            if chars.next_if(|(_, next)| *next == quote).is_none() {
                return Ok((Token::Quoted(quote, text), i + 1));
            }
            text.push(quote);
        } else if c != '\\' {
            text.push(c);
        } else {
            let unknown = |c: Option<char>| Wrong {
                at: at + i,
                what: match c {
                    Some(c) => {
                        format!("unknown escape \\{}; a backslash itself is written \\\\", c.escape_default())
                    }
                    None => "expected a character after the backslash, found the end".into(),
                },
            };
            let (_, escaped) = chars.next().ok_or_else(|| unknown(None))?;
            text.push(match escaped {
                '\\' | '\'' | '"' | '`' => escaped,
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                'u' => {
                    let mut hex = String::new();
                    let open = chars.next_if(|(_, c)| *c == '{').is_some();
                    while let Some((_, digit)) =
                        chars.next_if(|(_, c)| c.is_ascii_hexdigit() && hex.len() < 6)
                    {
                        hex.push(digit);
                    }
                    let close = open && chars.next_if(|(_, c)| *c == '}').is_some();
                    let code = u32::from_str_radix(&hex, 16).ok().and_then(char::from_u32);
                    code.filter(|_| close).ok_or_else(|| unknown(Some('u')))?
                }
                other => return Err(unknown(Some(other))),
            });
        }
    }
    Err(Wrong { at, what: format!("this quote {quote} has no end; expected another {quote}") })
}

struct Parser<'a> {
    tokens: Vec<(usize, Token)>,
    next: usize,
    end: usize,
    parameters: &'a BTreeMap<String, f64>,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next).map(|(_, token)| token)
    }

    /// Takes the next token if it passes.
    fn take_if(&mut self, passes: impl Fn(&Token) -> bool) -> Option<Token> {
        let token = self.peek().filter(|token| passes(token)).cloned();
        self.next += usize::from(token.is_some());
        token
    }

    fn take_word(&mut self, word: &str) -> bool {
        self.take_if(|token| token.is_word(word)).is_some()
    }

    fn take_mark(&mut self, mark: char) -> bool {
        self.take_if(|token| *token == Token::Mark(mark)).is_some()
    }

    /// The mistake that something else was expected here.
    fn expected(&self, expected: &str) -> Wrong {
        let found = match self.peek() {
            None => "the end".into(),
            Some(Token::Word(word)) => word.clone(),
            Some(Token::Quoted(quote, text)) => format!("{quote}{}{quote}", text.escape_debug()),
            Some(Token::Number(number)) => number.to_string(),
            Some(Token::Parameter(name)) => format!("${name}"),
            Some(Token::Operator(operator)) => operator.word().into(),
            Some(Token::Mark(mark)) => mark.to_string(),
        };
        self.wrong(format!("expected {expected}, found {found}"))
    }

    fn wrong(&self, what: String) -> Wrong {
        Wrong { at: self.tokens.get(self.next).map_or(self.end, |(at, _)| *at), what }
    }

    fn whole(&mut self) -> Result<Node, Wrong> {
        if self.tokens.is_empty() {
            return Err(self.wrong("expected a condition such as pay >= 8, found nothing".into()));
        }
        let node = self.any(0)?;
        match self.peek() {
            None if node.depth() > DEEPEST_NODE => {
                Err(self
                    .wrong("too many conditions within each other; write it with fewer parentheses".into()))
            }
            None => Ok(node),
            Some(_) => Err(self.expected("and, or, or the end")),
        }
    }

    fn any(&mut self, depth: usize) -> Result<Node, Wrong> {
        let mut nodes = Vec::new();
        loop {
            match self.all(depth)? {
                Node::Any(inner) => nodes.extend(inner),
                node => nodes.push(node),
            }
            if !self.take_word("or") {
                return Ok(single_or(nodes, Node::Any));
            }
        }
    }

    fn all(&mut self, depth: usize) -> Result<Node, Wrong> {
        let mut nodes = Vec::new();
        loop {
            match self.one(depth)? {
                Node::All(inner) => nodes.extend(inner),
                node => nodes.push(node),
            }
            if !self.take_word("and") {
                return Ok(single_or(nodes, Node::All));
            }
        }
    }

    fn one(&mut self, depth: usize) -> Result<Node, Wrong> {
        if depth > DEEPEST {
            return Err(self.wrong("too many parentheses or nots within each other".into()));
        }
        if self.take_word("not") {
            return Ok(Node::Not(Box::new(self.one(depth + 1)?)));
        }
        if self.take_mark('(') {
            let node = self.any(depth + 1)?;
            return if self.take_mark(')') { Ok(node) } else { Err(self.expected("and, or, or )")) };
        }
        self.test()
    }

    fn test(&mut self) -> Result<Node, Wrong> {
        if matches!(self.peek(), Some(Token::Number(_) | Token::Parameter(_))) {
            return self.between();
        }
        let column = self.column()?;
        let test = match self.operator() {
            Some(operator) => Test::Compare(operator, self.value()?),
            None if self.take_word("in") => Test::In(true, self.list()?),
            None if self.take_word("not") => match self.take_word("in") {
                true => Test::In(false, self.list()?),
                false => return Err(self.expected("in")),
            },
            None if self.take_word("contains") => Test::Contains(self.parts()?),
            None if self.take_word("is") => {
                let not = self.take_word("not");
                if !self.take_word("missing") {
                    let expected = if not { "missing" } else { "missing or not missing" };
                    return Err(self.expected(&format!("{expected} (equality is written = or !=)")));
                }
                Test::Missing(!not)
            }
            None => return Err(self.expected("a comparison (=, !=, <, <=, >, >=), in, contains or is")),
        };
        Ok(Node::Test { column, test })
    }

    /// `2 <= column`, or `2 <= column < 6`.
    fn between(&mut self) -> Result<Node, Wrong> {
        let low = self.number()?;
        let operator = self.operator().ok_or_else(|| self.expected("a comparison (=, !=, <, <=, >, >=)"))?;
        let column = self.column()?;
        let test =
            |operator, operand| Node::Test { column: column.clone(), test: Test::Compare(operator, operand) };
        let first = test(operator.turned(), Operand::Number(low));
        match self.operator() {
            None => Ok(first),
            Some(operator) => Ok(Node::All(vec![first, test(operator, self.value()?)])),
        }
    }

    fn column(&mut self) -> Result<String, Wrong> {
        let named = |token: &Token| match token {
            Token::Word(word) => !NO_COLUMN.iter().any(|other| word.eq_ignore_ascii_case(other)),
            Token::Quoted(quote, _) => *quote != '\'',
            _ => false,
        };
        match self.take_if(named) {
            Some(Token::Word(name) | Token::Quoted(_, name)) => Ok(name),
            _ => Err(self.expected("a column (in backticks if its name is not one word)")),
        }
    }

    fn operator(&mut self) -> Option<Operator> {
        match self.take_if(|token| matches!(token, Token::Operator(_))) {
            Some(Token::Operator(operator)) => Some(operator),
            _ => None,
        }
    }

    fn number(&mut self) -> Result<f64, Wrong> {
        match self.peek() {
            Some(Token::Number(number)) => {
                let number = *number;
                self.next += 1;
                Ok(number)
            }
            Some(Token::Parameter(name)) => match self.parameters.get(name) {
                Some(number) => {
                    self.next += 1;
                    Ok(*number)
                }
                None => {
                    let names: Vec<&str> = self.parameters.keys().map(String::as_str).collect();
                    let known = if names.is_empty() { "none".into() } else { names.join(", ") };
                    Err(self.wrong(format!("no parameter is called {name:?}; [parameters] has {known}")))
                }
            },
            _ => Err(self.expected("a number")),
        }
    }

    /// What a cell is compared with.
    fn value(&mut self) -> Result<Operand, Wrong> {
        if self.take_word("median") {
            return Ok(Operand::Median);
        }
        if self.take_word("quantile") {
            if !self.take_mark('(') {
                return Err(self.expected("a quantile such as quantile(0.25)"));
            }
            let at = self.next;
            let q = self.number()?;
            if !(0.0..=1.0).contains(&q) {
                self.next = at;
                return Err(self.expected("a quantile from 0 to 1"));
            }
            return if self.take_mark(')') {
                Ok(Operand::Quantile(q + 0.0))
            } else {
                Err(self.expected(")"))
            };
        }
        self.literal("a number, a text in quotes, true, false, median or quantile(0.25)")
    }

    fn literal(&mut self, expected: &str) -> Result<Operand, Wrong> {
        if matches!(self.peek(), Some(Token::Number(_) | Token::Parameter(_))) {
            return Ok(Operand::Number(self.number()?));
        }
        for value in [true, false] {
            if self.take_word(if value { "true" } else { "false" }) {
                return Ok(Operand::Bool(value));
            }
        }
        match self.take_if(|token| matches!(token, Token::Quoted('\'' | '"', _))) {
            Some(Token::Quoted(_, text)) => Ok(Operand::Text(text)),
            _ => Err(match self.peek() {
                Some(Token::Word(word)) => {
                    self.wrong(format!("expected {expected}, found {word}; a text needs quotes: '{word}'"))
                }
                _ => self.expected(expected),
            }),
        }
    }

    /// Values in brackets, at least one.
    fn list(&mut self) -> Result<Vec<Operand>, Wrong> {
        if !self.take_mark('[') {
            return Err(self.expected("a list such as ['a', 'b']"));
        }
        let mut values = Vec::new();
        loop {
            values.push(self.literal("a number, a text in quotes, true or false")?);
            if self.take_mark(']') {
                return Ok(values);
            }
            if !self.take_mark(',') {
                return Err(self.expected("a comma or ]"));
            }
        }
    }

    /// What a text contains: a text, or `any of` several.
    fn parts(&mut self) -> Result<Vec<String>, Wrong> {
        let at = self.next;
        let values = if self.take_word("any") {
            if !self.take_word("of") {
                return Err(self.expected("of, as in contains any of ['a', 'b']"));
            }
            self.list()?
        } else {
            vec![self.literal("a text in quotes, or any of ['a', 'b']")?]
        };
        let texts = values.into_iter().map(|value| match value {
            Operand::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        });
        texts.collect::<Option<Vec<String>>>().ok_or_else(|| {
            self.next = at;
            self.wrong("contains looks for texts in quotes, none of them empty".into())
        })
    }
}

/// One condition as it is, or several joined.
fn single_or(mut nodes: Vec<Node>, join: fn(Vec<Node>) -> Node) -> Node {
    match nodes.len() {
        1 => nodes.remove(0),
        _ => join(nodes),
    }
}
