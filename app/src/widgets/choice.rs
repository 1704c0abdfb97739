//! One of a few: radio buttons that look like one bar.

use yew::prelude::*;

/// One of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice<T> {
    /// What it stands for.
    pub value: T,
    /// Its name.
    pub label: &'static str,
}

/// Properties of [`Choices`].
#[derive(Properties, PartialEq)]
pub struct ChoicesProps<T: Clone + PartialEq + 'static> {
    /// Unique on the page.
    pub id: &'static str,
    /// What is being chosen.
    pub legend: &'static str,
    /// What there is to choose from.
    pub choices: Vec<Choice<T>>,
    /// What is chosen.
    pub chosen: T,
    /// Called with what the reader chooses.
    pub choose: Callback<T>,
    /// Whether the legend is for screen readers only.
    #[prop_or_default]
    pub quiet: bool,
}

/// One of a few.
#[component]
pub fn Choices<T: Clone + PartialEq + 'static>(props: &ChoicesProps<T>) -> Html {
    let item = |(place, choice): (usize, &Choice<T>)| {
        let id = format!("{}-{place}", props.id);
        let onchange = {
            let (choose, value) = (props.choose.clone(), choice.value.clone());
            move |_: Event| choose.emit(value.clone())
        };
        html! {
            <>
                <input type="radio" name={props.id} id={id.clone()} checked={choice.value == props.chosen} {onchange} />
                <label for={id}>{ choice.label }</label>
            </>
        }
    };
    html! {
        <fieldset class="choices">
            <legend class={classes!(props.quiet.then_some("hidden"))}>{ props.legend }</legend>
            <div class="bar">{ for props.choices.iter().enumerate().map(item) }</div>
        </fieldset>
    }
}
