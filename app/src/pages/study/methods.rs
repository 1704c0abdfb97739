//! The methods page: what the estimates rest on.

use super::PageProps;
use crate::derive;
use crate::text::methods as text;
use estimator::format;
use yew::prelude::*;

/// The page.
#[component]
pub fn Methods(_props: &PageProps) -> Html {
    html! {
        <section>
            <h1>{ text::TITLE }</h1>
            <p class="lede">{ text::LEDE }</p>
            <div class="scroll" tabindex="0" role="region" aria-label={text::CONSTANTS}>
                <table>
                    <thead><tr>{ for text::COLUMNS.iter().map(|name| html! { <th scope="col">{ *name }</th> }) }</tr></thead>
                    <tbody>
                        { for derive::methods::constants().iter().map(|constant| html! {
                            <tr id={constant.id.clone()}>
                                <th scope="row">{ constant.label.clone() }</th>
                                <td>{ format::number(constant.value.central.0) }{ " " }{ constant.unit.clone() }</td>
                                <td>{ format::number(constant.value.low.0) }{ "–" }{ format::number(constant.value.high.0) }</td>
                                <td>{ constant.note.clone() }</td>
                            </tr>
                        }) }
                    </tbody>
                </table>
            </div>
        </section>
    }
}
