//! Amounts that follow another amount: a line for each series, on plain or logarithmic scales.

use super::{At, Drawn, Pen, Table, fitting, width_of};
use crate::numbers;
use estimator::format;
use plotters::prelude::*;

/// A line.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// Its name.
    pub name: String,
    /// Its places from left to right: the amount from left to right, the amount from below upwards.
    pub points: Vec<(f64, f64)>,
    /// A place of its own to be marked, such as the lowest.
    pub marked: Option<(f64, f64)>,
}

/// How an axis is laid out.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// Its name, with its unit.
    pub name: String,
    /// Whether equal distances are equal ratios; only amounts over zero are drawn then.
    pub logarithmic: bool,
    /// Ends that are shown whatever the points are; with a plain axis that should begin at zero, (0, 0).
    pub holds: Option<(f64, f64)>,
}

/// Lines in one drawing.
#[derive(Clone, Debug, PartialEq)]
pub struct Curves {
    /// The lines: the first is what the chart is about.
    pub curves: Vec<Curve>,
    /// From left to right.
    pub across: Axis,
    /// From below upwards.
    pub up: Axis,
    /// What there is to see.
    pub summary: String,
    /// The head of the table's first column; the others are the axes' names.
    pub head: String,
}

const LEFT: f64 = 62.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 48.0;
const BOTTOM: f64 = 46.0;
const SIZE: f64 = 12.0;
/// Rows of a line that the table lists: evenly taken, the last among them.
const LISTED: usize = 20;
/// Lines of an axis, about.
const LINES: f64 = 5.0;

impl Axis {
    fn drawable(&self, value: f64) -> bool {
        value.is_finite() && (!self.logarithmic || value > 0.0)
    }

    /// The place of an amount on the axis, before it is stretched to the drawing.
    fn place(&self, value: f64) -> f64 {
        if self.logarithmic { value.log10() } else { value }
    }

    /// The ends that hold these amounts, as places.
    fn ends(&self, amounts: impl Iterator<Item = f64>) -> (f64, f64) {
        let held = self.holds.into_iter().flat_map(|(low, high)| [low, high]);
        let places = amounts.chain(held).filter(|value| self.drawable(*value)).map(|value| self.place(value));
        let (low, high) = places.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
        match (low.is_finite(), high > low) {
            (false, _) => (0.0, 1.0),
            (true, false) => (low - 0.5, low + 0.5),
            (true, true) => (low, high),
        }
    }

    /// Places of the lines that guide the eye, with what is written beside each.
    fn lines(&self, (low, high): (f64, f64)) -> Vec<(f64, String)> {
        if self.logarithmic && high - low >= 1.0 {
            let every = ((high - low) / (2.0 * LINES)).ceil().max(1.0) as i32;
            let decades = (low.ceil() as i32)..=(high.floor() as i32);
            return decades
                .filter(|decade| decade.rem_euclid(every) == 0)
                .map(|decade| (f64::from(decade), numbers::short(10f64.powi(decade))))
                .collect();
        }
        // Steps of 1, 2 or 5 times a power of ten.
        let rough = (high - low) / LINES;
        let power = 10f64.powf(rough.log10().floor());
        let step =
            [1.0, 2.0, 5.0, 10.0].into_iter().map(|times| times * power).find(|step| *step >= rough).unwrap_or(rough);
        let first = (low / step).ceil();
        let count = ((high - first * step) / step).floor().clamp(0.0, 4.0 * LINES) as usize;
        (0..=count)
            .map(|number| {
                let place = (first + number as f64) * step;
                let amount = if self.logarithmic { 10f64.powf(place) } else { place };
                (place, numbers::short(amount))
            })
            .collect()
    }
}

impl Curves {
    pub(super) fn height(&self, width: f64) -> f64 {
        (width * 0.5).clamp(240.0, 360.0)
    }

    pub(super) fn table(&self) -> Table {
        let rows = self.curves.iter().flat_map(|curve| {
            // A break in the line is no row.
            let known: Vec<&(f64, f64)> = curve.points.iter().filter(|(x, y)| x.is_finite() && y.is_finite()).collect();
            let every = known.len().div_ceil(LISTED).max(1);
            let last = known.len().saturating_sub(1);
            let listed = known.into_iter().enumerate().filter(move |(place, _)| (last - place).is_multiple_of(every));
            listed.map(|(_, (x, y))| vec![curve.name.clone(), format::number(*x), format::number(*y)])
        });
        Table { head: vec![self.head.clone(), self.across.name.clone(), self.up.name.clone()], rows: rows.collect() }
    }

    pub(super) fn draw<B: DrawingBackend>(&self, pen: &Pen<'_, B>) -> Drawn<B> {
        let look = pen.look;
        let (right, bottom) = ((pen.width() - RIGHT).max(LEFT + 1.0), pen.height() - BOTTOM);
        let all = || self.curves.iter().flat_map(|curve| curve.points.iter().copied());
        let x_ends = self.across.ends(all().map(|(x, _)| x));
        let y_ends = self.up.ends(all().map(|(_, y)| y));
        let x = |place: f64| LEFT + (place - x_ends.0) / (x_ends.1 - x_ends.0) * (right - LEFT);
        let y = |place: f64| bottom - (place - y_ends.0) / (y_ends.1 - y_ends.0) * (bottom - TOP);

        let mut written = f64::NEG_INFINITY;
        for (place, name) in self.across.lines(x_ends) {
            pen.line(&[(x(place), TOP), (x(place), bottom)], look.rule, 1.0)?;
            // A narrow drawing names as many lines as fit.
            let half = width_of(&name, SIZE) / 2.0;
            if x(place) - half > written {
                pen.text(&name, x(place), bottom + 12.0, At::Middle, SIZE, look.muted)?;
                written = x(place) + half + 6.0;
            }
        }
        for (place, name) in self.up.lines(y_ends) {
            pen.line(&[(LEFT, y(place)), (right, y(place))], look.rule, 1.0)?;
            pen.text(&name, LEFT - 8.0, y(place), At::Right, SIZE, look.muted)?;
        }
        pen.text(&fitting(&self.across.name, pen.width(), SIZE), right, bottom + 32.0, At::Right, SIZE, look.muted)?;
        pen.text(&fitting(&self.up.name, pen.width(), SIZE), 0.0, 10.0, At::Left, SIZE, look.muted)?;

        let mut at = LEFT;
        for (number, curve) in self.curves.iter().enumerate() {
            let (colour, wide) = self.style(number, pen);
            let drawable = |(x, y): &&(f64, f64)| self.across.drawable(*x) && self.up.drawable(*y);
            let place = |(px, py): &(f64, f64)| (x(self.across.place(*px)), y(self.up.place(*py)));
            // What cannot be drawn breaks the line.
            for part in curve.points.split(|point| !drawable(&point)) {
                let places: Vec<(f64, f64)> = part.iter().map(place).collect();
                match places.as_slice() {
                    [] => {}
                    [(px, py)] => pen.circle(*px, *py, 3.0, colour.filled())?,
                    places => pen.line(places, colour, wide)?,
                }
            }
            if let Some((px, py)) = curve.marked.iter().find(drawable).map(place) {
                pen.circle(px, py, 4.5, colour.filled())?;
            }
            let name = fitting(&curve.name, (pen.width() - at - 30.0).max(20.0), SIZE);
            pen.line(&[(at, 30.0), (at + 16.0, 30.0)], colour, wide)?;
            pen.text(&name, at + 22.0, 30.0, At::Left, SIZE, look.ink)?;
            at += 22.0 + width_of(&name, SIZE) + 18.0;
        }
        Ok(())
    }

    /// The first line in the colour of what the chart is about; the others differ by shade and width.
    fn style<B: DrawingBackend>(&self, number: usize, pen: &Pen<'_, B>) -> (RGBAColor, f64) {
        let look = pen.look;
        match number {
            0 => (look.accent.mix(1.0), 2.5),
            1 => (look.ink.mix(1.0), 1.5),
            more => (look.muted.mix(1.0 / (more as f64 - 1.0).sqrt()), 1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Chart, tests::checked};
    use super::*;

    fn axis(name: &str, logarithmic: bool) -> Axis {
        Axis { name: name.to_owned(), logarithmic, holds: None }
    }

    fn chart(points: Vec<(f64, f64)>, logarithmic: bool) -> Chart {
        let curve = |name: &str, points| Curve { name: name.to_owned(), points, marked: Some((2.0, 0.5)) };
        Chart::Curves(Curves {
            curves: vec![curve("loss", points), curve("other", vec![(1.0, 1.0)])],
            across: axis("images", logarithmic),
            up: axis("loss", logarithmic),
            summary: "It falls.".to_owned(),
            head: "Line".to_owned(),
        })
    }

    #[test]
    fn lines_have_names_and_round_numbers_beside_them() {
        let points = (0..=100).map(|n| (f64::from(n) * 10.0, 2.0 / f64::from(n + 1))).collect();
        let svg = checked(&chart(points, false));
        for words in ["loss", "other", "images", "200", "0.5"] {
            assert!(svg.contains(words), "{words} in {svg}");
        }
    }

    #[test]
    fn a_table_lists_some_of_many_and_always_the_last() {
        let table = chart((0..1001).map(|n| (f64::from(n), 1.0)).collect(), false).table();
        let loss: Vec<_> = table.rows.iter().filter(|row| row[0] == "loss").collect();
        assert!(loss.len() <= 21 && loss.len() >= 19, "{}", loss.len());
        assert_eq!(loss.last().map(|row| row[1].as_str()), Some("1,000"));
    }

    #[test]
    fn odd_numbers_do_no_harm() {
        for logarithmic in [false, true] {
            checked(&chart(Vec::new(), logarithmic));
            checked(&chart(vec![(1.0, 1.0)], logarithmic));
            checked(&chart(vec![(0.0, -1.0), (f64::NAN, 1.0), (f64::INFINITY, 2.0), (1e300, 1e-300)], logarithmic));
            checked(&chart(vec![(-1e300, 1.0), (1e300, 1.0)], logarithmic));
        }
    }
}
