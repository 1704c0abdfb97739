//! A figure with its exact value, and the span it lies in.

use crate::numbers::Shown;
use yew::prelude::*;

/// Properties of [`Exact`].
#[derive(Properties, PartialEq)]
pub struct ExactProps {
    /// The figure.
    pub shown: Shown,
    /// What stands before the number, such as "about"; may be empty.
    #[prop_or_default]
    pub before: AttrValue,
}

/// A rounded figure; hover, focus or a tap shows its exact value.
#[component]
pub fn Exact(props: &ExactProps) -> Html {
    let Shown { number, unit, exact } = &props.shown;
    html! {
        <button type="button" class="exact">
            if !props.before.is_empty() { <span class="before">{ props.before.clone() }</span> }
            <span class="number">{ number.clone() }</span>
            if !unit.is_empty() { <span class="unit">{ "\u{a0}" }{ unit.clone() }</span> }
            <span class="exactly" role="tooltip">{ exact.clone() }</span>
        </button>
    }
}

/// Properties of [`RangeBar`].
#[derive(Properties, PartialEq)]
pub struct RangeBarProps {
    /// The low end as a part of the high end, 0 to 1.
    pub low: f64,
    /// The central figure as a part of the high end, 0 to 1.
    pub central: f64,
}

/// A line from zero to the high end, on which the span and the central figure are marked. For the eye only: the text beside it says the same.
#[component]
pub fn RangeBar(props: &RangeBarProps) -> Html {
    let percent = |share: f64| format!("{:.2}%", (share * 100.0).clamp(0.0, 100.0));
    html! {
        <span class="range-bar" aria-hidden="true">
            <span class="range-span" style={format!("left:{}", percent(props.low))}></span>
            <span class="range-dot" style={format!("left:{}", percent(props.central))}></span>
        </span>
    }
}
