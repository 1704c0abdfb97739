//! A number with its unit, typed or moved with a slider.
//!
//! What was typed stays as it was typed while it is being typed, and when it makes no sense, with the reason below it.

use crate::numbers;
use crate::text;
use web_sys::HtmlInputElement;
use yew::prelude::*;

/// How a slider runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Slide {
    /// In even steps from one number to another.
    Even(f64, f64),
    /// Each step a part more, from one positive number to another.
    Growing(f64, f64),
}

/// Positions of a slider.
const STEPS: f64 = 1000.0;

impl Slide {
    fn position(self, value: f64) -> f64 {
        let part = match self {
            Slide::Even(from, to) => (value - from) / (to - from),
            Slide::Growing(from, to) => (value.max(from) / from).ln() / (to / from).ln(),
        };
        (part * STEPS).round().clamp(0.0, STEPS)
    }

    fn value(self, position: f64) -> f64 {
        let part = position / STEPS;
        match self {
            Slide::Even(from, to) => rounded(from + part * (to - from)),
            Slide::Growing(from, to) => rounded(from * (to / from).powf(part)),
        }
    }
}

/// Three digits: a slider is not more precise than that.
fn rounded(value: f64) -> f64 {
    if value == 0.0 {
        return 0.0;
    }
    let unit = 10f64.powf(value.abs().log10().floor() - 2.0);
    // Dividing by a whole number keeps 0.37 from becoming 0.37000000000000005.
    if unit < 1.0 { (value / unit).round() / (1.0 / unit).round() } else { (value / unit).round() * unit }
}

/// Properties of [`NumberField`].
#[derive(Properties, PartialEq)]
pub struct NumberFieldProps {
    /// Unique on the page.
    pub id: AttrValue,
    /// What the number is.
    pub label: AttrValue,
    /// Its unit, behind the field.
    #[prop_or_default]
    pub unit: AttrValue,
    /// The number.
    pub value: f64,
    /// The least number that makes sense.
    pub least: f64,
    /// The greatest number that makes sense.
    pub most: f64,
    /// Whether only whole numbers make sense.
    #[prop_or_default]
    pub whole: bool,
    /// Whether the number is itself an estimate, shown with three digits.
    #[prop_or_default]
    pub rough: bool,
    /// A slider below the field.
    #[prop_or_default]
    pub slide: Option<Slide>,
    /// A line below that helps.
    #[prop_or_default]
    pub help: AttrValue,
    /// Whether the label is for screen readers only.
    #[prop_or_default]
    pub quiet: bool,
    /// Called with each number that makes sense.
    pub change: Callback<f64>,
}

/// Reads what was typed.
///
/// # Errors
/// What is wrong with it, for people.
fn read(text: &str, least: f64, most: f64, whole: bool) -> Result<f64, String> {
    let value = numbers::parse(text).ok_or_else(|| text::field::NOT_A_NUMBER.to_owned())?;
    if whole && value.fract() != 0.0 {
        return Err(text::field::NOT_WHOLE.to_owned());
    }
    if value < least || value > most {
        return Err(text::field::between(&numbers::in_field(least), &numbers::in_field(most)));
    }
    Ok(value)
}

/// A number with its unit.
#[component]
pub fn NumberField(props: &NumberFieldProps) -> Html {
    // What is in the field while it differs from the number: being typed, or wrong.
    let typed = use_state(|| None::<String>);
    let (least, most, whole) = (props.least, props.most, props.whole);
    let wrong = typed.as_ref().and_then(|text| read(text, least, most, whole).err());
    let oninput = {
        let (typed, change) = (typed.clone(), props.change.clone());
        move |event: InputEvent| {
            let text = event.target_unchecked_into::<HtmlInputElement>().value();
            if let Ok(value) = read(&text, least, most, whole) {
                change.emit(value);
            }
            typed.set(Some(text));
        }
    };
    let onchange = {
        let typed = typed.clone();
        move |_: Event| {
            if typed.as_ref().is_none_or(|text| read(text, least, most, whole).is_ok()) {
                typed.set(None);
            }
        }
    };
    let printed = if props.rough { numbers::rough(props.value) } else { numbers::in_field(props.value) };
    let slider = props.slide.map(|slide| {
        let onslide = {
            let (typed, change) = (typed.clone(), props.change.clone());
            move |event: InputEvent| {
                let position = event.target_unchecked_into::<HtmlInputElement>().value_as_number();
                let value = slide.value(position);
                let value = if whole { value.round() } else { value }.clamp(least, most);
                typed.set(None);
                change.emit(value);
            }
        };
        let said = format!("{printed} {}", props.unit);
        html! {
            <input type="range" min="0" max={STEPS.to_string()} step="1" value={slide.position(props.value).to_string()}
                aria-label={text::field::slider(&props.label)} aria-valuetext={said} oninput={onslide} />
        }
    });
    let shown = (*typed).clone().unwrap_or_else(|| printed.clone());
    let below = format!("{}-below", props.id);
    let has_below = wrong.is_some() || !props.help.is_empty();
    html! {
        <div class={classes!("field", wrong.is_some().then_some("wrong"))}>
            <label for={props.id.clone()} class={classes!(props.quiet.then_some("hidden"))}>{ props.label.clone() }</label>
            <div class="field-line">
                <input type="text" inputmode="decimal" autocomplete="off" spellcheck="false" id={props.id.clone()} value={shown}
                    aria-invalid={wrong.is_some().to_string()} aria-describedby={has_below.then(|| below.clone())} {oninput} {onchange} />
                if !props.unit.is_empty() { <span class="field-unit">{ props.unit.clone() }</span> }
            </div>
            { slider }
            if let Some(wrong) = wrong {
                <p class="field-wrong" id={below} role="alert">{ wrong }</p>
            } else if !props.help.is_empty() {
                <p class="field-help" id={below}>{ props.help.clone() }</p>
            }
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slider_comes_back_to_where_it_was() {
        for slide in [Slide::Even(1.0, 2.5), Slide::Growing(1.0, 1e6), Slide::Growing(0.05, 0.9)] {
            for position in [0.0, 1.0, 250.0, 500.0, 999.0, 1000.0] {
                let value = slide.value(position);
                assert!((slide.position(value) - position).abs() <= 3.0, "{slide:?} {position} {value}");
            }
        }
    }

    #[test]
    fn slid_numbers_are_short() {
        assert_eq!(rounded(0.370_000_1), 0.37);
        assert_eq!(rounded(1234.5), 1230.0);
        assert_eq!(rounded(0.0), 0.0);
    }

    #[test]
    fn a_number_beyond_its_slider_sits_at_the_end() {
        assert_eq!(Slide::Growing(1.0, 1e3).position(1e9), STEPS);
        assert_eq!(Slide::Growing(1.0, 1e3).position(0.0), 0.0);
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        assert_eq!(read("8", 1.0, 10.0, true), Ok(8.0));
        for text in ["", "many", "0", "11", "2.5"] {
            assert!(read(text, 1.0, 10.0, true).is_err(), "{text}");
        }
    }
}
