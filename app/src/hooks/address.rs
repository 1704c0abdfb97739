//! Which page the address means, followed; and its state, written a moment after the last change.

use super::fragment::{PAUSE_MS, current, replace};
use crate::route::{Address, Query, Route};
use gloo::events::EventListener;
use gloo::timers::callback::Timeout;
use yew::prelude::*;

/// The address now and whenever it changes.
#[hook]
pub fn use_address() -> Address {
    let address = use_state(|| Address::parse(&current()));
    {
        let address = address.clone();
        use_effect_with((), move |()| {
            let listener = EventListener::new(&gloo::utils::window(), "hashchange", move |_| {
                let now = current();
                if !is_part(&now) {
                    address.set(Address::parse(&now));
                }
            });
            move || drop(listener)
        });
    }
    (*address).clone()
}

/// Whether a fragment is a jump to a part of what is shown.
pub(super) fn is_part(fragment: &str) -> bool {
    !fragment.is_empty() && gloo::utils::document().get_element_by_id(fragment).is_some()
}

/// The state of a page in its address, and how to change it: a key with its value, or with none to take it out.
/// No entry of the history is made: the way back leads to the page before.
#[hook]
pub fn use_query(route: Route, address: &Address) -> (Query, Callback<(&'static str, Option<String>)>) {
    let query = use_state(|| address.query.clone());
    let timer = use_mut_ref(|| None::<Timeout>);
    // The newest state, for changes that come before the next drawing.
    let newest = use_mut_ref(Query::new);
    {
        let (query, newest) = (query.clone(), newest.clone());
        use_effect_with((route, address.clone()), move |(route, address)| {
            if address.route == Some(*route) {
                newest.borrow_mut().clone_from(&address.query);
                query.set(address.query.clone());
            }
        });
    }
    let change = {
        let query = query.clone();
        use_callback(route, move |(key, value): (&'static str, Option<String>), route| {
            match value {
                Some(value) => newest.borrow_mut().insert(key.to_owned(), value),
                None => newest.borrow_mut().remove(key),
            };
            let state = newest.borrow().clone();
            query.set(state.clone());
            let route = *route;
            *timer.borrow_mut() = Some(Timeout::new(PAUSE_MS, move || {
                // The reader may have gone on.
                if Address::parse(&current()).route == Some(route) {
                    replace(&Address::fragment(route, &state));
                }
            }));
        })
    };
    ((*query).clone(), change)
}
