//! When and where a job runs, and what a budget trains: the pages of hours and of plans, used as a person would.

use e2e::{Options, Page, Server, output_dir};
use std::fs;
use std::path::PathBuf;

fn at(path: &str, options: &Options) -> Page {
    let page = Page::open_with(path, options);
    page.wait_for("#study h1");
    page
}

/// A day in the current layout of Electricity Maps, cheap in the hours given.
fn day(zone: &str, cheap: std::ops::Range<u32>, high: u32) -> PathBuf {
    let mut text = "Datetime (UTC),Country,Zone name,Zone id,Carbon intensity gCO₂eq/kWh (direct),Carbon intensity gCO₂eq/kWh (Life cycle),Carbon-free energy percentage (CFE%),Renewable energy percentage (RE%),Data source,Data estimated,Data estimation method\n".to_owned();
    for hour in 0..24 {
        let value = if cheap.contains(&hour) { 50 } else { high };
        text.push_str(&format!(
            "2024-06-01 {hour:02}:00:00,{zone},{zone},{zone},{},{value},50,50,x,False,\n",
            value / 2
        ));
    }
    let file = output_dir().join(format!("{zone}.csv"));
    fs::create_dir_all(output_dir()).expect("a folder");
    fs::write(&file, text).expect("a file");
    file
}

#[test]
fn a_file_becomes_the_best_hours() {
    let page = at("#/schedule", &Options::default());
    page.wait_for_text("#study [role=status]", "No series yet");
    page.upload("#series-input", &[&day("AA", 10..14, 400)]);
    page.wait_for_text("#study .facts", "AA: average, lifecycle");
    page.type_into("#job-hours", "4");
    page.type_into("#job-kw", "10");
    page.wait_for_text("#study .headline", "start at 2024-06-01 10:00");
    page.wait_for_text("#study .headline", "2 kg instead of 16 kg");
    page.wait_for_text("#study .figures", "10 hours");
    page.wait_for_true("the state is in the address", "location.hash.includes('hours=4')");
    // The chart has its numbers as a table.
    page.click("#study figure summary");
    page.wait_for_text("#study figure table", "Chosen hours");
    // Done within eight hours: nothing is cheap by then.
    page.type_into("#job-within", "8");
    page.wait_for_text("#study .headline", "16 kg");
    page.type_into("#job-within", "0");
    page.type_into("#job-hours", "6");
    page.click("label >> Anywhere");
    page.wait_for_text("#study .headline", "10 kg");
    page.click("label >> Direct");
    page.wait_for_text("#study .facts", "AA: average, direct");
    page.assert_accessible();
    page.assert_no_errors();
}

#[test]
fn places_are_compared_and_faults_are_told() {
    let page = at("#/schedule", &Options { dark: true, ..Options::phone() });
    page.upload("#series-input", &[&day("AA", 10..14, 400), &day("BB", 2..20, 300)]);
    page.wait_for_text("#places", "BB");
    let words = output_dir().join("words.csv");
    fs::write(&words, "these,are\nwords,only\n").expect("a file");
    page.upload("#series-input", &[&words]);
    page.wait_for_text("[role=alert]", "no layout that is known");
    page.assert_accessible();
    page.click("[role=alert] button >> Dismiss");
    page.wait_for_none("[role=alert]");
    page.type_into("#job-hours", "500");
    page.wait_for_text("#study .notice", "500 hours");
    page.wait_for_true("nothing sticks out", "document.documentElement.scrollWidth <= innerWidth");
    page.type_into("#job-from", "soon");
    page.wait_for_text("#job-from-below", "This is no time");
    page.click("button >> Clear");
    page.wait_for_text("#study [role=status]", "No series yet");
    page.assert_no_errors();
}

#[test]
fn great_britain_is_asked_and_being_offline_is_said() {
    let folder = output_dir().join("grid");
    fs::create_dir_all(&folder).expect("a folder");
    let entries: Vec<String> = (0..96)
        .map(|half| {
            let (day, hour, minute) = (20 + half / 48, half % 48 / 2, half % 2 * 30);
            format!(
                r#"{{"from": "2018-01-{day}T{hour:02}:{minute:02}Z", "to": "", "intensity": {{"forecast": {}, "actual": null, "index": "low"}}}}"#,
                if (20..24).contains(&half) { 60 } else { 240 }
            )
        })
        .collect();
    fs::write(folder.join("gb.json"), format!(r#"{{"data": [{}]}}"#, entries.join(","))).expect("an answer");
    let service = Server::start(&folder, 0).expect("a service");
    let page = at("#/schedule?hours=2&kw=1", &Options::default());
    let tag = "document.querySelector(\"meta[name='carbon-intensity-gb']\")";
    assert!(
        page.eval(&format!("{tag}.content"))
            .as_str()
            .is_some_and(|url| url.starts_with("https://api.carbonintensity.org.uk/"))
    );
    page.eval(&format!("{tag}.content = '{}'; 0", service.url("none.json")));
    page.click("button >> Ask Great Britain");
    page.wait_for_text("[role=alert]", "did not answer");
    page.eval(&format!("{tag}.content = '{}'; 0", service.url("gb.json")));
    page.click("button >> Ask Great Britain");
    page.wait_for_text("#study .headline", "start at 2018-01-20 10:00");
    page.wait_for_text("#study .facts", "Great Britain: average, direct");
    page.offline(true);
    page.click("button >> Ask Great Britain");
    page.wait_for_text("[role=alert]", "offline");
    page.offline(false);
    page.assert_accessible();
}

#[test]
fn the_example_says_that_it_is_made_up() {
    let page = at("#/schedule", &Options::default());
    page.click("button >> made-up example");
    page.wait_for_text("#study .headline", "made up");
    page.wait_for("#study canvas");
    page.assert_no_errors();
}

#[test]
fn a_budget_becomes_a_model_and_a_life() {
    let page = at("#/plan?on=h100-sxm&n=64&at=fr", &Options::default());
    page.wait_for_text("#study .headline", "100,000 kWh train about");
    page.wait_for_text("#lifetime", "less energy over its life");
    let before = page.text("#study .headline");
    page.type_into("#budget", "1M");
    page.wait_for_text("#study .headline", "1,000,000 kWh");
    assert_ne!(page.text("#study .headline"), before);
    page.wait_for_true("the state is in the address", "location.hash.includes('budget=')");
    page.click("label >> Device-hours");
    page.wait_for_text("#study .headline", "device-hours");
    page.type_into("#served", "0");
    page.wait_for_none("#lifetime");
    page.click("#study figure summary");
    page.wait_for_text("#study figure table", "FLOPs");
    page.type_into("#plan-count", "0");
    page.wait_for_text("[role=alert]", "1");
    page.assert_accessible();
    page.assert_no_errors();
}

#[test]
fn a_smaller_model_is_paid_back_or_never() {
    let page = at("#/plan?on=h100-sxm&n=64&at=fr", &Options::phone());
    page.wait_for_text("#break-even tbody", "requests");
    page.type_into("#swap-after", "140G");
    page.type_into("#swap-devices-after", "8");
    page.wait_for_text("#break-even tbody", "never");
    page.wait_for_text("#break-even .facts", "never paid back");
    page.wait_for_true("nothing sticks out", "document.documentElement.scrollWidth <= innerWidth");
    page.assert_accessible();
    page.assert_no_errors();
}

#[test]
fn the_estimate_shows_accounts_years_and_prices() {
    let page = Page::open("#params=7e9&tokens=1e11&at=de");
    page.wait_for("#result .headline");
    page.click("#accounting summary");
    page.wait_for_text("#accounting", "By market (direct, 2024)");
    page.wait_for_text("#accounting", "By location (direct, 2024)");
    page.wait_for_text("#accounting", "does not undo an emission");
    let before = page.text("#result .headline");
    page.set_value("#grid-year", "2022 direct");
    page.wait_for_true("the year is in the link", "location.hash.includes('year=2022')");
    page.wait_for_text("#accounting", "By location (direct, 2022)");
    assert_ne!(page.text("#result .headline"), before);
    page.click("summary >> Prices");
    page.set_value("#set-electricity-price", "0.5");
    page.wait_for_true("the price is in the link", "location.hash.includes('set.electricity-price=0.5')");
    page.assert_accessible();
    page.assert_no_errors();
}
