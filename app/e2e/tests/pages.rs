//! The frame around the pages: addresses, navigation, what is kept on the way, and what happens when a page does not come.

use e2e::{Options, Page};

/// The pages other than the estimate, by their names in addresses.
const PAGES: [&str; 5] = ["measured", "validation", "schedule", "plan", "methods"];

/// Opens a page of the second module and waits for its heading.
fn at(path: &str, options: &Options) -> Page {
    let page = Page::open_with(path, options);
    page.wait_for("#study h1");
    page
}

fn estimate_is_ready(page: &Page) {
    page.wait_for("#result .headline");
    page.wait_for("#layers tbody tr");
}

#[test]
fn every_page_opens_by_its_address_in_both_themes_on_both_widths() {
    for name in PAGES {
        for (options, dark) in [
            (Options::default(), false),
            (Options::default(), true),
            (Options::phone(), false),
            (Options::phone(), true),
        ] {
            let page = at(&format!("#/{name}"), &Options { dark, ..options });
            assert_eq!(page.count("h1"), 1, "{name}");
            assert_eq!(page.count("main"), 1, "{name}");
            page.wait_for_true("the title names it", "document.title.endsWith('– Greenprint')");
            page.wait_for_true("nothing sticks out", "document.documentElement.scrollWidth <= innerWidth");
            page.assert_accessible();
            page.assert_no_errors();
        }
    }
}

#[test]
fn a_page_that_was_not_asked_for_is_not_fetched() {
    let page = Page::open("");
    estimate_is_ready(&page);
    assert!(page.requests().iter().all(|url| !url.contains("study")), "{:?}", page.requests());
    page.click("nav.pages a >> Methods");
    page.wait_for("#study h1");
    assert!(page.requests().iter().any(|url| url.contains("study_bg.wasm?build=")), "{:?}", page.requests());
}

#[test]
fn an_address_opens_a_page_without_reading_a_model() {
    let page = at("#/methods", &Options::default());
    assert!(page.requests().iter().all(|url| !url.contains("/models/")), "{:?}", page.requests());
    page.click("nav.pages a >> Estimate");
    estimate_is_ready(&page);
}

#[test]
fn going_to_a_page_and_back_keeps_what_was_set_and_where_one_was() {
    let page = Page::open("#model=mobilenet-v3-large");
    estimate_is_ready(&page);
    page.set_value("#epochs", "7");
    page.wait_for_true("the address follows", "location.hash.includes('epochs=7')");
    page.eval("document.querySelector('#layers').scrollIntoView({ behavior: 'instant' }); 0");
    let (requests, place) = (page.requests().len(), page.eval("scrollY"));
    // A click would scroll to the navigation first.
    page.eval("location.hash = '#/validation'; 0");
    page.wait_for_text("#study h1", "right");
    page.wait_for_true("the title changes", "document.title.startsWith('Validation')");
    page.wait_for_true("the heading has the focus", "document.activeElement === document.querySelector('#study h1')");
    assert_eq!(page.count("#model"), 0, "out of sight");
    assert_eq!(page.eval("document.querySelector('nav.pages [aria-current=page]').textContent"), "Validation");
    page.eval("history.back(); 0");
    estimate_is_ready(&page);
    page.wait_for_true("the place is kept", &format!("Math.abs(scrollY - {place}) < 2"));
    assert_eq!(page.value("#epochs"), "7");
    page.wait_for_true("the link too", "location.hash.includes('epochs=7')");
    let models = page.requests().into_iter().skip(requests).filter(|url| url.contains("/models/")).count();
    assert_eq!(models, 0, "the model was not read again");
    page.eval("history.forward(); 0");
    page.wait_for_text("#study h1", "right");
    page.click("nav.pages a >> Estimate");
    estimate_is_ready(&page);
    assert_eq!(page.value("#epochs"), "7");
    page.assert_no_errors();
}

#[test]
fn a_page_that_is_reloaded_still_knows_the_scenario() {
    let page = Page::open("#model=mobilenet-v3-large&epochs=7");
    estimate_is_ready(&page);
    page.click("nav.pages a >> Methods");
    page.wait_for("#study h1");
    page.reload();
    page.wait_for("#study h1");
    page.click("nav.pages a >> Estimate");
    estimate_is_ready(&page);
    page.wait_for_text("#model h2", "MobileNetV3");
    assert_eq!(page.value("#epochs"), "7");
}

#[test]
fn the_theme_changes_on_every_page() {
    let page = at("#/methods", &Options::default());
    page.click("button >> Use dark colours");
    page.wait_for_true("it is dark", "document.documentElement.dataset.theme === 'dark'");
    page.click("nav.pages a >> Validation");
    page.wait_for_text("#study h1", "right");
    page.wait_for_true("it stays dark", "document.documentElement.dataset.theme === 'dark'");
    page.click("button >> Use light colours");
    page.wait_for_true("it is light", "document.documentElement.dataset.theme === 'light'");
}

#[test]
fn an_address_of_no_page_says_so_and_lists_the_pages() {
    let page = Page::open("#/no-such-page?x=1");
    page.wait_for_text("h1", "no such page");
    page.click("main a >> Methods");
    page.wait_for("#study h1");
    page.assert_no_errors();
}

#[test]
fn a_phone_has_the_pages_behind_a_button() {
    let page = at("#/methods", &Options::phone());
    assert_eq!(page.count("nav.pages a"), 0);
    page.click("nav.pages button");
    assert_eq!(page.count("nav.pages a"), 1 + PAGES.len());
    page.press("Escape");
    page.wait_for_none("nav.pages a");
    assert!(page.focused().starts_with("button"), "{}", page.focused());
    page.press("Enter");
    page.wait_for("nav.pages a");
    page.assert_accessible();
    page.press("Tab");
    assert!(page.focused().contains("Estimate"), "{}", page.focused());
    page.click("nav.pages a >> Validation");
    page.wait_for_text("#study h1", "right");
    page.wait_for_none("nav.pages a");
}

#[test]
fn a_page_that_does_not_come_says_so_and_can_be_asked_for_again() {
    let page = Page::open("");
    estimate_is_ready(&page);
    page.offline(true);
    page.click("nav.pages a >> Methods");
    page.wait_for_text("main [role=alert]", "offline");
    page.assert_accessible();
    page.offline(false);
    page.click("button >> Try again");
    page.wait_for_text("#study h1", "rest on");
    page.click("nav.pages a >> Estimate");
    estimate_is_ready(&page);
}
