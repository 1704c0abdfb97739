//! The page of measured runs: logs that tools wrote go in, our estimate stands beside them, and assumptions come out.

use e2e::{Options, Page};
use std::path::{Path, PathBuf};

fn log(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../estimator/tests/data/logs").join(name)
}

fn estimate_is_ready(page: &Page) {
    page.wait_for("#result .headline");
    page.wait_for("#layers tbody tr");
}

#[test]
fn a_log_dropped_on_the_estimate_opens_beside_it_and_sets_its_assumptions() {
    let page = Page::open("#model=ds-cnn-kws");
    estimate_is_ready(&page);
    let (epochs, printed) =
        (log("carbontracker-2.4.7/run_carbontracker.log"), log("carbontracker-2.4.7/run_carbontracker_output.log"));
    page.drop_files("main", &[&epochs, &printed]);
    page.wait_for("#log-table tbody tr");
    assert!(page.url().contains("#/measured"), "{}", page.url());
    page.wait_for_text("#log-facts", "1.58");
    assert!(page.text("#log-differences").contains("PUE of 1.58"));
    page.assert_accessible();

    page.wait_for("#log-whole-table tbody tr");
    let before = page.text("#log-whole-table");
    page.set_value("#log-epochs", "400");
    page.wait_for_true(
        "another forecast",
        &format!("document.querySelector('#log-whole-table').innerText !== {before:?}"),
    );

    page.click("#log-use");
    page.wait_for_true("the estimate has them", "location.hash.includes('set.accelerator-watts=240')");
    let url = page.url();
    assert!(url.contains("on=a100-sxm4-40gb") && url.contains("set.pue=1.58"), "{url}");
    page.wait_for("#result .headline");
    page.assert_no_errors();
}

#[test]
fn logs_are_chosen_and_runs_too_and_what_is_no_log_says_so() {
    for (options, dark) in [(Options::default(), false), (Options::phone(), true)] {
        let page = Page::open_with("#/measured", &Options { dark, ..options });
        page.wait_for("#log-tools li");
        page.upload("#log-input", &[&log("by_hand/codecarbon_gpus.csv")]);
        page.wait_for_text("#log-facts", "RTX 3090");
        page.set_value("#log-run", "1");
        page.wait_for_text("#log-facts", "4 × NVIDIA A40; 1 × NVIDIA A100 80GB PCIe");
        // No model was opened in this tab.
        page.wait_for_text("main", "No model is known here yet");
        page.wait_for_true("nothing sticks out", "document.documentElement.scrollWidth <= innerWidth");
        page.assert_accessible();

        page.upload("#log-input", &[&log("README.md")]);
        page.wait_for_text("main [role=alert]", "no log of a measured run");
        page.assert_accessible();
        page.assert_no_errors();
    }
}

#[test]
fn kernels_of_a_profile_stand_beside_the_layers_of_the_model() {
    let page = Page::open("#model=ds-cnn-kws&on=epyc-9654&n=1&p=fp32");
    estimate_is_ready(&page);
    page.click("nav.pages a >> Measured");
    page.wait_for("#log-tools");
    page.upload("#log-input", &[&log("onnxruntime-1.22.1/ds_cnn_kws_plain.json")]);
    page.wait_for("#log-kernels tbody tr");
    page.wait_for_text("#log-kernels thead", "Roofline");
    assert!(page.text("#log-kernels tbody").contains("Conv"));
    page.assert_accessible();
    page.assert_no_errors();
}
