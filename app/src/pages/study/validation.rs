//! The validation page: estimates beside what was published.

use super::PageProps;
use crate::derive;
use crate::text::validation as text;
use estimator::format;
use yew::prelude::*;

/// The page.
#[component]
pub fn Validation(_props: &PageProps) -> Html {
    let found = use_memo((), |()| derive::validation::built_in());
    html! {
        <section>
            <h1>{ text::TITLE }</h1>
            <p class="lede">{ text::LEDE }</p>
            <div class="scroll" tabindex="0" role="region" aria-label={text::ROWS}>
                <table>
                    <thead><tr>{ for text::COLUMNS.iter().map(|name| html! { <th scope="col">{ *name }</th> }) }</tr></thead>
                    <tbody>
                        { for found.rows.iter().map(|row| html! {
                            <tr>
                                <th scope="row">{ row.id.clone() }</th>
                                <td>{ row.quantity.clone() }</td>
                                <td>{ format::number(row.published) }{ " " }{ row.unit.clone() }</td>
                                <td>{ format::number(row.central) }</td>
                                <td>{ format::number(row.low) }{ "–" }{ format::number(row.high) }</td>
                                <td>{ "× " }{ format::number(row.error_factor) }</td>
                            </tr>
                        }) }
                    </tbody>
                </table>
            </div>
        </section>
    }
}
