//! A message in its place: what happened, and what to do.

use yew::prelude::*;

/// How a message is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Good to know.
    Note,
    /// Something went wrong; said aloud at once.
    Error,
    /// What was asked for cannot be; said when there is a pause, since it comes and goes with a slider.
    Obstacle,
}

/// Properties of [`Notice`].
#[derive(Properties, PartialEq)]
pub struct NoticeProps {
    /// How it is meant.
    pub tone: Tone,
    /// What happened.
    pub title: AttrValue,
    /// What to do, and whatever else belongs to it.
    #[prop_or_default]
    pub children: Children,
    /// What the button that puts it away says, and what it does.
    #[prop_or_default]
    pub dismiss: Option<(&'static str, Callback<()>)>,
}

/// A message.
#[component]
pub fn Notice(props: &NoticeProps) -> Html {
    let (class, role) = match props.tone {
        Tone::Note => ("notice", "note"),
        Tone::Error => ("notice error", "alert"),
        Tone::Obstacle => ("notice error", "status"),
    };
    html! {
        <div {class} {role}>
            <p class="notice-title">{ props.title.clone() }</p>
            { props.children.clone() }
            if let Some((label, dismiss)) = props.dismiss.clone() {
                <button type="button" class="quiet" onclick={move |_| dismiss.emit(())}>{ label }</button>
            }
        </div>
    }
}
