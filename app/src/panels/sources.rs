//! The foot of the page: where the data come from and what the page does with yours.

use crate::text;
use estimator::sources;
use yew::prelude::*;

/// The foot of the page.
#[component]
pub fn Sources() -> Html {
    html! {
        <footer>
            <section aria-labelledby="method-title">
                <h2 id="method-title">{ text::sources::METHOD }</h2>
                { for text::sources::METHOD_TEXT.iter().map(|paragraph| html! { <p>{ *paragraph }</p> }) }
            </section>
            <section id="sources" aria-labelledby="sources-title">
                <h2 id="sources-title">{ text::sources::TITLE }</h2>
                <p>{ text::sources::CREDIT }</p>
                <details>
                    <summary>{ text::sources::all(sources::all().len()) }</summary>
                    <ul class="source-list">
                        { for sources::all().iter().map(|source| html! {
                            <li>
                                { text::sources::line(source) }
                                if let Some(link) = source.link() {
                                    { " " }<a href={link.clone()} rel="noreferrer">{ text::sources::host(&link) }</a>
                                }
                            </li>
                        }) }
                    </ul>
                </details>
                <p class="muted">{ text::sources::build(crate::BUILD_ID) }</p>
            </section>
        </footer>
    }
}
