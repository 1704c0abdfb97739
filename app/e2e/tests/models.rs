//! Opening models: examples, files, folders and addresses, and everything that can be wrong with them.

use std::fs;
use std::path::PathBuf;

use e2e::onnx::{heavy_model, long_model};
use e2e::{Fault, Options, Page, Server, dist, output_dir};

fn ready() -> Page {
    let page = Page::open("");
    page.wait_for("#layers tbody tr");
    page
}

fn example(name: &str) -> PathBuf {
    dist().join("models").join(name)
}

fn written(name: &str, bytes: &[u8]) -> PathBuf {
    let file = output_dir().join(name);
    fs::write(&file, bytes).unwrap_or_else(|why| panic!("{}: {why}", file.display()));
    file
}

/// The exact figures of the model on the page.
fn figures(page: &Page) -> String {
    page.eval("[...document.querySelectorAll('#model .exactly')].map((e) => e.textContent).join('; ')").to_string()
}

#[test]
fn an_example_is_chosen_by_its_picture() {
    let page = ready();
    page.click(".examples button >> BERT-base");
    page.wait_for_text("#model h2", "BERT-base");
    page.click("button >> examples…");
    page.click("dialog button >> MobileNetV3-Large");
    page.wait_for_text("#model h2", "MobileNetV3-Large");
    page.wait_for_text("#result .headline", "MobileNetV3-Large");
    assert!(figures(&page).contains("216,589,760 MACs"), "{}", figures(&page));
    page.wait_for_none("dialog .card");
    page.assert_no_errors();
}

#[test]
fn every_example_opens_and_has_an_estimate() {
    let page = ready();
    let manifest = fs::read_to_string(example("manifest.json")).expect("the list of examples");
    let manifest: serde_json::Value = serde_json::from_str(&manifest).expect("JSON");
    let models = manifest["models"].as_array().cloned().unwrap_or_default();
    assert!(models.len() >= 10, "{}", models.len());
    for model in &models {
        let (id, title) = (model["id"].as_str().unwrap_or_default(), model["title"].as_str().unwrap_or_default());
        page.eval(&format!("location.hash = '#model={id}'"));
        page.wait_for_text("#model h2", title);
        page.wait_for("#layers tbody tr");
        page.wait_for_text("#result .headline", title);
        assert_eq!(page.count("[role=alert]"), 0, "{id}: {}", page.texts("[role=alert]").join(" "));
    }
    page.assert_no_errors();
}

#[test]
fn a_file_is_opened_and_its_link_still_estimates() {
    let page = ready();
    page.upload("#file-input", &[&example("mobilenet_v3_large.onnx")]);
    page.wait_for_text("#model h2", "mobilenet_v3_large.onnx");
    assert!(figures(&page).contains("216,589,760 MACs"), "{}", figures(&page));
    page.wait_for_true("the link carries a summary", "location.hash.includes('sum=')");
    let headline = page.text("#result .headline");
    page.reload();
    page.wait_for_text("#model", "Open the file to see its layers");
    assert_eq!(page.text("#result .headline"), headline);
    page.assert_no_errors();
}

#[test]
fn a_file_is_dropped_anywhere() {
    let page = ready();
    page.drag_files_over("footer", &[&example("tinybert_4l_312.onnx")]);
    page.wait_for_text(".drop-veil", "Drop the model");
    page.drop_files("footer", &[&example("tinybert_4l_312.onnx")]);
    page.wait_for_text("#model h2", "tinybert_4l_312.onnx");
    page.wait_for_none(".drop-veil");
    page.assert_no_errors();
}

#[test]
fn another_size_of_a_dimension_is_counted_at_once() {
    let page = ready();
    page.set_value("#dim-batch", "4");
    page.wait_for_true(
        "four times the MACs",
        "[...document.querySelectorAll('#model .exactly')].some((e) => e.textContent === '16,356,737,024 MACs')",
    );
    page.wait_for_true("the address follows", "location.hash.includes('dim.batch=4')");
    page.reload();
    page.wait_for("#layers tbody tr");
    assert_eq!(page.value("#dim-batch"), "4");
    assert!(figures(&page).contains("16,356,737,024 MACs"), "{}", figures(&page));
}

#[test]
fn dimensions_that_depend_on_the_data_are_put_aside() {
    let page = Page::open("#model=ssdlite320-mobilenet-v3");
    page.wait_for("#layers tbody tr");
    page.wait_for_text(".dims legend", "depend on the data");
    page.wait_for_text(".dims summary", "Show all");
    assert_eq!(page.count(".dims details input[type=text]"), 0);
    page.click(".dims summary");
    assert!(page.count(".dims details input[type=text]") > 10);
    page.assert_accessible();
}

#[test]
fn a_file_that_is_no_model_is_named_with_a_remedy_and_the_page_goes_on() {
    let page = ready();
    page.set_value("#epochs", "7");
    let whole = fs::read(example("resnet50.onnx")).expect("the example");
    let cases: [(PathBuf, &str); 4] = [
        (written("empty.onnx", b""), "empty"),
        (written("text.onnx", b"these are words and no model\n"), "not a model"),
        (written("page.onnx", b"<!DOCTYPE html><html></html>"), "web page"),
        (written("cut.onnx", whole.get(..whole.len() / 2).unwrap_or_default()), "cut off"),
    ];
    for (file, words) in &cases {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        page.upload("#file-input", &[file]);
        page.wait_for_text("[role=alert]", &name);
        let message = page.text("[role=alert]");
        assert!(message.contains(words), "{name}: {message}");
        assert!(message.split(". ").count() >= 2, "no remedy: {message}");
        assert_eq!(page.value("#epochs"), "7");
        page.wait_for_text("#model h2", "ResNet-50");
    }
    page.click("[role=alert] button >> Dismiss");
    page.wait_for_none("[role=alert]");
    page.upload("#file-input", &[&example("distilbert.onnx")]);
    page.wait_for_text("#model h2", "distilbert.onnx");
    page.assert_no_errors();
}

#[test]
fn a_huge_file_is_opened_without_being_loaded() {
    // Six gigabytes of which nothing is on the disk: a model, then a hole.
    let file = output_dir().join("huge.onnx");
    fs::copy(example("resnet50.onnx"), &file).expect("a copy");
    let sparse = fs::OpenOptions::new().write(true).open(&file).and_then(|file| file.set_len(6 << 30));
    sparse.expect("a sparse file");
    let page = ready();
    page.upload("#file-input", &[&file]);
    // Zeros behind a model are damage, and it is named; what counts is that the page is well.
    page.wait_for_true(
        "an answer",
        "document.querySelector('[role=alert]')?.innerText.includes('huge.onnx') || document.querySelector('#model h2').innerText === 'huge.onnx'",
    );
    let _ = fs::remove_file(&file);
    page.click("label >> Serve it");
    page.wait_for_text("#result .headline", "Serving");
}

fn open_address(page: &Page, url: &str) {
    page.type_into("#address", url);
    page.click("button >> Open address");
}

#[test]
fn an_address_is_read_in_parts() {
    let page = ready();
    let url = page.server().url("models/vit_b_16.onnx");
    open_address(&page, &url);
    page.wait_for_text("#model h2", "vit_b_16.onnx");
    assert!(figures(&page).contains("17,563,828,224 MACs"), "{}", figures(&page));
    page.wait_for_true("the link names it", "location.hash.includes('url=')");
    page.reload();
    page.wait_for_text("#model h2", "vit_b_16.onnx");
    page.wait_for("#layers tbody tr");
    page.assert_no_errors();
}

#[test]
fn what_is_wrong_with_an_address_is_named_with_a_remedy() {
    let page = ready();
    let other = Server::start(&dist(), 0).expect("a server of another origin");
    let small = "models/resnet50.onnx";
    let cases = [
        (other.url_with(Fault::NotFound, small), "no such file", "Check the address"),
        (other.url_with(Fault::Broken, small), "status 500", "Try again later"),
        (other.url_with(Fault::NoCors, small), "CORS", "Download the file"),
        ("http://localhost:9/x.onnx".to_owned(), "No server answers", "Check the address"),
        (other.url("index.html"), "web page", "Choose a model file"),
    ];
    for (url, words, remedy) in &cases {
        open_address(&page, url);
        page.wait_for_text("[role=alert]", words);
        let message = page.text("[role=alert]");
        assert!(
            message.contains(remedy) && message.contains(url.rsplit('/').next().unwrap_or(url)),
            "{url}: {message}"
        );
        assert_eq!(&page.value("#address"), url, "what was typed stays");
        page.wait_for_text("#model h2", "ResNet-50");
    }
    open_address(&page, "models/resnet50.onnx");
    page.wait_for_text("#address-wrong", "https://");
}

#[test]
fn the_weights_behind_an_address_are_not_loaded() {
    let page = ready();
    let heavy = written("heavy.onnx", &heavy_model(24 << 20));
    let other = Server::start(&output_dir(), 0).expect("a server of another origin");
    open_address(&page, &other.url("heavy.onnx"));
    page.wait_for_text("#model h2", "heavy.onnx");
    assert!(figures(&page).contains("6,291,456"), "{}", figures(&page));
    let loaded: u64 = other.requests().iter().filter(|seen| seen.method == "GET").map(|seen| seen.bytes).sum();
    assert!(loaded < 2 << 20, "{loaded} bytes of 24 MiB");
    // The same from a server that would send all of it: refused before it is loaded, or read whole where it is small enough.
    open_address(&page, &other.url_with(Fault::NoRange, "heavy.onnx"));
    page.wait_for_true("an answer", "!document.querySelector('.reading.on')");
    let heavier = written("heavier.onnx", &heavy_model(40 << 20));
    open_address(&page, &other.url_with(Fault::NoRange, "heavier.onnx"));
    page.wait_for_text("[role=alert]", "ignores Range");
    page.wait_for_text("[role=alert]", "Download the file");
    for file in [heavy, heavier] {
        let _ = fs::remove_file(file);
    }
}

/// A folder laid out as the hub's addresses are: a repository with one model among other files.
fn hub_folder() -> PathBuf {
    let root = output_dir().join("hub");
    let (list, files) = (root.join("api/models/org/tiny/tree"), root.join("org/tiny/resolve/main/onnx"));
    for folder in [&list, &files] {
        fs::create_dir_all(folder).expect("a folder");
    }
    let size = fs::metadata(example("ds_cnn_kws.onnx")).expect("the example").len();
    let listing = format!(
        r#"[{{"type":"directory","path":"onnx"}},{{"type":"file","path":"README.md","size":9}},{{"type":"file","path":"onnx/key words.onnx","size":{size}}}]"#
    );
    fs::write(list.join("main"), listing).expect("a listing");
    fs::copy(example("ds_cnn_kws.onnx"), files.join("key words.onnx")).expect("a copy");
    root
}

#[test]
fn a_repository_of_the_hub_is_opened_and_a_private_one_with_a_token() {
    let page = ready();
    let hub = Server::start(&hub_folder(), 0).expect("a hub");
    let use_hub = |address: &str| {
        page.eval(&format!("document.querySelector(\"meta[name='model-hub']\").content = '{address}'"));
    };
    use_hub(&hub.url(""));
    for typed in ["hf:org/tiny".to_owned(), hub.url("org/tiny/blob/main/onnx/key%20words.onnx")] {
        open_address(&page, &typed);
        page.wait_for_text("#model h2", typed.rsplit('/').next().unwrap_or_default());
        page.wait_for_text("#model", "22.6");
    }
    for (typed, words) in [
        ("hf:org/none", "no such file"),
        ("hf:org/", "leads to no model"),
        (hub.url("datasets/org/x").as_str(), "no model"),
    ] {
        open_address(&page, typed);
        page.wait_for_text("[role=alert]", words);
    }
    use_hub(&hub.url_with(Fault::Private, ""));
    open_address(&page, "hf:org/tiny@main");
    page.wait_for_text("[role=alert]", "token");
    page.click(".intake-token summary");
    page.type_into("#token", "wrong");
    open_address(&page, "hf:org/tiny@main");
    page.wait_for_text("[role=alert]", "Check the token");
    page.type_into("#token", "secret");
    open_address(&page, "hf:org/tiny@main");
    page.wait_for_text("#model h2", "tiny@main");
    page.wait_for_none("[role=alert]");
    page.wait_for_true("the token is in no link", "!location.href.includes('secret')");
    page.assert_accessible();
}

#[test]
fn another_file_of_the_same_network_is_compared() {
    let page = ready();
    page.upload("#compare-input", &[&example("resnet50.onnx")]);
    page.wait_for_text("#compare", "54 layers are the same");
    page.wait_for_text("#compare", "nothing differs");
    page.upload("#compare-input", &[&example("efficientnet_b0.onnx")]);
    page.wait_for_text("#compare", "Why they differ");
    assert!(page.count("#compare .reasons li") > 0);
    page.wait_for_text("#model h2", "ResNet-50");
    page.assert_accessible();
    page.upload("#compare-input", &[&written("other.onnx", b"these are words\n")]);
    page.wait_for_text("#compare [role=alert]", "not a model");
    page.click("#compare [role=alert] button >> Dismiss");
    page.wait_for_none("#compare [role=alert]");
    page.assert_no_errors();
}

#[test]
fn a_folder_is_dropped_with_its_weights_beside_it() {
    let folder = output_dir().join("folder");
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join("notes.txt"), "not a model").expect("a file");
    fs::copy(example("ds_cnn_kws.onnx"), folder.join("keywords.onnx")).expect("a copy");
    let page = ready();
    page.drop_files("main", &[&folder]);
    page.wait_for_text("#model h2", "folder");
    page.wait_for_text("#model", "22.6");
    page.assert_no_errors();
}

#[test]
fn a_small_file_of_a_server_that_ignores_ranges_is_read_whole() {
    let page = ready();
    open_address(&page, &page.server().url_with(Fault::NoRange, "models/distilbert.onnx"));
    page.wait_for_text("#model h2", "distilbert.onnx");
}

#[test]
fn reading_can_be_cancelled() {
    let page = ready();
    let before = page.text("#result .headline");
    open_address(&page, &page.server().url_with(Fault::Slow, "models/vit_b_16.onnx"));
    page.wait_for_text(".reading", "Reading");
    page.click("button >> Cancel");
    page.wait_for_none(".reading button");
    page.wait_for_text("#model h2", "ResNet-50");
    assert_eq!(page.text("#result .headline"), before);
    // The reader starts again for the next model, and for another number of the last one.
    page.click(".examples button >> BERT-base");
    page.wait_for_text("#model h2", "BERT-base");
    page.assert_no_errors();
}

#[test]
fn a_reader_that_stops_is_said_and_started_again() {
    let before = "const Real = Worker; let broken = false; window.Worker = function (...all) { const worker = new Real(...all);\
         window.breakReader = () => worker.dispatchEvent(new ErrorEvent('error', { message: 'broken for a test', cancelable: true })); return worker; };";
    let page = Page::open_with("", &Options { before: before.to_owned(), ..Options::default() });
    page.wait_for("#layers tbody tr");
    page.eval("window.breakReader()");
    page.wait_for_text("[role=alert]", "broken for a test");
    page.click(".examples button >> BERT-base");
    page.wait_for_text("#model h2", "BERT-base");
    page.wait_for_none("[role=alert]");
}

/// A safetensors file of a small decoder whose weights are a hole.
fn weights_alone(blocks: usize) -> Vec<u8> {
    let mut tensors = serde_json::Map::new();
    let mut end = 0usize;
    let mut add = |name: String, shape: [usize; 2]| {
        let start = end;
        end += 2 * shape[0] * shape[1];
        tensors.insert(name, serde_json::json!({ "dtype": "BF16", "shape": shape, "data_offsets": [start, end] }));
    };
    add("model.embed_tokens.weight".to_owned(), [500, 64]);
    for block in 0..blocks {
        for part in ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.up_proj"] {
            add(format!("model.layers.{block}.{part}.weight"), [64, 64]);
        }
    }
    let head = serde_json::Value::Object(tensors).to_string();
    [&(head.len() as u64).to_le_bytes(), head.as_bytes(), &vec![0; end]].concat()
}

#[test]
fn weights_without_a_graph_are_shown_by_their_modules_and_estimated_by_their_size() {
    let page = ready();
    page.upload("#file-input", &[&written("decoder.safetensors", &weights_alone(12))]);
    page.wait_for_text("#model h2", "decoder.safetensors");
    page.wait_for_text("#model", "holds weights and no graph");
    page.wait_for_text("#model", "config.json");
    // 500 × 64 + 12 × 5 × 64 × 64
    assert!(figures(&page).contains("277,760"), "{}", figures(&page));
    page.wait_for_text("#layers h2", "Module by module");
    assert_eq!(page.count("#layers thead button >> MACs"), 0);
    page.click("#layers label >> By kind");
    page.wait_for_text("#layers tbody .group", "model.layers.*.mlp.up_proj");
    page.click("#inside label >> By part");
    page.click("#inside summary >> The same as a table");
    page.wait_for_text("#inside table", "model/layers/3");
    page.assert_accessible();
    page.resize(320, 844, 2.0);
    page.wait_for_true("a phone need not scroll sideways", "document.scrollingElement.scrollWidth <= innerWidth");
    page.click("#result button >> Estimate it as a language model");
    page.wait_for_text("#result .headline", "278k parameters");
    page.assert_no_errors();
}

#[test]
fn a_configuration_alone_tells_what_a_language_model_costs() {
    let config = r#"{"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 4096, "intermediate_size": 11008,
        "num_hidden_layers": 32, "num_attention_heads": 32, "vocab_size": 32000, "max_position_embeddings": 4096,
        "tie_word_embeddings": false, "torch_dtype": "bfloat16"}"#;
    let page = ready();
    page.upload("#file-input", &[&written("config.json", config.as_bytes())]);
    page.wait_for_text("#model h2", "config.json");
    page.wait_for_text("#architecture-title", "Llama");
    // Llama 2 of 7 billion parameters: 2 × 32 heads × 128 × 32 layers × 2 bytes for each token.
    let exact = figures(&page);
    assert!(exact.contains("6,738,415,616") && exact.contains("524,288 bytes"), "{exact}");
    page.wait_for_text("#layers h2", "Module by module");
    assert_eq!(page.count("#layers thead button >> MACs"), 1);
    let before = figures(&page);
    page.set_value("#dim-tokens", "2048");
    page.wait_for_text("#model", "one pass over 2,048 tokens");
    assert_ne!(figures(&page), before);
    page.wait_for_text("#result .headline", "tokens with");
    page.click("label >> Serve it");
    page.wait_for_text("#result", "Time to the first token");
    page.assert_accessible();
    page.wait_for_true("the link carries it", "location.hash.includes('sum=')");
    let headline = page.text("#result .headline");
    page.reload();
    page.wait_for("#result .headline");
    assert_eq!(page.text("#result .headline"), headline);
    page.assert_no_errors();
}

#[test]
fn ten_thousand_layers_stay_fluid() {
    let page = ready();
    page.upload("#file-input", &[&written("long.onnx", &long_model(10_000))]);
    page.wait_for_text("#layers [role=status]", "10,000 layers");
    assert!(page.count("#layers tbody tr") < 120, "only what is in sight is drawn");
    page.eval(
        "(() => { const t = document.querySelector('.layer-table'); t.scrollTop = t.scrollHeight; return true })()",
    );
    page.wait_for_text("#layers tbody", "add9999");
    assert!(page.count("#layers tbody tr") < 120);
    page.type_into("#layer-filter", "block42/");
    page.wait_for_text("#layers [role=status]", "100 of 10,000 layers");
    page.wait_for_text("#layers tbody", "add4200");
    page.assert_no_errors();
}
