//! Why tools disagree: the model as other counters would count it, and what each does differently.

use crate::numbers;
use crate::state::Counts;
use crate::text;
use estimator::report::{Difference, ToolCount};
use std::collections::BTreeSet;
use yew::prelude::*;

/// Properties of [`Tools`].
#[derive(Properties, PartialEq)]
pub struct ToolsProps {
    /// The model's counts.
    pub counts: Counts,
}

/// The model as other counters would count it; nothing where that is not known.
#[component]
pub fn Tools(props: &ToolsProps) -> Html {
    let (Some(ours), false) = (props.counts.macs, props.counts.conventions.is_empty()) else { return Html::default() };
    let sources: BTreeSet<&str> = props.counts.conventions.iter().map(|tool| tool.source.as_str()).collect();
    html! {
        <section id="tools" aria-labelledby="tools-title">
            <h2 id="tools-title">{ text::tools::TITLE }</h2>
            <p class="lede">{ text::tools::LEDE }</p>
            <div class="scroll tools" tabindex="0" role="region" aria-label={text::tools::TABLE}>
                <table>
                    <thead><tr>{ for text::tools::HEAD.iter().map(|head| html! { <th scope="col">{ *head }</th> }) }</tr></thead>
                    <tbody>
                        <tr>
                            <th scope="row"><strong>{ text::page::NAME }</strong></th>
                            <td title={text::tools::exact(ours)}>{ numbers::count(ours, "MACs").text() }</td>
                            <td></td>
                            <td>{ text::tools::OURS }</td>
                        </tr>
                        { for props.counts.conventions.iter().map(|tool| row(tool, ours)) }
                    </tbody>
                </table>
            </div>
            <p class="source">{ text::tools::sources(&sources) }</p>
        </section>
    }
}

fn row(tool: &ToolCount, ours: u64) -> Html {
    let reason = |difference: &Difference| {
        html! {
            <li>{ text::intake::sentence(&difference.sentence) }{ " " }<span class="muted">{ text::tools::amount(difference.macs) }</span></li>
        }
    };
    html! {
        <tr key={tool.tool.clone()}>
            <th scope="row">{ tool.tool.clone() }{ " " }<span class="muted">{ tool.version.clone() }</span></th>
            <td title={text::tools::exact(tool.macs)}>{ numbers::count(tool.macs, "MACs").text() }</td>
            <td>{ text::tools::against(tool.macs, ours) }</td>
            <td>
                if tool.differences.is_empty() { { text::tools::SAME } } else { <ul>{ for tool.differences.iter().map(reason) }</ul> }
            </td>
        </tr>
    }
}
