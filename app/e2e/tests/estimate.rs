//! The estimate: every input moves it, wrong input is named and stays, and it says what it rests on.

use e2e::{Options, Page};

fn ready(path: &str) -> Page {
    let page = Page::open(path);
    page.wait_for("#result .headline");
    page.wait_for("#layers tbody tr");
    page
}

/// Waits until the headline is another one.
fn headline_after(page: &Page, action: impl FnOnce(&Page)) -> String {
    let before = page.text("#result .headline");
    action(page);
    let quoted = serde_json::Value::from(before);
    page.wait_for_true(
        "the result moves",
        &format!("document.querySelector('#result .headline').innerText !== {quoted}"),
    );
    page.text("#result .headline")
}

#[test]
fn every_input_moves_the_result_without_a_button() {
    let page = ready("");
    for (field, value) in [("#samples", "2M"), ("#epochs", "10"), ("#batch", "32"), ("#count", "2")] {
        headline_after(&page, |page| page.type_into(field, value));
    }
    // The slider below a field: another place, another number.
    let before = page.value("#epochs");
    headline_after(&page, |page| page.set_value("[aria-label='Epochs, slider']", "900"));
    assert_ne!(page.value("#epochs"), before);
    headline_after(&page, |page| page.set_value("#precision", "fp32"));
    headline_after(&page, |page| page.set_value("#set-pue", "1.1"));
    page.assert_no_errors();
}

#[test]
fn the_result_follows_while_a_slider_moves() {
    let page = ready("");
    let mut seen = Vec::new();
    for position in ["100", "300", "500", "700", "900"] {
        page.eval(&format!(
            "(() => {{ const e = document.querySelector(\"[aria-label='Epochs, slider']\"); e.value = {position};\
             e.dispatchEvent(new Event('input', {{ bubbles: true }})); return true }})()"
        ));
        seen.push(page.eval("new Promise((done) => requestAnimationFrame(() => setTimeout(() => done(document.querySelector('#result .headline').innerText), 50)))").to_string());
    }
    seen.dedup();
    assert_eq!(seen.len(), 5, "{seen:?}");
}

#[test]
fn hardware_and_place_are_found_by_typing() {
    let page = ready("");
    page.click("#device");
    page.type_into("#device", "4090");
    page.wait_for_text("#device-list [role=option]", "4090");
    headline_after(&page, |page| page.click("#device-list [role=option] >> 4090"));
    page.wait_for_text("#result .headline", "4090");
    page.click("#region");
    page.type_into("#region", "norw");
    headline_after(&page, |page| page.click("#region-list [role=option] >> Norway"));
    assert_eq!(page.value("#region"), "Norway");
    page.click("#region");
    page.type_into("#region", "zzzz");
    page.wait_for_text(".combobox-none", "No such place");
    page.press("Escape");
    assert_eq!(page.value("#region"), "Norway");
    page.assert_no_errors();
}

#[test]
fn everything_can_be_done_with_the_keyboard() {
    let page = ready("");
    // From the top: the first thing the keyboard meets skips the rest.
    page.press("Tab");
    assert!(page.focused().contains("Skip"), "{}", page.focused());
    page.press("Enter");
    page.press("Tab");
    page.press("ArrowRight");
    page.wait_for_text("#result .headline", "Serving");
    page.press("ArrowLeft");
    page.wait_for_text("#result .headline", "Training");
    page.eval("document.querySelector('#device').focus()");
    page.press("ArrowDown");
    page.wait_for("#device-list [role=option]");
    page.press("ArrowDown");
    assert_eq!(page.eval("document.querySelector('#device').getAttribute('aria-activedescendant')"), "device-option-1");
    headline_after(&page, |page| page.press("Enter"));
    page.wait_for_none("#device-list [role=option]");
    page.eval("document.querySelector(\"#result button[aria-haspopup]\").focus()");
    page.press("Enter");
    page.wait_for("dialog#how .steps li");
    page.press("Escape");
    page.wait_for_none("dialog#how .steps li");
    assert!(page.focused().contains("How was this computed"), "{}", page.focused());
}

#[test]
fn input_that_makes_no_sense_is_named_and_stays() {
    let page = ready("");
    let before = page.text("#result .headline");
    for (typed, words) in [("many", "type a number"), ("-3", "between"), ("2.5", "whole number")] {
        page.type_into("#samples", typed);
        page.wait_for_text(".field-wrong", words);
        assert_eq!(page.value("#samples"), typed);
        assert_eq!(page.text("#result .headline"), before);
    }
    page.press("Tab");
    assert_eq!(page.value("#samples"), "2.5");
    page.type_into("#samples", "1.28M");
    page.wait_for_none(".field-wrong");
}

#[test]
fn it_says_how_it_was_computed_with_the_numbers_in_it() {
    let page = ready("#epochs=12");
    page.click("button >> How was this computed?");
    page.wait_for("dialog#how .steps li");
    let steps = page.text("dialog#how .steps");
    assert!(steps.contains("12") && steps.contains("kWh"), "{steps}");
    page.click("dialog#how button >> Close");
    page.wait_for_none("dialog#how .steps");
}

#[test]
fn assumptions_can_be_set_and_given_back() {
    let page = ready("");
    page.click("summary >> Show and change the assumptions");
    let before = page.text("#result .headline");
    headline_after(&page, |page| page.type_into("#assume-grid-intensity", "50"));
    page.wait_for_true("the address follows", "location.hash.includes('set.grid-intensity=50')");
    page.click("button >> Reset 1 changed assumption");
    page.wait_for_true(
        "the result is back",
        &format!("document.querySelector('#result .headline').innerText === {}", serde_json::Value::from(before)),
    );
}

#[test]
fn serving_shows_latency_and_what_one_request_costs() {
    let page = ready("");
    page.click("label >> Serve it");
    page.wait_for_text("#result", "Latency of a batch");
    page.wait_for_text("#result", "One request:");
    headline_after(&page, |page| page.type_into("#requests", "1G"));
    page.wait_for_text("#result", "Overloaded");
}

#[test]
fn a_language_model_is_described_by_its_size_and_served_by_tokens() {
    let page = ready("");
    page.click("button >> Describe a model");
    page.wait_for_text("#model h2", "your own description");
    page.type_into("#parameters", "70B");
    page.wait_for_text("#result .headline", "70B parameters");
    page.click("label >> Serve it");
    page.wait_for_text("#result", "Time to the first token");
    page.wait_for_text("#result", "Time between tokens");
    page.wait_for_text("#result", "One token of the answer");
    headline_after(&page, |page| page.type_into("#output", "1000"));
    headline_after(&page, |page| page.type_into("#prompt", "4000"));
    // A mixture of experts: its weights stay, its arithmetic shrinks.
    page.type_into("#active", "80B");
    page.wait_for_text(".field-wrong", "between");
    page.type_into("#active", "13B");
    page.wait_for_text("#result .headline", "13B of them active");
    page.wait_for_true("the address follows", "location.hash.includes('params=7e10&active=1.3e10')");
    page.click("label >> Train it");
    page.wait_for("#tokens");
    headline_after(&page, |page| page.type_into("#tokens", "15T"));
    page.assert_accessible();
    let headline = page.text("#result .headline");
    page.reload();
    page.wait_for("#result .headline");
    assert_eq!(page.text("#result .headline"), headline);
    page.click(".examples button >> BERT-base");
    page.wait_for_text("#model h2", "BERT-base");
    page.wait_for("#samples");
    page.wait_for_text("#result .headline", "epochs");
    page.assert_no_errors();
}

#[test]
fn what_stands_in_the_way_is_said_first_and_taken_away_with_a_click() {
    let page = Page::open("#params=405e9&do=serve&on=h100-sxm&n=1");
    page.wait_for_text("#result .notice", "does not fit");
    page.wait_for("#result .headline.doubtful");
    let first = page.eval("document.querySelector('#result').firstElementChild.className");
    assert_eq!(first, "notice error");
    page.assert_accessible();
    page.click("#result .notice button >> Use 10 devices");
    page.wait_for_none("#result .notice");
    page.wait_for_none("#result .headline.doubtful");
    assert_eq!(page.value("#count"), "10");
    page.assert_no_errors();
}

#[test]
fn work_starts_as_is_usual_for_the_model_until_it_is_chosen() {
    let page = ready("");
    page.wait_for_text("#estimate", "To start with");
    page.click(".examples button >> BERT-base");
    page.wait_for_true("another set of samples", "document.querySelector('#samples')?.value === '392,702'");
    page.type_into("#samples", "5000");
    page.wait_for_true(
        "no word of a start",
        "!document.querySelector('#estimate').innerText.includes('To start with')",
    );
    page.click(".examples button >> ResNet-50");
    page.wait_for_text("#model h2", "ResNet-50");
    page.wait_for("#layers tbody tr");
    assert_eq!(page.value("#samples"), "5,000");
    page.click("label >> Serve it");
    page.wait_for_text("#result .headline", "on one NVIDIA A100");
    assert_ne!(page.value("#requests"), "0");
}

#[test]
fn layers_are_gathered_by_the_parts_of_the_model() {
    let page = ready("");
    page.click("#layers label >> By part");
    page.wait_for_text("#layers tbody .group", "layer1");
    page.click("#inside label >> By part");
    page.click("#inside summary >> The same as a table");
    page.wait_for_text("#inside table", "layer3");
}

#[test]
fn the_roofline_follows_the_batch_of_the_job() {
    let page = ready("#do=serve");
    page.wait_for_text("#inside", "batch of 1 on each device");
    page.type_into("#batch", "64");
    page.wait_for_text("#inside", "batch of 64 on each device");
}

#[test]
fn the_names_of_layers_stay_while_the_numbers_are_looked_through() {
    let page = Page::open_with("", &Options::phone());
    page.wait_for("#layers tbody tr");
    page.eval("document.querySelector('.layer-table').scrollLeft = 400");
    page.wait_for_true(
        "the name is at the left edge",
        "(() => { const table = document.querySelector('.layer-table').getBoundingClientRect().left;\
          const name = document.querySelector('#layers tbody th').getBoundingClientRect().left; return Math.abs(name - table) < 3 })()",
    );
}

#[test]
fn the_table_of_layers_is_sorted_filtered_and_grouped() {
    let page = ready("");
    let first = "document.querySelector('#layers tbody tr:not(.gap) th').innerText";
    let before = page.eval(first);
    page.click("#layers thead button >> MACs");
    page.wait_for_true("largest first", &format!("{first} !== {before}"));
    assert_eq!(
        page.eval("document.querySelector('#layers th[aria-sort=descending]').innerText.includes('MACs')"),
        true
    );
    page.type_into("#layer-filter", "gemm");
    page.wait_for_text("#layers [role=status]", "1 of");
    page.type_into("#layer-filter", "zzz");
    page.wait_for_text(".table-empty", "No layer matches");
    page.type_into("#layer-filter", "");
    page.click("#layers label >> By operator");
    page.wait_for_text("#layers tbody .group", "Conv");
    page.click("#layers .group-button >> Conv");
    page.wait_for("#layers tbody tr:not(.group):not(.gap)");
    page.assert_no_errors();
}

#[test]
fn each_chart_has_a_sentence_and_a_table() {
    let page = ready("");
    assert!(page.count("figure.chart") >= 3);
    page.click("#changes summary >> The same as a table");
    page.wait_for_text("#changes table", "Norway");
    page.click("#inside summary >> The same as a table");
    page.wait_for_text("#inside table", "Conv");
    let unnamed = page.eval("[...document.querySelectorAll('canvas')].filter((c) => (c.getAttribute('aria-label') || '').length < 20).length");
    assert_eq!(unnamed, 0);
    page.click("#inside label >> By layer");
    page.click("#inside label >> Parameters");
    page.wait_for_text("#inside h3", "Where the parameters are");
}

#[test]
fn it_prints_without_its_controls() {
    let page = Page::open_with("", &Options::default());
    page.wait_for("#result .headline");
    page.print_media(true);
    page.wait_for_none("button >> Open a file…");
    page.wait_for("#result .headline");
}

/// How many pages a PDF has.
fn pages(pdf: &[u8]) -> usize {
    let text = String::from_utf8_lossy(pdf);
    text.matches("/Type /Page\n").count() + text.matches("/Type /Page ").count()
}

#[test]
fn it_prints_a_report_of_two_pages_in_light_colours_with_its_charts_and_assumptions() {
    let page = Page::open_with("#epochs=12", &Options { dark: true, ..Options::default() });
    page.wait_for("#result .headline");
    page.wait_for("#layers tbody tr");
    // It listens after the page does, and so sees what stands ready when the page is laid out for paper.
    page.eval(
        // Panels of questions that a reader asks on the screen are left out on paper.
        "addEventListener('beforeprint', () => {
            window.onPaper = [...document.querySelectorAll('.printed svg')].filter((svg) => !svg.closest('#levers, #smaller')).length
        })",
    );
    let pdf = page.print();
    assert!(pdf.starts_with(b"%PDF"));
    assert_eq!(pages(&pdf), 2);
    // What the page drew for the paper, and what it put away again.
    assert_eq!(page.eval("window.onPaper"), 3);
    page.wait_for_true("the screen is as before", "document.querySelectorAll('.printed svg').length === 0");
    page.print_media(true);
    page.wait_for_text("#assumptions", "Carbon intensity");
    page.wait_for_text(".on-paper", "epochs=12");
    page.wait_for_true("it is light", "getComputedStyle(document.body).color === 'rgb(0, 0, 0)'");
    page.wait_for_none("#layers table");
    page.print_media(false);
    page.wait_for("#layers table");
    page.assert_no_errors();
}

/// Keeps what the page would save as a file.
const SAVED: &str = "window.saved = {}; const made = URL.createObjectURL.bind(URL);
    URL.createObjectURL = (blob) => { window.last = blob.text(); return made(blob); };
    HTMLAnchorElement.prototype.click = function () { window.saved[this.download] = window.last; };";

/// What the page saves when a button is pressed.
fn saved(page: &Page, button: &str, file: &str) -> serde_json::Value {
    page.click(button);
    let text = page.eval(&format!("window.saved['{file}']"));
    serde_json::from_str(text.as_str().unwrap_or_default()).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// What the command line prints for the same.
fn printed(arguments: &[&str]) -> serde_json::Value {
    let program = std::env::var("GREENPRINT_CLI").expect("cargo xtask test says where the program is");
    let output = std::process::Command::new(program).args(arguments).arg("--json").output().expect("it starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("it prints JSON")
}

/// The beginning of a value: a list of layers fills screens.
fn clipped(value: &serde_json::Value) -> String {
    value.to_string().chars().take(300).collect()
}

#[test]
fn the_command_line_prints_the_same_to_the_last_digit() {
    let folder = xtask::tools::root().join("examples/models");
    let file = |name: &str| folder.join(name).display().to_string();
    let options = Options { before: SAVED.to_owned(), ..Options::default() };
    for (link, model, dims, job) in [
        (
            "#model=resnet50&epochs=12&n=4&on=v100-sxm2-16gb&at=fr",
            file("resnet50.onnx"),
            &["--dim", "batch=1"][..],
            &[
                "train",
                "--samples",
                "1281167",
                "--epochs",
                "12",
                "--batch",
                "256",
                "--device",
                "v100-sxm2-16gb",
                "--count",
                "4",
                "--region",
                "fr",
            ][..],
        ),
        (
            "#do=serve&model=bert-base&dim.sequence=384&on=t4&n=1&p=fp16&batch=8&rpd=250000&at=pl",
            file("bert_base.onnx"),
            &["--dim", "batch=1", "--dim", "sequence=384"],
            &[
                "infer",
                "--device",
                "t4",
                "--count",
                "1",
                "--precision",
                "fp16",
                "--batch",
                "8",
                "--requests-per-day",
                "250000",
                "--region",
                "pl",
            ],
        ),
    ] {
        let page = Page::open_with(link, &options);
        page.wait_for("#result .headline");
        page.wait_for("#layers tbody tr");
        let here = saved(&page, "#result button >> Save as JSON", "greenprint-estimate.json");
        let there = printed(&[job, &["--model", &model], dims].concat());
        for part in [
            "flops",
            "hours",
            "energy_kwh",
            "energy_parts_kwh",
            "co2e_kg",
            "embodied_kg",
            "water_l",
            "cost_usd",
            "assumptions",
            "sensitivity",
        ] {
            assert_eq!(here[part], there[part], "{part} of {link}");
        }
        page.eval("document.querySelector('#model details.about').open = true");
        let here = saved(&page, "#model button >> Save the counts", "greenprint-model.json");
        let there = printed(&[&["inspect", &model], dims].concat());
        let names =
            |record: &serde_json::Value| record.as_object().map(|fields| fields.keys().cloned().collect::<Vec<_>>());
        assert_eq!(names(&here), names(&there));
        // The one difference allowed: a page reads a file in pieces of another size.
        for part in names(&here).unwrap_or_default().iter().filter(|name| *name != "bytes_read") {
            assert!(
                here[part] == there[part],
                "{part} of {link}: {} and {}",
                clipped(&here[part]),
                clipped(&there[part])
            );
        }
    }
}
