//! Why tools disagree: the model as other counters would count it.

use crate::numbers;
use crate::state::Counts;
use crate::text;
use estimator::report::ToolCount;
use yew::prelude::*;

/// Properties of [`Counters`].
#[derive(Properties, PartialEq)]
pub struct CountersProps {
    /// The model's counts.
    pub counts: Counts,
}

/// The model as other counters would count it, or why they would not see it; nothing where a count is not known.
#[component]
pub fn Counters(props: &CountersProps) -> Html {
    if let Some(why) = &props.counts.conventions_missing {
        return html! {
            <section id="counters" aria-labelledby="counters-title">
                <h2 id="counters-title">{ text::counters::TITLE }</h2>
                <p class="lede">{ text::counters::missing(why) }</p>
            </section>
        };
    }
    let Some(ours) = props.counts.macs.filter(|_| !props.counts.conventions.is_empty()) else {
        return Html::default();
    };
    html! {
        <section id="counters" aria-labelledby="counters-title">
            <h2 id="counters-title">{ text::counters::TITLE }</h2>
            <p class="lede">{ text::counters::LEDE }</p>
            <table class="counters">
                <thead>
                    <tr>
                        <th scope="col">{ text::counters::TOOL }</th>
                        <th scope="col" class="numeric">{ text::counters::MACS }</th>
                        <th scope="col" class="numeric">{ text::counters::CHANGE }</th>
                    </tr>
                </thead>
                <tbody>
                    <tr class="ours">
                        <th scope="row">
                            { text::counters::OURS }
                            <p class="muted">{ text::counters::OUR_WORDS }</p>
                        </th>
                        <td class="numeric">{ numbers::count(ours, "").text() }</td>
                        <td class="numeric"></td>
                    </tr>
                    { for props.counts.conventions.iter().map(|tool| row(tool, ours)) }
                </tbody>
            </table>
        </section>
    }
}

fn row(tool: &ToolCount, ours: u64) -> Html {
    let change = tool.macs as f64 / ours as f64 - 1.0;
    html! {
        <tr key={tool.tool.clone()}>
            <th scope="row">
                { tool.tool.clone() }{ " " }<span class="muted">{ tool.version.clone() }</span>
                <ul class="muted">
                    { for tool.differences.iter().map(|difference| html! {
                        <li>{ difference.sentence.clone() }{ text::counters::amount(difference.macs) }</li>
                    }) }
                </ul>
            </th>
            <td class="numeric" title={estimator::format::whole(tool.macs)}>{ numbers::count(tool.macs, "").text() }</td>
            <td class="numeric">{ text::counters::change(change) }</td>
        </tr>
    }
}
