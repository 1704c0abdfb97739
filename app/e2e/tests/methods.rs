//! The methods page: formulas, constants and their anchors, and the way to them from the estimate.

use e2e::Page;

#[test]
fn formulas_and_constants_are_there_and_can_be_searched() {
    let page = Page::open("#/methods");
    page.wait_for_text("#study h2", "Training");
    page.wait_for_text("#study pre", "dense peak");
    let all = page.count(".constants li");
    assert!(all > 40, "{all} constants");
    let linked = page.count(".constants li a[href^=http]");
    assert!(linked * 2 > all, "{linked} of {all} lead to their source");
    page.wait_for_text("#study", "Data version");
    page.type_into("#methods-find", "transmission loss");
    page.wait_for_true("few are left", "document.querySelectorAll('.constants li').length < 4");
    page.wait_for("#constant-transmission-loss");
    page.wait_for_true("the address follows", "location.hash.includes('find=transmission%20loss')");
    page.type_into("#methods-find", "xyzzy");
    page.wait_for_text("#study", "Nothing here has these words");
    page.assert_accessible();
    page.assert_no_errors();
}

#[test]
fn an_address_leads_to_a_constant() {
    let page = Page::open("#/methods?at=grid-water");
    page.wait_for_true("it has the focus", "document.activeElement.id === 'constant-grid-water'");
    page.wait_for_true(
        "it is in sight",
        "(() => { const at = document.querySelector('#constant-grid-water').getBoundingClientRect(); return at.top >= 0 && at.bottom <= innerHeight })()",
    );
}

#[test]
fn an_assumption_of_the_estimate_leads_to_its_constant_and_back() {
    let page = Page::open("");
    page.wait_for("#result .headline");
    page.click("summary >> Show and change the assumptions");
    page.click(".assumption-source a >> In the methods");
    page.wait_for_true("a constant has the focus", "document.activeElement.id.startsWith('constant-')");
    page.eval("history.back(); 0");
    page.wait_for(".assumption-list li");
}
