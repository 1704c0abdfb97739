//! A chart with its heading, its sentence, its table and its download.

use crate::charts::{Chart, Look};
use crate::hooks::{download, prepared, style_value, use_canvas, use_on_paper};
use crate::text;
use plotters::prelude::*;
use plotters_canvas::CanvasBackend;
use std::rc::Rc;
use yew::prelude::*;

/// Properties of [`ChartFigure`].
#[derive(Properties, PartialEq)]
pub struct ChartFigureProps {
    /// Unique on the page; also the name of the file that it is saved to.
    pub id: &'static str,
    /// What it shows.
    pub title: AttrValue,
    /// The chart.
    pub chart: Rc<Chart>,
    /// Whether the page is dark, so that a change of colours is drawn.
    pub dark: bool,
    /// Its width on paper in CSS pixels, which says how large its letters are there.
    #[prop_or(SAVED_WIDTH)]
    pub paper: f64,
    /// What stands above the drawing, such as a choice of what is drawn.
    #[prop_or_default]
    pub children: Children,
}

/// Width of a chart that is saved, in CSS pixels.
const SAVED_WIDTH: f64 = 800.0;

/// The colours and letters of the page.
fn look(scale: f64) -> Look {
    let colour = |name: &str, otherwise: RGBColor| rgb(&style_value(name)).unwrap_or(otherwise);
    let plain = Look::plain();
    Look {
        ink: colour("--ink", plain.ink),
        muted: colour("--muted", plain.muted),
        rule: colour("--rule", plain.rule),
        accent: colour("--accent", plain.accent),
        paper: colour("--paper", plain.paper),
        font: style_value("--sans"),
        scale,
    }
}

/// A colour written as `#rrggbb`.
fn rgb(text: &str) -> Option<RGBColor> {
    let number = u32::from_str_radix(text.strip_prefix('#').filter(|digits| digits.len() == 6)?, 16).ok()?;
    let [_, red, green, blue] = number.to_be_bytes();
    Some(RGBColor(red, green, blue))
}

/// A chart with all that belongs to it.
#[component]
pub fn ChartFigure(props: &ChartFigureProps) -> Html {
    let (frame, canvas) = (use_node_ref(), use_node_ref());
    let size = use_canvas(frame.clone());
    let height = props.chart.height(size.width);
    {
        let canvas = canvas.clone();
        use_effect_with((props.chart.clone(), size, props.dark), move |(chart, size, _)| {
            let height = chart.height(size.width);
            let backend = prepared(&canvas, *size, height).and_then(CanvasBackend::with_canvas_object);
            if let Some(backend) = backend.filter(|_| size.width > 0.0) {
                let area = backend.into_drawing_area();
                if let Err(error) = chart.draw(&area, &look(size.ratio)) {
                    gloo::console::error!("a chart was not drawn:", error.to_string());
                }
            }
        });
    }
    let save = {
        let (chart, name) = (props.chart.clone(), format!("{}.svg", props.id));
        move |_: MouseEvent| download(&name, "image/svg+xml", &chart.svg(SAVED_WIDTH, &Look::plain()))
    };
    // A printer sets lines and letters sharper than any canvas; names in the drawing are escaped where it is written.
    let paper = use_node_ref();
    let printed = use_memo((props.chart.clone(), props.paper), Clone::clone);
    use_on_paper(paper.clone(), printed, |(chart, width)| chart.shortened().svg(*width, &Look::plain()));
    let table = props.chart.table();
    let heading = format!("{}-title", props.id);
    html! {
        <figure class="chart" aria-labelledby={heading.clone()}>
            <figcaption>
                <h3 id={heading}>{ props.title.clone() }</h3>
                <p>{ props.chart.summary() }</p>
            </figcaption>
            { props.children.clone() }
            <div class="printed" ref={paper} aria-hidden="true"></div>
            <div class="canvas-frame" ref={frame}>
                <canvas ref={canvas} role="img" aria-label={props.chart.summary().to_owned()} style={format!("height:{height}px")}></canvas>
            </div>
            <div class="chart-foot">
                <details>
                    <summary>{ text::charts::AS_TABLE }</summary>
                    <div class="scroll" tabindex="0" role="region" aria-label={text::charts::as_table(&props.title)}>
                        <table>
                            <thead><tr>{ for table.head.iter().map(|head| html! { <th scope="col">{ head.clone() }</th> }) }</tr></thead>
                            <tbody>{ for table.rows.iter().map(|row| row_of(row)) }</tbody>
                        </table>
                    </div>
                </details>
                <button type="button" class="link" onclick={save}>{ text::charts::SAVE }</button>
            </div>
        </figure>
    }
}

fn row_of(cells: &[String]) -> Html {
    html! {
        <tr>
            { for cells.iter().enumerate().map(|(place, cell)| if place == 0 {
                html! { <th scope="row">{ cell.clone() }</th> }
            } else {
                html! { <td>{ cell.clone() }</td> }
            }) }
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read_from_the_style() {
        assert_eq!(rgb("#0b6b4f"), Some(RGBColor(11, 107, 79)));
        for odd in ["", "0b6b4f", "#fff", "#zzzzzz", "rgb(1,2,3)"] {
            assert_eq!(rgb(odd), None);
        }
    }
}
