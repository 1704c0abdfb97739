//! When the page's own program fails: a page that says so, with what a report needs.
//!
//! The program is gone by then, so this is plain HTML, and the button's few words of script are the browser's.

use crate::BUILD_ID;
use crate::text;
use std::panic::PanicHookInfo;

/// From here on a panic becomes a page that can be reported.
pub fn catch_crashes() {
    // The framework would put a hook of its own in the place of one set directly.
    yew::set_custom_panic_hook(Box::new(|info| {
        let report = report(info);
        gloo::console::error!(report.clone());
        show(&report);
    }));
}

fn report(info: &PanicHookInfo<'_>) -> String {
    let agent = gloo::utils::window().navigator().user_agent().unwrap_or_default();
    let address = gloo::utils::window().location().href().unwrap_or_default();
    format!("{info}\n\nbuild {BUILD_ID}\n{agent}\n{address}")
}

fn show(report: &str) {
    let document = gloo::utils::document();
    let (Some(body), Ok(page)) = (document.body(), document.create_element("main")) else { return };
    // Only our own words are HTML; the report is put in as text.
    page.set_inner_html(&format!(
        "<div class=\"crash\" role=\"alert\"><h1>{}</h1><p>{}</p><p>\
         <button type=\"button\" onclick=\"navigator.clipboard.writeText(document.getElementById('crash-report').textContent).then(() => {{ this.textContent = '{}' }})\">{}</button> \
         <button type=\"button\" class=\"quiet\" onclick=\"location.reload()\">{}</button></p>\
         <pre id=\"crash-report\" tabindex=\"0\"></pre></div>",
        text::crash::TITLE, text::crash::WHAT_NOW, text::crash::COPIED, text::crash::COPY, text::crash::RELOAD
    ));
    body.set_inner_html("");
    // What cannot be appended cannot be shown in another way either.
    let _ = body.append_child(&page);
    if let Some(place) = document.get_element_by_id("crash-report") {
        place.set_text_content(Some(report));
    }
}
