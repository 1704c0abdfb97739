//! What the other browser tests rely on: that clicks, keys, files, downloads and complaints really happen.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};

use e2e::{Fault, Options, Page, Server, output_dir};

/// A page whose content was replaced by these elements.
fn page_of(html: &str) -> Page {
    let page = Page::open("");
    page.wait_for("h1");
    let html = serde_json::Value::from(html);
    page.eval(&format!("document.body.innerHTML = {html}; 0"));
    page
}

#[test]
fn clicks_and_keys_reach_what_a_person_would_reach() {
    let page = page_of(
        "<button onclick='out.textContent = `clicked`'>Go</button><button>Go elsewhere</button>
        <button style='display:none'>Hidden</button><input id=field value=old>
        <select id=choice onchange='out.textContent = this.value'><option>a<option>b</select><p id=out></p>",
    );
    page.click("button >> Go");
    assert_eq!(page.text("#out"), "clicked");
    assert_eq!(page.count("button"), 2);
    page.type_into("#field", "new");
    assert_eq!(page.value("#field"), "new");
    page.press("Shift+Tab");
    assert_eq!(page.focused(), "button Go elsewhere");
    page.set_value("#choice", "b");
    assert_eq!(page.text("#out"), "b");
}

#[test]
fn files_arrive_by_picker_and_by_drop() {
    let page = page_of(
        "<input type=file id=picker multiple onchange='show(this.files)'><div id=zone style='height:5em'>Drop</div>
        <p id=out></p>",
    );
    page.eval(
        "window.show = async (files) => { const texts = await Promise.all([...files].map((f) => f.text()));
            out.textContent = [...files].map((f, i) => `${f.name}=${texts[i]}`).join(' ') };
        zone.ondragover = (e) => e.preventDefault();
        zone.ondrop = (e) => { e.preventDefault(); show(e.dataTransfer.files) }; 0",
    );
    let dir = output_dir().join("files");
    fs::create_dir_all(&dir).unwrap();
    let (one, two) = (dir.join("one.txt"), dir.join("two.txt"));
    fs::write(&one, "1").unwrap();
    fs::write(&two, "2").unwrap();
    page.upload("#picker", &[&one, &two]);
    page.wait_for_text("#out", "one.txt=1 two.txt=2");
    page.drop_files("#zone", &[&two]);
    page.wait_for_text("#out", "two.txt=2");
}

#[test]
fn a_download_is_caught() {
    let page = page_of("<a download='a.json' href='data:application/json,[1]'>Save</a>");
    let (name, bytes) = page.download(|page| page.click("a"));
    assert_eq!((name.as_str(), bytes.as_slice()), ("a.json", &b"[1]"[..]));
}

#[test]
fn complaints_of_the_page_and_of_its_workers_are_heard() {
    let page = page_of("<p>Quiet</p>");
    page.eval("console.error('from the page', { a: 1 }); 0");
    page.eval("setTimeout(() => { throw new Error('thrown') }); 0");
    page.eval("new Worker(URL.createObjectURL(new Blob(['console.error(`from the worker`)']))); 0");
    for said in ["from the page", "thrown", "from the worker"] {
        let mut tries = 0;
        while !page.console_errors().iter().any(|e| e.contains(said)) {
            tries += 1;
            assert!(tries < 1000, "{said}: {:?}", page.console_errors());
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
    let complained = catch_unwind(AssertUnwindSafe(|| page.assert_no_errors()));
    assert!(complained.is_err());
}

#[test]
fn axe_sees_a_fault() {
    let page = page_of("<main><h1>Title</h1><img src='data:,'></main>");
    let rules: Vec<String> = page.axe().into_iter().map(|v| v.rule).collect();
    assert_eq!(rules, ["image-alt"]);
}

#[test]
fn window_and_theme_are_those_asked_for() {
    let dark = Options { dark: true, ..Options::phone() };
    let page = Page::open_with("#x=1", &dark);
    let seen =
        page.eval("[innerWidth, devicePixelRatio, matchMedia('(prefers-color-scheme: dark)').matches, location.hash]");
    assert_eq!(seen, serde_json::json!([390, 2, true, "#x=1"]));
    let file = output_dir().join("phone.png");
    page.screenshot(&file);
    let png = fs::read(&file).unwrap();
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    assert_eq!((number(16), number(20)), (780, 1688));
}

#[test]
fn the_server_misbehaves_as_asked() {
    let dir = output_dir().join("served");
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("a.bin"), "0123456789").unwrap();
    let server = Server::start(&dir, 0).unwrap();
    let page = page_of("<p>Asking</p>");
    let ask = |url: String| {
        page.eval(&format!(
            "fetch('{url}', {{ headers: {{ Range: 'bytes=2-4' }} }})
                .then(async (r) => [r.status, r.headers.get('content-range'), await r.text()])
                .catch((e) => e.name)"
        ))
    };
    let part = serde_json::json!([206, "bytes 2-4/10", "234"]);
    assert_eq!(ask(server.url("a.bin")), part);
    assert_eq!(ask(server.url_with(Fault::Redirect, "a.bin")), part);
    assert_eq!(ask(server.url_with(Fault::Slow, "a.bin")), part);
    let whole = serde_json::json!([200, null, "0123456789"]);
    assert_eq!(ask(server.url_with(Fault::NoRange, "a.bin")), whole);
    assert_eq!(ask(server.url_with(Fault::NotFound, "a.bin"))[0], 404);
    assert_eq!(ask(server.url_with(Fault::Broken, "a.bin"))[0], 500);
    assert_eq!(ask(server.url_with(Fault::NoCors, "a.bin")), "TypeError");
    assert_eq!(ask(server.url_with(Fault::Cut, "a.bin")), "TypeError");
    assert_eq!(ask(server.url("missing")).get(0), Some(&404.into()));
    let first = &server.requests()[0];
    assert_eq!((first.range.as_deref(), first.bytes), (Some("bytes=2-4"), 3));
}
