//! Every node that runs, as a table to sort, filter and group; only what is in sight is drawn.

use crate::derive::{Grouping, group_of, has_parts, part_depth};
use crate::numbers;
use crate::state::Counts;
use crate::text;
use crate::widgets::{Choice, Choices, use_rows};
use estimator::report::Layer;
use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeSet, HashMap};
use web_sys::HtmlInputElement;
use yew::prelude::*;

/// Properties of [`Layers`].
#[derive(Properties, PartialEq)]
pub struct LayersProps {
    /// The model's counts.
    pub counts: Counts,
}

/// A column of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Place,
    Name,
    Op,
    Shape,
    Parameters,
    Macs,
    Other,
    Weights,
    Activations,
}

const COLUMNS: [Column; 9] = [
    Column::Place,
    Column::Name,
    Column::Op,
    Column::Shape,
    Column::Parameters,
    Column::Macs,
    Column::Other,
    Column::Weights,
    Column::Activations,
];

/// What is known of a module that hyper-parameters describe.
const DESCRIBED: [Column; 6] =
    [Column::Place, Column::Name, Column::Op, Column::Parameters, Column::Macs, Column::Weights];

/// What is known of a module of which there are weights alone.
const OF_WEIGHTS: [Column; 4] = [Column::Place, Column::Name, Column::Parameters, Column::Weights];

impl Column {
    fn is_number(self) -> bool {
        !matches!(self, Column::Name | Column::Op | Column::Shape)
    }
}

/// A row before it is drawn: a layer, or the head of a group with its sums.
#[derive(Clone, Debug, PartialEq)]
enum Row {
    Layer(usize),
    Group { name: String, sums: Sums, open: bool },
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Sums {
    layers: usize,
    parameters: u64,
    macs: u64,
    other: u64,
    weights: u64,
    activations: u64,
}

impl Sums {
    fn add(&mut self, layer: &Layer) {
        let add = |sum: &mut u64, part: u64| *sum = sum.saturating_add(part);
        self.layers += 1;
        add(&mut self.parameters, layer.parameters);
        add(&mut self.macs, layer.macs.unwrap_or(0));
        add(&mut self.other, layer.other_operations.unwrap_or(0));
        add(&mut self.weights, layer.weight_bytes.unwrap_or(0));
        add(&mut self.activations, layer.activation_bytes.unwrap_or(0));
    }

    fn of(&self, column: Column) -> u64 {
        match column {
            Column::Parameters => self.parameters,
            Column::Macs => self.macs,
            Column::Other => self.other,
            Column::Weights => self.weights,
            Column::Activations => self.activations,
            _ => 0,
        }
    }
}

/// How the table is shown.
#[derive(Clone, Debug, PartialEq)]
struct View {
    column: Column,
    down: bool,
    filter: String,
    grouping: Grouping,
    /// How deep the paths of parts are followed.
    depth: usize,
    /// Groups that are open.
    open: BTreeSet<String>,
}

fn compare(a: (usize, &Layer), b: (usize, &Layer), column: Column) -> Ordering {
    let (a_place, a) = a;
    let (b_place, b) = b;
    match column {
        Column::Place => a_place.cmp(&b_place),
        Column::Name => a.name.cmp(&b.name),
        Column::Op => a.op.cmp(&b.op),
        Column::Shape => a.output_symbolic.cmp(&b.output_symbolic),
        Column::Parameters => a.parameters.cmp(&b.parameters),
        Column::Macs => a.macs.cmp(&b.macs),
        Column::Other => a.other_operations.cmp(&b.other_operations),
        Column::Weights => a.weight_bytes.cmp(&b.weight_bytes),
        Column::Activations => a.activation_bytes.cmp(&b.activation_bytes),
    }
}

/// The rows of a view, in order; and how many layers the filter left.
fn rows(layers: &[Layer], view: &View) -> (Vec<Row>, usize) {
    let words: Vec<String> = view.filter.to_lowercase().split_whitespace().map(str::to_owned).collect();
    let matches = |layer: &Layer| {
        let text = format!("{} {} {} {}", layer.name, layer.op, layer.group, layer.output_symbolic).to_lowercase();
        words.iter().all(|word| text.contains(word.as_str()))
    };
    let mut kept: Vec<(usize, &Layer)> =
        layers.iter().enumerate().filter(|(_, layer)| words.is_empty() || matches(layer)).collect();
    let order = |ordering: Ordering| if view.down { ordering.reverse() } else { ordering };
    kept.sort_by(|a, b| order(compare(*a, *b, view.column)).then(a.0.cmp(&b.0)));
    let count = kept.len();
    if view.grouping == Grouping::None {
        return (kept.into_iter().map(|(place, _)| Row::Layer(place)).collect(), count);
    }
    let mut groups: Vec<(String, Sums, Vec<usize>)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for (place, layer) in kept {
        let name = group_of(layer, view.grouping, view.depth);
        let at = *places.entry(name.clone()).or_insert_with(|| {
            groups.push((name, Sums::default(), Vec::new()));
            groups.len() - 1
        });
        if let Some((_, sums, members)) = groups.get_mut(at) {
            sums.add(layer);
            members.push(place);
        }
    }
    if view.column.is_number() && view.column != Column::Place {
        groups.sort_by_key(|(_, sums, _)| sums.of(view.column));
        if view.down {
            groups.sort_by_key(|(_, sums, _)| Reverse(sums.of(view.column)));
        }
    }
    let mut rows = Vec::new();
    for (name, sums, members) in groups {
        let open = view.open.contains(&name);
        rows.push(Row::Group { name, sums, open });
        if open {
            rows.extend(members.into_iter().map(Row::Layer));
        }
    }
    (rows, count)
}

/// Every node that runs.
#[component]
pub fn Layers(props: &LayersProps) -> Html {
    let view = use_state(|| View {
        column: Column::Place,
        down: false,
        filter: String::new(),
        grouping: Grouping::None,
        depth: 0,
        open: BTreeSet::new(),
    });
    let depth = use_memo(props.counts.clone(), |counts| part_depth(counts));
    let shown = View { depth: *depth, ..(*view).clone() };
    let table = use_memo((props.counts.clone(), shown), |(counts, view)| rows(&counts.layers, view));
    let alone = props.counts.weights_only && props.counts.macs.is_none();
    let columns: &'static [Column] = match (props.counts.weights_only, alone) {
        (_, true) => &OF_WEIGHTS,
        (true, false) => &DESCRIBED,
        (false, false) => &COLUMNS,
    };
    let (rows, kept) = &*table;
    let sight =
        use_rows(rows.len(), (props.counts.clone(), view.column, view.down, view.filter.clone(), view.grouping));
    let whole = props.counts.macs.unwrap_or(0);

    let change = |change: fn(&mut View, String)| {
        let view = view.clone();
        Callback::from(move |text: String| {
            let mut changed = (*view).clone();
            change(&mut changed, text);
            view.set(changed);
        })
    };
    let filter = change(|view, text| view.filter = text);
    let toggle = change(|view, name| {
        if !view.open.remove(&name) {
            view.open.insert(name);
        }
    });
    let sort = {
        let view = view.clone();
        Callback::from(move |column: Column| {
            // Large numbers first, names from A: what people look for.
            let down = if view.column == column { !view.down } else { column.is_number() && column != Column::Place };
            view.set(View { column, down, ..(*view).clone() });
        })
    };
    let group = {
        let view = view.clone();
        Callback::from(move |grouping: Grouping| {
            // Sums are read from the largest.
            let (column, down) = if view.column == Column::Place && grouping != Grouping::None {
                (Column::Macs, true)
            } else {
                (view.column, view.down)
            };
            view.set(View { grouping, column, down, open: BTreeSet::new(), ..(*view).clone() });
        })
    };
    let has_parts = use_memo(props.counts.clone(), |counts| has_parts(counts));
    let mut groupings = vec![
        Choice { value: Grouping::None, label: text::layers::IN_ORDER },
        Choice {
            value: Grouping::Operator,
            label: if alone { text::inside::BY_KIND } else { text::inside::BY_OPERATOR },
        },
        Choice { value: Grouping::Part, label: text::inside::BY_PART },
    ];
    groupings.retain(|choice| *has_parts || choice.value != Grouping::Part);
    let head = |column: &Column| {
        let column = *column;
        let sorted = view.column == column;
        let direction = if !sorted {
            "none"
        } else if view.down {
            "descending"
        } else {
            "ascending"
        };
        let sort = sort.clone();
        html! {
            <th scope="col" aria-sort={direction} class={classes!(column.is_number().then_some("number"), sorted.then_some("sorted"))}>
                <button type="button" onclick={move |_| sort.emit(column)}>{ text::layers::COLUMNS.get(column as usize).copied().unwrap_or_default() }
                    <span class="arrow" aria-hidden="true">{ if !sorted { "" } else if view.down { "↓" } else { "↑" } }</span></button>
            </th>
        }
    };
    let filter_id = "layer-filter";
    html! {
        <section id="layers" aria-labelledby="layers-title">
            <h2 id="layers-title">{ if props.counts.weights_only { text::layers::MODULES } else { text::layers::TITLE } }</h2>
            <div class="table-tools">
                <div class="field">
                    <label for={filter_id}>{ if alone { text::layers::FILTER_MODULES } else { text::layers::FILTER } }</label>
                    <input type="search" id={filter_id} autocomplete="off" spellcheck="false" value={view.filter.clone()}
                        oninput={move |event: InputEvent| filter.emit(event.target_unchecked_into::<HtmlInputElement>().value())} />
                </div>
                <Choices<Grouping> id="layer-grouping" legend={text::layers::ARRANGE} choices={groupings} chosen={view.grouping} choose={group} />
                <p class="muted" role="status">{ text::layers::count(*kept, props.counts.layers.len(), props.counts.weights_only) }</p>
            </div>
            <div class="layer-table" ref={sight.node.clone()} onscroll={sight.onscroll.clone()} tabindex="0" role="region" aria-label={text::layers::TABLE}>
                <table class={classes!(props.counts.weights_only.then_some("few"))} aria-rowcount={(rows.len() + 1).to_string()}>
                    <thead><tr aria-rowindex="1">{ for columns.iter().map(head) }</tr></thead>
                    <tbody>
                        if sight.above > 0.0 { <tr class="gap" aria-hidden="true"><td colspan={columns.len().to_string()} style={format!("height:{}px", sight.above)}></td></tr> }
                        { for rows.iter().enumerate().take(sight.to).skip(sight.from).map(|(place, row)| match row {
                            Row::Layer(at) => props.counts.layers.get(*at).map(|layer| layer_row(columns, place, *at, layer, whole)).unwrap_or_default(),
                            Row::Group { name, sums, open } => group_row(columns, place, name, sums, *open, whole, &toggle),
                        }) }
                        if sight.below > 0.0 { <tr class="gap" aria-hidden="true"><td colspan={columns.len().to_string()} style={format!("height:{}px", sight.below)}></td></tr> }
                    </tbody>
                </table>
                if rows.is_empty() { <p class="table-empty">{ text::layers::none(&view.filter) }</p> }
            </div>
        </section>
    }
}

fn cell(value: Option<u64>) -> Html {
    match value {
        Some(0) => html! { <td class="number zero">{ "0" }</td> },
        Some(value) => {
            html! { <td class="number" title={estimator::format::whole(value)}>{ numbers::count(value, "").text() }</td> }
        }
        None => html! { <td class="number unknown" title={text::NOT_KNOWN}>{ "?" }</td> },
    }
}

fn size(value: Option<u64>) -> Html {
    match value {
        Some(0) => html! { <td class="number zero">{ "0" }</td> },
        Some(value) => {
            html! { <td class="number" title={estimator::format::whole(value)}>{ numbers::size(value).text() }</td> }
        }
        None => html! { <td class="number unknown" title={text::NOT_KNOWN}>{ "?" }</td> },
    }
}

/// MACs with a bar for their share of the whole.
fn macs(value: Option<u64>, whole: u64) -> Html {
    match value {
        Some(value) if value > 0 && whole > 0 => {
            let share = value as f64 / whole as f64;
            html! {
                <td class="number share" style={format!("--share:{:.2}%", share * 100.0)} title={format!("{} ({})", estimator::format::whole(value), numbers::percent(share))}>
                    { numbers::count(value, "").text() }
                </td>
            }
        }
        value => cell(value),
    }
}

/// So many letters at the end of a name are always shown: layers of one model differ there.
const SHOWN_END: usize = 14;

/// A name that loses its middle where there is no room for all of it, and neither its beginning nor its end.
fn cut_in_the_middle(name: &str) -> Html {
    let letters = name.chars().count();
    let (start, end) = match name.char_indices().nth(letters.saturating_sub(SHOWN_END)) {
        Some((at, _)) => name.split_at(at),
        None => ("", name),
    };
    html! { <span class="cut"><span>{ start.to_owned() }</span><span>{ end.to_owned() }</span></span> }
}

fn layer_row(columns: &[Column], place: usize, at: usize, layer: &Layer, whole: u64) -> Html {
    let times = (layer.times > 1).then(|| text::layers::times(layer.times));
    let one = |column: &Column| match column {
        Column::Place => html! { <td class="number muted">{ at + 1 }</td> },
        Column::Name => {
            html! { <th scope="row" title={layer.name.clone()}>{ cut_in_the_middle(&layer.name) }{ times.clone() }</th> }
        }
        Column::Op => html! { <td>{ layer.op.clone() }</td> },
        Column::Shape => {
            html! { <td class="shape" title={layer.output_symbolic.clone()}>{ layer.output_symbolic.clone() }</td> }
        }
        Column::Parameters => cell(Some(layer.parameters)),
        Column::Macs => macs(layer.macs, whole),
        Column::Other => cell(layer.other_operations),
        Column::Weights => size(layer.weight_bytes),
        Column::Activations => size(layer.activation_bytes),
    };
    html! { <tr key={at} aria-rowindex={(place + 2).to_string()}>{ for columns.iter().map(one) }</tr> }
}

fn group_row(
    columns: &[Column],
    place: usize,
    name: &str,
    sums: &Sums,
    open: bool,
    whole: u64,
    toggle: &Callback<String>,
) -> Html {
    let (toggle, key) = (toggle.clone(), name.to_owned());
    let wide = columns.iter().filter(|column| !column.is_number()).count();
    let one = |column: &Column| match column {
        Column::Place | Column::Name | Column::Op | Column::Shape => Html::default(),
        Column::Parameters => cell(Some(sums.parameters)),
        Column::Macs => macs(Some(sums.macs), whole),
        Column::Other => cell(Some(sums.other)),
        Column::Weights => size(Some(sums.weights)),
        Column::Activations => size(Some(sums.activations)),
    };
    html! {
        <tr key={format!("group {name}")} class="group" aria-rowindex={(place + 2).to_string()}>
            <td class="number muted">{ sums.layers }</td>
            <th scope="row" colspan={wide.to_string()} title={name.to_owned()}>
                <button type="button" class="group-button" aria-expanded={open.to_string()} onclick={move |_| toggle.emit(key.clone())}>
                    <span aria-hidden="true">{ if open { "▾ " } else { "▸ " } }</span>{ name.to_owned() }</button>
            </th>
            { for columns.iter().map(one) }
        </tr>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layers() -> Vec<Layer> {
        let layer = |name: &str, op: &str, macs: u64| Layer {
            name: name.to_owned(),
            op: op.to_owned(),
            macs: Some(macs),
            ..Layer::default()
        };
        vec![layer("b", "Conv", 5), layer("a", "Relu", 0), layer("c", "Conv", 9)]
    }

    fn view() -> View {
        View {
            column: Column::Place,
            down: false,
            filter: String::new(),
            grouping: Grouping::None,
            depth: 2,
            open: BTreeSet::new(),
        }
    }

    fn places(view: &View) -> Vec<usize> {
        let (rows, _) = rows(&layers(), view);
        rows.iter().filter_map(|row| if let Row::Layer(at) = row { Some(*at) } else { None }).collect()
    }

    #[test]
    fn rows_are_sorted_both_ways() {
        assert_eq!(places(&view()), [0, 1, 2]);
        assert_eq!(places(&View { column: Column::Macs, down: true, ..view() }), [2, 0, 1]);
        assert_eq!(places(&View { column: Column::Name, ..view() }), [1, 0, 2]);
    }

    #[test]
    fn every_word_of_a_filter_must_be_there() {
        assert_eq!(places(&View { filter: "CON b".to_owned(), ..view() }), [0]);
        assert_eq!(rows(&layers(), &View { filter: "none".to_owned(), ..view() }), (Vec::new(), 0));
    }

    #[test]
    fn groups_carry_sums_and_open() {
        let grouped = View { grouping: Grouping::Operator, column: Column::Macs, down: true, ..view() };
        let (list, _) = rows(&layers(), &grouped);
        assert!(
            matches!(&list[0], Row::Group { name, sums, open: false } if name == "Conv" && (sums.layers, sums.macs) == (2, 14))
        );
        assert_eq!(list.len(), 2);
        let opened = View { open: BTreeSet::from(["Conv".to_owned()]), ..grouped };
        assert_eq!(places(&opened), [2, 0]);
    }
}
