//! The page's program.

fn main() {
    app::pages::start();
}
