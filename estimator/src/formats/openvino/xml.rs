//! XML as a stream of tags: no tree is built, no entity is defined, and no single tag may grow past a bound.
//!
//! Knows nothing of OpenVINO.

use crate::formats::error::{Problem, ReadError};
use crate::formats::source::Source;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::io::{self, BufRead, BufReader, Read};

type Result<T> = std::result::Result<T, ReadError>;

/// Longest tag or text. Lists of names in `rt_info` run to a few kilobytes.
const MOST_TAG: usize = 1 << 20;
/// Deepest nesting of tags; a loop in a loop takes about ten more.
const MOST_DEPTH: usize = 200;

/// What stands next in the document.
#[derive(Debug)]
pub(super) enum Token {
    /// A tag opens.
    Open(Tag),
    /// Text between tags, without white space around it.
    Text(String),
    /// The tag that was opened last closes.
    Close,
    /// The document ends.
    End,
}

/// A tag that opens.
#[derive(Debug, Default)]
pub(super) struct Tag {
    /// Its name.
    pub name: String,
    /// Its attributes in order.
    pub attributes: Vec<(String, String)>,
}

impl Tag {
    /// An attribute's text.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// An attribute's text as a number.
    pub fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.get(name)?.trim().parse().ok()
    }
}

/// A document being read.
pub(super) struct Document<'a> {
    reader: Reader<Paced<BufReader<Source<'a>>>>,
    buffer: Vec<u8>,
    /// A tag that opened and closed at once still has to close.
    closes: bool,
    depth: usize,
    name: String,
}

impl<'a> Document<'a> {
    /// A document over a file.
    pub fn new(source: Source<'a>) -> Self {
        let name = source.name().to_owned();
        let mut reader = Reader::from_reader(Paced { inner: BufReader::new(source), left: MOST_TAG });
        // Closing tags are matched by counting; their names are not kept.
        reader.config_mut().check_end_names = false;
        Self { reader, buffer: Vec::new(), closes: false, depth: 0, name }
    }

    /// What stands next. Comments, declarations and processing instructions are passed over; entities are not defined.
    pub fn next(&mut self) -> Result<Token> {
        if std::mem::take(&mut self.closes) {
            self.depth -= 1;
            return Ok(Token::Close);
        }
        loop {
            self.buffer.clear();
            self.reader.get_mut().left = MOST_TAG;
            let event = self.reader.read_event_into(&mut self.buffer);
            let place = self.reader.buffer_position();
            let token = match event {
                Ok(Event::Start(tag)) => Token::Open(opened(&tag)),
                Ok(Event::Empty(tag)) => {
                    self.closes = true;
                    Token::Open(opened(&tag))
                }
                Ok(Event::End(_)) => Token::Close,
                Ok(Event::Text(text)) => {
                    let text = String::from_utf8_lossy(&text);
                    match text.trim() {
                        "" => continue,
                        text => Token::Text(text.to_owned()),
                    }
                }
                Ok(Event::Eof) => Token::End,
                Ok(_) => continue,
                Err(error) => return Err(self.failed(place, &error)),
            };
            match token {
                Token::Open(_) if self.depth >= MOST_DEPTH => {
                    let what = format!("its tags are nested more than {MOST_DEPTH} deep");
                    return Err(self.error(place, Problem::OverLimit(what)));
                }
                Token::Open(_) => self.depth += 1,
                Token::Close if self.depth == 0 => {
                    return Err(self.error(place, Problem::Corrupt("a tag closes that was never opened".to_owned())));
                }
                Token::Close => self.depth -= 1,
                Token::End if self.depth > 0 => {
                    return Err(self.error(place, Problem::Truncated { needs: place.saturating_add(1), has: place }));
                }
                Token::Text(_) | Token::End => {}
            }
            return Ok(token);
        }
    }

    /// Passes over the rest of the tag that was opened last.
    pub fn skip(&mut self) -> Result<()> {
        let outside = self.depth.saturating_sub(1);
        loop {
            match self.next()? {
                Token::Close if self.depth == outside => return Ok(()),
                Token::End => return Ok(()),
                _ => {}
            }
        }
    }

    /// The text of the tag that was opened last, up to where it closes.
    pub fn text(&mut self) -> Result<String> {
        let outside = self.depth.saturating_sub(1);
        let mut text = String::new();
        loop {
            match self.next()? {
                Token::Text(part) => text.push_str(&part),
                Token::Close if self.depth == outside => return Ok(text),
                Token::End => return Ok(text),
                _ => {}
            }
        }
    }

    /// The next tag within the one opened last; `None` where that one closes.
    pub fn inner(&mut self) -> Result<Option<Tag>> {
        loop {
            match self.next()? {
                Token::Open(tag) => return Ok(Some(tag)),
                Token::Close | Token::End => return Ok(None),
                Token::Text(_) => {}
            }
        }
    }

    /// An error about the place reached.
    pub fn corrupt(&self, place: &str, why: String) -> ReadError {
        ReadError {
            place: crate::notes::clip(place),
            ..self.error(self.reader.buffer_position(), Problem::Corrupt(why))
        }
    }

    /// The file asks for more than is allowed.
    pub fn over(&self, what: String) -> ReadError {
        self.error(self.reader.buffer_position(), Problem::OverLimit(what))
    }

    fn error(&self, offset: u64, problem: Problem) -> ReadError {
        ReadError { file: self.name.clone(), offset: Some(offset), place: String::new(), problem }
    }

    fn failed(&self, place: u64, error: &quick_xml::Error) -> ReadError {
        let problem = match error {
            quick_xml::Error::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                Problem::OverLimit(format!("a tag or text has more than {} MiB", MOST_TAG >> 20))
            }
            quick_xml::Error::Io(error) => {
                // A source that was stopped says so in its own words.
                match error.to_string() {
                    words if words == Problem::Cancelled.to_string() => Problem::Cancelled,
                    words => Problem::Unreadable(words),
                }
            }
            quick_xml::Error::Syntax(error) => Problem::Corrupt(format!("its XML is broken: {error}")),
            error => Problem::Corrupt(format!("its XML cannot be read: {error}")),
        };
        self.error(place, problem)
    }
}

/// A tag's name and attributes. A reference to an entity that XML itself does not define stays as it is written.
fn opened(tag: &BytesStart<'_>) -> Tag {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut parts = tag.attributes();
    let attributes = parts.with_checks(false).filter_map(std::result::Result::ok).map(|attribute| {
        let raw = text(&attribute.value);
        let value = match quick_xml::escape::unescape(&raw) {
            Ok(value) => value.into_owned(),
            Err(_) => raw,
        };
        (text(attribute.key.as_ref()), value)
    });
    Tag { name: text(tag.name().as_ref()), attributes: attributes.collect() }
}

/// A reader that gives out only so many bytes before it is told to go on: the XML reader keeps whole tags in memory.
struct Paced<R> {
    inner: R,
    left: usize,
}

impl<R: BufRead> Read for Paced<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let held = self.fill_buf()?;
        let count = held.len().min(into.len());
        if let (Some(to), Some(from)) = (into.get_mut(..count), held.get(..count)) {
            to.copy_from_slice(from);
        }
        self.consume(count);
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Paced<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.left = self.left.saturating_sub(count);
        self.inner.consume(count);
    }
}
