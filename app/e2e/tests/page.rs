//! The page as it opens: it renders, its worker answers, nothing goes wrong, anyone can use it.

use e2e::{Options, Page};

#[test]
fn the_page_renders_and_its_worker_answers() {
    let page = Page::open("");
    page.wait_for_text("h1", "Greenprint");
    page.wait_for_text("[role=status]", "ready");
    page.assert_no_errors();
}

#[test]
fn nothing_serious_for_axe_in_any_theme_or_width() {
    for (options, dark) in
        [(Options::default(), false), (Options::default(), true), (Options::phone(), false), (Options::phone(), true)]
    {
        let page = Page::open_with("", &Options { dark, ..options });
        page.wait_for("h1");
        page.assert_accessible();
    }
}

#[test]
fn nothing_is_asked_of_any_other_server() {
    let page = Page::open("");
    page.wait_for_text("[role=status]", "ready");
    let own = page.server().url("");
    let elsewhere: Vec<_> = page.requests();
    assert!(elsewhere.iter().any(|url| url.ends_with("_bg.wasm")), "{elsewhere:?}");
    assert!(elsewhere.iter().all(|url| url.starts_with(&own)), "{elsewhere:?}");
}
