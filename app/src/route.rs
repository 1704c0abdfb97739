//! Which page an address means: `#/name?key=value` is the page of that name in that state, any other fragment is a scenario
//! of the estimate page.

use crate::text;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::collections::BTreeMap;

/// A page. To add one, see "How to add a page" in ARCHITECTURE.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// What a model costs; its address is a scenario.
    Estimate,
    /// What was measured, beside the estimate.
    Measured,
    /// Estimates beside what was published.
    Validation,
    /// When and where a job emits least.
    Schedule,
    /// What a budget trains.
    Plan,
    /// Formulas, constants and limits.
    Methods,
}

impl Route {
    /// All pages, in the order of the navigation.
    pub const ALL: [Route; 6] =
        [Route::Estimate, Route::Schedule, Route::Plan, Route::Measured, Route::Validation, Route::Methods];

    /// Its name in addresses.
    pub fn slug(self) -> &'static str {
        match self {
            Route::Estimate => "",
            Route::Measured => "measured",
            Route::Validation => "validation",
            Route::Schedule => "schedule",
            Route::Plan => "plan",
            Route::Methods => "methods",
        }
    }

    /// Its name in the navigation and in the window's title.
    pub fn name(self) -> &'static str {
        match self {
            Route::Estimate => text::estimate::NAME,
            Route::Measured => text::measured::NAME,
            Route::Validation => text::validation::NAME,
            Route::Schedule => text::schedule::NAME,
            Route::Plan => text::plan::NAME,
            Route::Methods => text::methods::NAME,
        }
    }
}

/// What stands behind the `?` of a page's address.
pub type Query = BTreeMap<String, String>;

/// An address of the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The page; `None` for a name that no page has.
    pub route: Option<Route>,
    /// The state of a page other than the estimate.
    pub query: Query,
}

/// Letters that a query may hold as they are.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b',').remove(b'/');

/// A word as it stands in an address.
fn decoded(word: &str) -> String {
    percent_decode_str(&word.replace('+', " ")).decode_utf8_lossy().into_owned()
}

impl Address {
    /// Reads a fragment, without its `#`. Pairs without a value are kept with an empty one.
    pub fn parse(fragment: &str) -> Self {
        let Some(path) = fragment.strip_prefix('/') else {
            return Self { route: Some(Route::Estimate), query: Query::new() };
        };
        let (name, query) = path.split_once('?').unwrap_or((path, ""));
        let name = name.trim_end_matches('/');
        let route = Route::ALL.into_iter().find(|route| route.slug() == name);
        let pairs =
            query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        Self { route, query: pairs.map(|(key, value)| (decoded(key), decoded(value))).collect() }
    }

    /// The fragment, without its `#`, of a page other than the estimate.
    pub fn fragment(route: Route, query: &Query) -> String {
        let encoded = |word: &str| utf8_percent_encode(word, KEPT).to_string();
        let pairs: Vec<String> =
            query.iter().map(|(key, value)| format!("{}={}", encoded(key), encoded(value))).collect();
        let mark = if pairs.is_empty() { "" } else { "?" };
        format!("/{}{mark}{}", route.slug(), pairs.join("&"))
    }

    /// Whether a fragment means a page other than the estimate.
    pub fn is_page(fragment: &str) -> bool {
        fragment.starts_with('/')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(pairs: &[(&str, &str)]) -> Query {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn any_fragment_without_a_slash_is_a_scenario() {
        for fragment in ["", "model=resnet50&epochs=3", "layers", "%%%", "?a=b"] {
            assert_eq!(
                Address::parse(fragment),
                Address { route: Some(Route::Estimate), query: Query::new() },
                "{fragment}"
            );
            assert!(!Address::is_page(fragment));
        }
    }

    #[test]
    fn every_page_is_found_by_its_name_and_the_estimate_by_a_lone_slash() {
        for route in Route::ALL {
            let fragment = Address::fragment(route, &Query::new());
            assert_eq!(Address::parse(&fragment).route, Some(route), "{fragment}");
        }
        assert_eq!(Address::parse("/validation/").route, Some(Route::Validation));
        assert_eq!(Address::parse("/no-such-page?x=1").route, None);
    }

    #[test]
    fn a_state_comes_back_from_its_address() {
        let state = query(&[("find", "H100 & “B200” 50 % + more=x"), ("sort", "error_factor"), ("empty", "")]);
        let fragment = Address::fragment(Route::Validation, &state);
        assert_eq!(Address::parse(&fragment), Address { route: Some(Route::Validation), query: state });
        assert_eq!(Address::parse("/methods?find=grid+mix").query, query(&[("find", "grid mix")]));
        assert_eq!(Address::parse("/methods?a&&b=%E2%82").query, query(&[("a", ""), ("b", "\u{fffd}")]));
    }
}
