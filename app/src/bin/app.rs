//! The page's program.

fn main() {
    app::pages::catch_crashes();
    yew::Renderer::<app::pages::Estimate>::new().render();
}
