//! The validation page: published figures beside estimates, to filter, save, and test with rows of one's own.

use e2e::{Options, Page, output_dir};
use std::fs;

/// Opens the page and waits until every row has been estimated.
fn ready(path: &str) -> Page {
    let page = Page::open(path);
    page.wait_for(".layer-table.rows tbody tr");
    page
}

fn rows(page: &Page) -> u64 {
    let rows = page.eval("Number(document.querySelector('.layer-table.rows table').getAttribute('aria-rowcount')) - 1");
    rows.as_u64().unwrap_or_default()
}

#[test]
fn every_row_is_estimated_with_progress_and_without_a_fault() {
    let page = ready("#/validation");
    let all = rows(&page);
    assert!(all > 500, "{all} rows");
    let status = page.text(".table-tools [role=status]");
    assert_eq!(status, format!("{all} rows"));
    page.wait_for_text("figure figcaption", "inside our range");
    let listed = page.eval("document.querySelectorAll('figure table tbody tr').length");
    assert_eq!(listed.as_u64(), Some(all), "the table beside the chart has every row");
    let linked = page.eval("[...document.querySelectorAll('.layer-table.rows tbody tr:not(.gap)')].every((row) => row.lastElementChild.textContent.length > 4)");
    assert_eq!(linked, true, "every row names its source");
    page.assert_accessible();
    page.assert_no_errors();
}

#[test]
fn rows_are_found_sorted_and_kept_in_the_address() {
    let page = ready("#/validation");
    let all = rows(&page);
    page.type_into("#validation-find", "llama");
    page.wait_for_true(
        "there are fewer",
        &format!("document.querySelector('.layer-table.rows table').getAttribute('aria-rowcount') < {all}"),
    );
    page.click(".layer-table.rows thead button >> Off by");
    page.wait_for("th[aria-sort=descending] >> Off by");
    page.wait_for_true(
        "the address follows",
        "location.hash.includes('find=llama') && location.hash.includes('sort=-factor')",
    );
    let few = rows(&page);
    let factors = "[...document.querySelectorAll('.layer-table.rows tbody tr:not(.gap) td:nth-child(7)')].map((cell) => parseFloat(cell.textContent.slice(2)))";
    let sorted = page.eval(&format!("{factors}.every((factor, at, all) => at === 0 || factor <= all[at - 1])"));
    assert_eq!(sorted, true);
    page.reload();
    page.wait_for(".layer-table.rows tbody tr");
    assert_eq!((rows(&page), page.value("#validation-find")), (few, "llama".to_owned()));
    page.type_into("#validation-find", "no such thing");
    page.wait_for_text(".table-empty", "No row matches");
    page.assert_accessible();
}

#[test]
fn only_those_outside_the_range_can_be_shown() {
    let page = ready("#/validation?outside=");
    let inside = page.eval("[...document.querySelectorAll('.layer-table.rows tbody tr:not(.gap) td:nth-child(8)')].filter((cell) => cell.textContent !== 'no').length");
    assert_eq!(inside, 0);
    assert!(rows(&page) > 0);
}

#[test]
fn all_rows_are_saved() {
    let page = ready("#/validation?what=energy");
    let (name, bytes) = page.download(|page| page.click("button >> Save as CSV"));
    let text = String::from_utf8(bytes).unwrap();
    assert_eq!(name, "greenprint-validation.csv");
    assert!(text.starts_with("id,quantity,compared,unit,published,low,central,high,error_factor"), "{text}");
    let (name, bytes) = page.download(|page| page.click("button >> Save as JSON"));
    let record: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(name, "greenprint-validation.json");
    assert_eq!(record["rows"].as_array().map(Vec::len), Some(text.lines().count() - 1));
}

#[test]
fn anyone_can_test_us_with_rows_of_their_own() {
    let dir = output_dir().join("validation");
    fs::create_dir_all(&dir).unwrap();
    let (good, bad) = (dir.join("own.csv"), dir.join("bad.csv"));
    fs::write(
        &good,
        "model,params_total_B,params_active_B,tokens_B,hardware,n_chips,chip_hours,energy_MWh,power_basis,pue,use\n\
         Ours <b>7B</b>,7,7,1000,A100-80GB SXM,512,80000,,,1.1,\nOn a toaster,7,7,1000,Toaster,1,1,,,1,\n",
    )
    .unwrap();
    fs::write(&bad, "a,b\n1,2\n").unwrap();
    let page = ready("#/validation");
    let all = rows(&page);
    page.drop_files("h1", &[&good]);
    page.wait_for_text("main", "These are the rows of own.csv");
    page.wait_for_text(".layer-table.rows tbody th", "Ours <b>7B</b>");
    assert_eq!(rows(&page), 1);
    page.click("summary >> 1 row was left out");
    page.wait_for_text(".left-out", "device is not in our table");
    page.assert_accessible();
    page.drop_files("h1", &[&bad]);
    page.wait_for_text("[role=alert]", "no layout that can be validated");
    page.assert_accessible();
    page.click("button >> Back to our tables");
    page.wait_for(".layer-table.rows tbody tr");
    assert_eq!(rows(&page), all);
    page.assert_no_errors();
}

#[test]
fn it_fits_a_phone_in_both_themes() {
    for dark in [false, true] {
        let page = Page::open_with("#/validation", &Options { dark, ..Options::phone() });
        page.wait_for(".layer-table.rows tbody tr");
        page.wait_for_true("nothing sticks out", "document.documentElement.scrollWidth <= innerWidth");
        page.assert_accessible();
    }
}
