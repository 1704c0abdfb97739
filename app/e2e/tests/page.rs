//! The page as it opens and as a whole: its example, its link, its themes, and that anyone can use it.

use e2e::{Options, Page};

/// Opens a page and waits until its model has been read.
fn ready(path: &str, options: &Options) -> Page {
    let page = Page::open_with(path, options);
    page.wait_for("#result .headline");
    page.wait_for("#layers tbody tr");
    page
}

/// A clipboard that keeps what is copied: the real one wants a permission that nobody can give here.
const CLIPBOARD: &str = "Object.defineProperty(navigator, 'clipboard', { value: { writeText: (text) => { window.copied = text; return Promise.resolve(); } } });";

#[test]
fn it_opens_with_a_filled_in_example() {
    let page = ready("", &Options::default());
    page.wait_for_text("h1", "What a model costs");
    page.wait_for_text("#model h2", "ResNet-50");
    let exact = page.eval("[...document.querySelectorAll('#model .exactly')].map((e) => e.textContent)").to_string();
    assert!(exact.contains("4,089,184,256 MACs") && exact.contains("8,178,368,512 FLOPs"), "{exact}");
    page.wait_for_text("#result .headline", "Training ResNet-50");
    assert_eq!(page.count("h1"), 1);
    page.assert_no_errors();
}

#[test]
fn the_exact_value_shows_on_focus() {
    let page = ready("", &Options::default());
    assert_eq!(page.count("#model .exactly"), 0, "hidden until asked for");
    page.eval("document.querySelector('#model .exact').focus()");
    page.wait_for("#model .exactly");
}

#[test]
fn nothing_is_asked_of_any_other_server() {
    let page = ready("", &Options::default());
    let own = page.server().url("");
    let all = page.requests();
    assert!(all.iter().any(|url| url.ends_with("resnet50.onnx")), "{all:?}");
    assert!(all.iter().all(|url| url.starts_with(&own) || url.starts_with("blob:")), "{all:?}");
}

#[test]
fn the_link_brings_the_same_page_back() {
    let page = ready("", &Options { before: CLIPBOARD.to_owned(), ..Options::default() });
    page.set_value("#epochs", "10");
    page.set_value("#count", "16");
    page.click("label >> Serve it");
    page.set_value("#batch", "4");
    let headline = page.text("#result .headline");
    page.wait_for_true("the address follows", "location.hash.includes('batch=4')");
    page.click("button >> Copy link");
    page.wait_for_text("header button", "Copied");
    assert_eq!(page.eval("window.copied"), page.eval("location.href"));
    page.reload();
    page.wait_for("#layers tbody tr");
    assert_eq!(page.text("#result .headline"), headline);
    assert_eq!((page.value("#batch"), page.value("#count")), ("4".to_owned(), "16".to_owned()));
    page.assert_no_errors();
}

#[test]
fn going_back_to_an_older_link_changes_the_page() {
    let page = ready("#model=mobilenet-v3-large&epochs=5", &Options::default());
    page.wait_for_text("#model h2", "MobileNetV3");
    page.eval("location.hash = '#model=distilbert&epochs=7'");
    page.wait_for_text("#model h2", "DistilBERT");
    page.wait_for_true("its epochs are there", "document.querySelector('#epochs').value === '7'");
}

#[test]
fn a_link_that_makes_no_sense_says_so_and_shows_the_example() {
    let page = ready("#epochs=many", &Options::default());
    page.wait_for_text("[role=alert]", "could not be understood");
    page.wait_for_text("[role=alert]", "epochs");
    page.click("[role=alert] button >> Dismiss");
    page.wait_for_none("[role=alert]");
}

#[test]
fn a_link_of_which_nothing_is_known_says_so_at_the_start_and_later() {
    let page = ready("#garbage", &Options::default());
    page.wait_for_text("[role=alert]", "Nothing behind its #");
    page.wait_for_text("[role=alert]", "The example is shown instead");
    page.wait_for_text("#model h2", "ResNet-50");
    page.click("[role=alert] button >> Dismiss");
    page.eval("location.hash = '#model=mobilenet-v3-large'");
    page.wait_for_text("#model h2", "MobileNetV3");
    page.eval("location.hash = '#more garbage'");
    page.wait_for_text("[role=alert]", "stays as it was");
    page.wait_for_text("#model h2", "MobileNetV3");
    page.eval("location.hash = '#model=no-such-thing'");
    page.wait_for_text("[role=alert]", "no example of this name");
    page.assert_no_errors();
}

#[test]
fn a_phone_has_a_way_to_every_part_by_touch_and_by_keyboard() {
    let page = ready("", &Options::phone());
    assert_eq!(page.count("nav.parts a"), 5);
    let near = |part: &str| {
        page.wait_for_true(
            "the part is in sight below the header",
            &format!(
                "(() => {{ const top = document.querySelector('#{part}').getBoundingClientRect().top;\
                 const line = document.querySelector('nav.parts').getBoundingClientRect().bottom; return top >= line - 2 && top < line + 60 }})()"
            ),
        );
    };
    page.click("nav.parts a >> Inside");
    near("inside");
    // The line stays in sight, and large enough for a finger.
    page.wait_for_true("it stays", "document.querySelector('nav.parts').getBoundingClientRect().top >= 0");
    let high = page.eval("document.querySelector('nav.parts a').getBoundingClientRect().height");
    assert!(high.as_f64().unwrap_or_default() >= 44.0, "{high}");
    page.eval("document.querySelector('nav.parts a').focus()");
    page.press("Tab");
    assert!(page.focused().contains("Estimate"), "{}", page.focused());
    page.press("Enter");
    near("estimate");
}

#[test]
fn going_to_a_part_leaves_the_link_alone() {
    let page = ready("#epochs=3", &Options::default());
    let before = page.url();
    page.click("nav.parts a >> Layers");
    page.wait_for_true(
        "the table is in sight",
        "document.querySelector('#layers').getBoundingClientRect().top < innerHeight",
    );
    assert_eq!(page.url(), before);
}

#[test]
fn the_theme_is_kept() {
    let page = ready("", &Options::default());
    page.click("button >> Use dark colours");
    page.wait_for_true("it is dark", "document.documentElement.dataset.theme === 'dark'");
    page.reload();
    page.wait_for_true("it is still dark", "document.documentElement.dataset.theme === 'dark'");
}

#[test]
fn nothing_serious_for_axe_on_any_screen() {
    for (options, dark) in
        [(Options::default(), false), (Options::default(), true), (Options::phone(), false), (Options::phone(), true)]
    {
        let page = ready("", &Options { dark, ..options });
        page.assert_accessible();
        page.click("summary >> Show and change the assumptions");
        page.click("summary >> About this file");
        page.click("summary >> The same as a table");
        page.click("label >> Serve it");
        page.assert_accessible();
        page.click("button >> How was this computed?");
        page.wait_for("dialog#how .steps");
        page.assert_accessible();
        page.press("Escape");
        page.wait_for_none("dialog#how .steps");
        page.click("button >> examples…");
        page.wait_for("dialog#gallery .card");
        page.assert_accessible();
        page.press("Escape");
        page.type_into("#epochs, #requests", "many");
        page.type_into("#address", "nonsense");
        page.click("button >> Open address");
        page.wait_for("#address-wrong");
        page.assert_accessible();
        page.click("#device");
        page.wait_for("#device-list [role=option]");
        page.assert_accessible();
    }
}

#[test]
fn a_phone_shows_everything_without_scrolling_sideways() {
    for (width, path) in
        [(320, ""), (390, ""), (320, "#params=8e9&do=serve"), (390, "#params=47e9&active=13e9&do=serve")]
    {
        let page = Page::open_with(path, &Options { width, ..Options::phone() });
        page.wait_for("#result .headline");
        page.wait_for("figure.chart");
        let wide = "[...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && e.checkVisibility()\
                    && !e.closest('.layer-table, .examples ul, .scroll, .hidden, .exactly, .top nav')).map((e) => e.outerHTML.slice(0, 90)).slice(0, 5)";
        let wide = page.eval(wide);
        assert_eq!(wide.as_array().map(Vec::len), Some(0), "{width} {path}: {wide}");
        let scrolls = page.eval("document.scrollingElement.scrollWidth > innerWidth");
        assert_eq!(scrolls, serde_json::Value::Bool(false), "{width}");
    }
}

#[test]
fn a_crash_is_a_page_that_can_be_reported() {
    let page = ready("#epochs=5", &Options { before: CLIPBOARD.to_owned(), ..Options::default() });
    // A document that takes no new elements makes the program fail as nothing a person does here can.
    page.eval(
        "(() => { Node.prototype.insertBefore = () => { throw new Error('broken for a test') }; return true })()",
    );
    page.click("button >> How was this computed?");
    page.wait_for_text("h1", "Greenprint stopped");
    let report = page.text("#crash-report");
    assert!(report.contains("build ") && report.contains("epochs=5"), "{report}");
    page.click("button >> Copy the report");
    page.wait_for("button >> Copied");
    assert!(page.eval("window.copied").to_string().contains("epochs=5"));
    page.assert_accessible();
    page.click("button >> Reload the page");
    page.wait_for("#layers tbody tr");
    assert_eq!(page.value("#epochs"), "5");
}

#[test]
fn charts_are_as_sharp_as_the_screen_and_follow_the_theme() {
    let page = ready("", &Options { scale: 2.0, ..Options::default() });
    page.wait_for_true(
        "each canvas has two pixels for each CSS pixel",
        "[...document.querySelectorAll('canvas')].length >= 3 && [...document.querySelectorAll('canvas')].every((c) => Math.abs(c.width - 2 * c.getBoundingClientRect().width) <= 2)",
    );
    let corner = "[...document.querySelector('canvas').getContext('2d').getImageData(1, 1, 1, 1).data].join()";
    let light = page.eval(corner);
    page.click("button >> Use dark colours");
    page.wait_for_true("the canvas is dark", &format!("{corner} !== {light}"));
}

#[test]
fn a_chart_can_be_saved() {
    let page = ready("", &Options::default());
    let (name, bytes) = page.download(|page| page.click("#inside button >> Save as SVG"));
    let text = String::from_utf8_lossy(&bytes);
    assert!(name.ends_with(".svg") && text.starts_with("<svg") && text.contains("Conv"), "{name} {text:.200}");
}
