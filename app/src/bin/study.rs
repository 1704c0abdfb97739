//! The second module of the page: every page but the estimate.

fn main() {
    app::pages::study::start();
}
