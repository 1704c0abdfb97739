//! The page's program.

fn main() {
    yew::Renderer::<app::page::Page>::new().render();
}
