//! Finding a row of a table by what people type: the ranking that places and devices share.
//!
//! The search folds letter case and accents and ranks: the exact id first, then exact names, then beginnings, then words.
//! What is searched, and what comes first among equals, belongs to the room that owns the rows.

/// How well a row answers a search, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// The text is its id.
    Id,
    /// The text is its name or code.
    Name,
    /// The text is another name of it.
    Alias,
    /// Its id or name begins so.
    NamePrefix,
    /// Another name of it begins so.
    AliasPrefix,
    /// Each word of the text begins a word of its id or name.
    Words,
    /// Each word of the text begins a word of anything known of it.
    AnyWords,
}

/// What somebody typed, folded.
#[derive(Debug, Clone)]
pub struct Query {
    folded: String,
}

impl Query {
    /// Folds the text.
    pub fn new(text: &str) -> Self {
        Self { folded: fold(text) }
    }
}

/// The folded names that one row answers to.
#[derive(Debug, Clone)]
pub struct Names {
    id: String,
    names: Vec<String>,
    aliases: Vec<String>,
    others: Vec<String>,
}

impl Names {
    /// Folds a row's id, its names and codes, its other names, and words that help to find it without being names of it.
    pub fn new<N, A, O>(id: &str, names: N, aliases: A, others: O) -> Self
    where
        N: IntoIterator<Item: AsRef<str>>,
        A: IntoIterator<Item: AsRef<str>>,
        O: IntoIterator<Item: AsRef<str>>,
    {
        Self {
            id: fold(id),
            names: names.into_iter().map(|text| fold(text.as_ref())).collect(),
            aliases: aliases.into_iter().map(|text| fold(text.as_ref())).collect(),
            others: others.into_iter().map(|text| fold(text.as_ref())).collect(),
        }
    }

    /// How well the row answers, or `None` where it does not. An empty query finds nothing.
    pub fn rank(&self, query: &Query) -> Option<Rank> {
        let query = query.folded.as_str();
        if query.is_empty() {
            return None;
        }
        let ids = std::slice::from_ref(&self.id);
        let is = |texts: &[String]| texts.iter().any(|text| text == query);
        let begins = |texts: &[String]| texts.iter().any(|text| text.starts_with(query));
        let in_words = |texts: &[&[String]]| {
            query.split(' ').all(|word| {
                texts.iter().copied().flatten().flat_map(|text| text.split(' ')).any(|part| part.starts_with(word))
            })
        };
        if is(ids) {
            Some(Rank::Id)
        } else if is(&self.names) {
            Some(Rank::Name)
        } else if is(&self.aliases) {
            Some(Rank::Alias)
        } else if begins(ids) || begins(&self.names) {
            Some(Rank::NamePrefix)
        } else if begins(&self.aliases) {
            Some(Rank::AliasPrefix)
        } else if in_words(&[ids, &self.names]) {
            Some(Rank::Words)
        } else if in_words(&[ids, &self.names, &self.aliases, &self.others]) {
            Some(Rank::AnyWords)
        } else {
            None
        }
    }
}

/// The name that is spelt most like a text, where one is like it: at most a third of its letters are other ones.
pub fn nearest<'n>(text: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let wanted: Vec<char> = fold(text).chars().take(LONGEST_SPELLING).collect();
    let scored = names.into_iter().map(|name| {
        let letters: Vec<char> = fold(name).chars().take(LONGEST_SPELLING).collect();
        (changes(&wanted, &letters), letters.len().max(wanted.len()), name)
    });
    let (changes, letters, name) = scored.min_by_key(|(changes, ..)| *changes)?;
    // A swap of two letters is two changes, and even a short name may have one.
    (changes <= (letters / 3).max(2) && changes < letters).then_some(name)
}

/// The longest spelling that is compared, in letters.
const LONGEST_SPELLING: usize = 64;

/// How many letters must be put in, taken out or replaced to make one word the other (Levenshtein's distance).
fn changes(one: &[char], other: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (place, letter) in one.iter().enumerate() {
        let mut diagonal = place;
        let mut left = place + 1;
        for (above, second) in row.iter_mut().skip(1).zip(other) {
            let replaced = diagonal + usize::from(letter != second);
            diagonal = *above;
            left = replaced.min(left + 1).min(*above + 1);
            *above = left;
        }
        if let Some(first) = row.first_mut() {
            *first = place + 1;
        }
    }
    row.last().copied().unwrap_or(one.len())
}

/// Small letters without accents, words separated by one space: `Zürich` becomes `zurich`, `us-east-1` `us east 1`.
fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for letter in text.chars().flat_map(char::to_lowercase) {
        let plain = match letter {
            'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'ā' | 'ă' | 'ą' => "a",
            'æ' => "ae",
            'ç' | 'ć' | 'č' => "c",
            'ď' | 'ð' => "d",
            'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ė' | 'ę' | 'ě' => "e",
            'ğ' => "g",
            'ì' | 'í' | 'î' | 'ï' | 'ī' | 'ı' => "i",
            'ł' => "l",
            'ñ' | 'ń' | 'ň' => "n",
            'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' | 'ō' => "o",
            'œ' => "oe",
            'ř' => "r",
            'ś' | 'š' | 'ş' | 'ș' => "s",
            'ß' => "ss",
            'ţ' | 'ț' | 'ť' => "t",
            'þ' => "th",
            'ù' | 'ú' | 'û' | 'ü' | 'ū' | 'ů' => "u",
            'ý' | 'ÿ' => "y",
            'ź' | 'ż' | 'ž' => "z",
            // Left out, so that N’Djamena is found without its apostrophe and İ without its dot.
            '\'' | '’' | 'ʻ' | '.' | '\u{307}' => continue,
            other if other.is_alphanumeric() => {
                folded.push(other);
                continue;
            }
            _ => " ",
        };
        if plain != " " || !(folded.is_empty() || folded.ends_with(' ')) {
            folded.push_str(plain);
        }
    }
    folded.truncate(folded.trim_end().len());
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_and_a_far_one_is_not() {
        let names = ["batch", "sequence", "past_sequence"];
        assert_eq!(nearest("batc", names), Some("batch"));
        assert_eq!(nearest("bacth", names), Some("batch"));
        assert_eq!(nearest("Sequence_", names), Some("sequence"));
        assert_eq!(nearest("frames", names), None);
        assert_eq!(nearest("", names), None);
        assert_eq!(nearest("x", []), None);
        let letters = |text: &str| text.chars().collect::<Vec<_>>();
        assert_eq!(changes(&letters("kitten"), &letters("sitting")), 3);
        assert_eq!(changes(&letters(""), &letters("abc")), 3);
    }

    #[test]
    fn folding_leaves_single_spaces() {
        assert_eq!(fold("  Côte d'Ivoire -- (Abidjan) "), "cote divoire abidjan");
        assert_eq!(fold("İzmir"), "izmir");
        assert_eq!(fold("São Tomé and Príncipe"), "sao tome and principe");
    }

    #[test]
    fn ranks_go_from_id_to_words_anywhere() {
        let row = Names::new("h100-sxm", ["NVIDIA H100 SXM5 80 GB"], ["p5", "DGX H100"], ["gpu"]);
        for (text, rank) in [
            ("H100-SXM", Some(Rank::Id)),
            ("nvidia h100 sxm5 80 gb", Some(Rank::Name)),
            ("P5", Some(Rank::Alias)),
            ("NVIDIA H", Some(Rank::NamePrefix)),
            ("dgx", Some(Rank::AliasPrefix)),
            ("80 h100", Some(Rank::Words)),
            ("gpu h100", Some(Rank::AnyWords)),
            ("h100 tpu", None),
            ("", None),
            ("—", None),
        ] {
            assert_eq!(row.rank(&Query::new(text)), rank, "{text:?}");
        }
    }
}
