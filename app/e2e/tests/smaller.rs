//! What if it were smaller, and which lever first: a change is chosen like a person would, its figures and warnings follow,
//! and the link brings it back.

use e2e::{Options, Page};

fn ready(path: &str) -> Page {
    let page = Page::open(path);
    page.wait_for("#result .headline");
    page.wait_for("#layers tbody tr");
    page
}

#[test]
fn a_change_is_shown_apart_in_size_time_and_energy_and_travels_in_the_link() {
    let page = ready("");
    page.wait_for_text("#smaller", "Nothing is changed yet");
    page.set_value("#smaller-bits", "int4-weight-only");
    page.wait_for_text("#smaller-table", "Weights in memory");
    page.wait_for_text("#smaller-table", "13.3\u{a0}MB");
    page.wait_for("#what-stays-title");
    page.set_value("#smaller-group", "32");
    page.wait_for_text("#smaller-table", "14.8\u{a0}MB");
    page.click("#keep-last");
    page.set_value("#smaller-software", "graph");
    page.wait_for_text("#smaller-table", "Kernels of a pass");
    // The address follows after a pause.
    page.wait_for_true("the link has the change", "location.hash.includes('sw=graph')");
    let link = page.eval("location.hash").to_string();
    for part in ["q=int4-weight-only", "qg=32", "keep=last", "sw=graph"] {
        assert!(link.contains(part), "{link}");
    }
    let table = page.text("#smaller-table");
    let again = ready(link.trim_matches('"'));
    again.wait_for("#smaller-table");
    assert_eq!(again.text("#smaller-table"), table);
    again.click("#smaller button >> Undo the change");
    again.wait_for_text("#smaller", "Nothing is changed yet");
    again.wait_for_true("the link has no change", "!location.hash.includes('q=int4')");
    again.assert_no_errors();
    page.assert_no_errors();
}

#[test]
fn what_saves_nothing_is_said() {
    let page = ready("");
    page.set_value("#smaller-prune", "unstructured:0.9:bitmap");
    page.wait_for_text("#smaller", "multiply zeros");
    page.set_value("#smaller-prune", "");
    page.set_value("#smaller-bits", "fp8");
    page.wait_for_text("#smaller", "no units for FP8");
    page.assert_no_errors();
}

#[test]
fn levers_are_ranked_with_advice_and_a_table() {
    let page = ready("#do=serve&on=t4&n=1");
    page.wait_for_text("#levers .advice", "First");
    page.click("#levers details summary >> All levers");
    page.wait_for_text("#levers-table", "operators joined");
    page.assert_accessible();
    page.assert_no_errors();
}

#[test]
fn it_fits_a_phone_in_the_dark() {
    let page = Page::open_with("#q=int8&prune=2:4", &Options { dark: true, ..Options::phone() });
    page.wait_for("#smaller-table");
    let wider = page.eval("document.documentElement.scrollWidth > document.documentElement.clientWidth");
    assert_eq!(wider, false, "the page scrolls sideways");
    page.assert_accessible();
}
