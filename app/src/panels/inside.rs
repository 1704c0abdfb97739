//! Where the compute, the parameters and the memory go, and what that means on the chosen device.

use crate::charts::Chart;
use crate::derive::{self, Grouping, Measure};
use crate::state::Counts;
use crate::text;
use crate::widgets::{ChartFigure, Choice, Choices};
use estimator::hardware::Device;
use estimator::scenario::Scenario;
use std::rc::Rc;
use yew::prelude::*;

/// Properties of [`Inside`].
#[derive(Properties, PartialEq)]
pub struct InsideProps {
    /// The model's counts.
    pub counts: Counts,
    /// Samples that the counts are of.
    pub counted: u64,
    /// What is being estimated, for the precision and the batch.
    pub scenario: Rc<Scenario>,
    /// The chosen device.
    pub device: Option<&'static Device>,
    /// Whether the page is dark.
    pub dark: bool,
}

/// Width of a chart on paper, where two stand side by side, in CSS pixels.
const PAPER: f64 = 420.0;

/// Where everything goes.
#[component]
pub fn Inside(props: &InsideProps) -> Html {
    // Weights alone have no compute to show.
    let alone = props.counts.weights_only && props.counts.macs.is_none();
    let measure = use_state(Measure::default);
    let shown_measure = if alone && *measure == Measure::Compute { Measure::Parameters } else { *measure };
    let grouping = use_state(Grouping::default);
    let precision = props.device.and_then(|device| derive::precision(&props.scenario, device));
    let roofline = use_memo(
        (props.counts.clone(), props.device.map(|device| &device.id), precision, derive::batch_each(&props.scenario)),
        {
            let counted = props.counted;
            move |(counts, id, precision, batch)| {
                let device = estimator::hardware::device(id.as_ref()?)?;
                derive::roofline(counts, counted, device, (*precision)?, *batch)
                    .map(|roofline| Rc::new(Chart::Roofline(roofline)))
            }
        },
    );
    let mut measures = vec![
        Choice { value: Measure::Compute, label: text::inside::COMPUTE },
        Choice { value: Measure::Parameters, label: text::inside::PARAMETERS },
        Choice { value: Measure::Memory, label: text::inside::MEMORY },
    ];
    measures.retain(|choice| !alone || choice.value != Measure::Compute);
    let has_parts = use_memo(props.counts.clone(), |counts| derive::has_parts(counts));
    let mut groupings = vec![
        Choice {
            value: Grouping::Operator,
            label: if alone { text::inside::BY_KIND } else { text::inside::BY_OPERATOR },
        },
        Choice { value: Grouping::Part, label: text::inside::BY_PART },
        Choice { value: Grouping::None, label: if alone { text::inside::BY_MODULE } else { text::inside::BY_LAYER } },
    ];
    // A file that knows no parts offers none.
    groupings.retain(|choice| *has_parts || choice.value != Grouping::Part);
    let shown = if *grouping == Grouping::Part && !*has_parts { Grouping::Operator } else { *grouping };
    let bars = use_memo((props.counts.clone(), shown_measure, shown), |(counts, measure, grouping)| {
        Chart::Bars(derive::breakdown(counts, *measure, *grouping))
    });
    let choose_measure = {
        let measure = measure.clone();
        Callback::from(move |chosen| measure.set(chosen))
    };
    let choose_grouping = {
        let grouping = grouping.clone();
        Callback::from(move |chosen| grouping.set(chosen))
    };
    html! {
        <section id="inside" aria-labelledby="inside-title">
            <h2 id="inside-title">{ text::inside::TITLE }</h2>
            <div class="charts">
                <ChartFigure id="where-it-goes" title={text::inside::breakdown(shown_measure)} chart={bars} dark={props.dark} paper={PAPER}>
                    <div class="chart-choices">
                        <Choices<Measure> id="measure" legend={text::inside::MEASURE} quiet={true} choices={measures} chosen={shown_measure} choose={choose_measure} />
                        <Choices<Grouping> id="grouping" legend={text::inside::GROUPING} quiet={true} choices={groupings} chosen={shown} choose={choose_grouping} />
                    </div>
                </ChartFigure>
                if let Some(chart) = (*roofline).clone() {
                    <ChartFigure id="roofline" title={text::inside::roofline(props.device.map_or("", |device| &device.name))} {chart} dark={props.dark} paper={PAPER} />
                } else if !props.counts.weights_only {
                    <p class="muted">{ text::inside::NO_ROOFLINE }</p>
                }
            </div>
        </section>
    }
}
