//! One amount against another on logarithmic scales, with the line on which both are equal and a band of a factor around it.

use super::{At, Drawn, Pen, Table, fitting, width_of};
use crate::numbers;
use estimator::format;
use plotters::prelude::*;

/// A pair of amounts in one unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Dot {
    /// What it is of.
    pub label: String,
    /// The amount from left to right.
    pub x: f64,
    /// The amount from below upwards.
    pub y: f64,
    /// The range of the latter, where there is one.
    pub range: Option<(f64, f64)>,
    /// Its place in the list of series.
    pub series: usize,
}

/// Pairs of amounts that should be equal.
#[derive(Clone, Debug, PartialEq)]
pub struct Scatter {
    /// The pairs.
    pub dots: Vec<Dot>,
    /// Names of the series: the first is what the chart is about, the others are hollow.
    pub series: Vec<String>,
    /// The band reaches from equal ÷ this to equal × this.
    pub band: f64,
    /// What the band is called on the drawing.
    pub band_name: String,
    /// What there is to see.
    pub summary: String,
    /// Names of the axes, with their unit.
    pub axes: [String; 2],
    /// Heads of the table's columns: name, series, left to right, upwards.
    pub head: [String; 4],
}

const LEFT: f64 = 62.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 48.0;
const BOTTOM: f64 = 46.0;
const SIZE: f64 = 12.0;
const RADIUS: f64 = 4.5;
/// Radius where many dots would cover one another, and how many that is.
const SMALL: f64 = 3.0;
const MANY: usize = 120;
/// How many of the pairs that are furthest apart get their names.
const NAMED: usize = 4;

fn drawable(value: f64) -> bool {
    value.is_finite() && value > 0.0
}

impl Scatter {
    fn drawn(&self) -> impl Iterator<Item = &Dot> {
        self.dots.iter().filter(|dot| drawable(dot.x) && drawable(dot.y))
    }

    pub(super) fn height(&self, width: f64) -> f64 {
        (width * 0.75).clamp(300.0, 560.0)
    }

    pub(super) fn table(&self) -> Table {
        let name = |dot: &Dot| self.series.get(dot.series).cloned().unwrap_or_default();
        let row = |dot: &Dot| vec![dot.label.clone(), name(dot), format::number(dot.x), format::number(dot.y)];
        Table { head: self.head.to_vec(), rows: self.dots.iter().map(row).collect() }
    }

    /// The decades that hold all dots and the band around them.
    fn ends(&self) -> (f64, f64) {
        let amounts = self.drawn().flat_map(|dot| [dot.x, dot.y]);
        let (least, most) = amounts.fold((f64::INFINITY, 0.0f64), |(least, most), one| (least.min(one), most.max(one)));
        if !drawable(least) || !drawable(most) {
            return (0.0, 1.0);
        }
        // A decade of its own for a single place.
        let (low, high) = (least.log10().floor(), most.log10().ceil());
        if high - low < 1.0 { (low, low + 1.0) } else { (low, high) }
    }

    pub(super) fn draw<B: DrawingBackend>(&self, pen: &Pen<'_, B>) -> Drawn<B> {
        let look = pen.look;
        let (right, bottom) = ((pen.width() - RIGHT).max(LEFT + 1.0), pen.height() - BOTTOM);
        let (from, to) = self.ends();
        let x = |log: f64| LEFT + (log - from) / (to - from) * (right - LEFT);
        let y = |log: f64| bottom - (log - from) / (to - from) * (bottom - TOP);
        // Where a line parallel to the line of equals enters and leaves the drawing.
        let parallel = |above: f64| {
            let (start, end) = (from.max(from - above), to.min(to - above));
            [(x(start), y(start + above)), (x(end), y(end + above))]
        };
        if self.band > 1.0 {
            let wide = self.band.log10();
            let (upper, lower) = (parallel(wide), parallel(-wide));
            let corners = [(x(from), y(from)), lower[0], lower[1], (x(to), y(to)), upper[1], upper[0]];
            pen.area(&corners, look.accent.mix(0.13))?;
        }
        // Many decades on a narrow drawing: every second or third one is named.
        let decades = (from as i32)..=(to as i32);
        let step = (((to - from) * 44.0 / (right - LEFT)).ceil() as i32).max(1);
        for decade in decades {
            let (across, up) = (x(f64::from(decade)), y(f64::from(decade)));
            pen.line(&[(across, TOP), (across, bottom)], look.rule, 1.0)?;
            pen.line(&[(LEFT, up), (right, up)], look.rule, 1.0)?;
            if (decade - from as i32) % step == 0 {
                let name = numbers::short(10f64.powi(decade));
                pen.text(&name, across, bottom + 12.0, At::Middle, SIZE, look.muted)?;
                pen.text(&name, LEFT - 8.0, up, At::Right, SIZE, look.muted)?;
            }
        }
        let [x_name, y_name] = &self.axes;
        pen.text(&fitting(x_name, pen.width(), SIZE), right, bottom + 32.0, At::Right, SIZE, look.muted)?;
        pen.text(&fitting(y_name, pen.width(), SIZE), 0.0, 10.0, At::Left, SIZE, look.muted)?;
        pen.line(&parallel(0.0), look.ink, 1.5)?;
        self.legend(pen)?;

        let stroke = look.px(1.0).max(1) as u32;
        let radius = if self.dots.len() > MANY { SMALL } else { RADIUS };
        for dot in self.drawn() {
            let (across, up) = (x(dot.x.log10()), y(dot.y.log10()));
            if let Some((low, high)) = dot.range.filter(|(low, high)| drawable(*low) && drawable(*high)) {
                let ends = [low.log10().clamp(from, to), high.log10().clamp(from, to)].map(y);
                pen.line(&[(across, ends[0]), (across, ends[1])], look.accent.mix(0.4), 1.5)?;
            }
            self.mark(pen, dot.series, (across, up), radius, stroke)?;
        }
        // Names of those that are furthest from where they should be, where there is room.
        let off = |dot: &Dot| (dot.y / dot.x).ln().abs();
        let mut far: Vec<&Dot> = self.drawn().filter(|dot| dot.series == 0).collect();
        far.sort_by(|a, b| off(b).total_cmp(&off(a)));
        let mut taken: Vec<(f64, f64, f64)> = Vec::new();
        for dot in far.into_iter().take(NAMED) {
            let (across, up) = (x(dot.x.log10()), y(dot.y.log10()));
            let name = fitting(&dot.label, (right - LEFT) * 0.4, SIZE);
            let wide = width_of(&name, SIZE);
            let start =
                if across + RADIUS + 6.0 + wide > right { across - RADIUS - 6.0 - wide } else { across + RADIUS + 6.0 };
            let free = taken.iter().all(|(a, b, line)| start > *b || start + wide < *a || (up - line).abs() > 14.0);
            if free && start > LEFT {
                taken.push((start, start + wide, up));
                pen.text(&name, start, up, At::Left, SIZE, look.ink)?;
            }
        }
        Ok(())
    }

    /// The mark of a series: full for the first, a ring for any other.
    fn mark<B: DrawingBackend>(
        &self,
        pen: &Pen<'_, B>,
        series: usize,
        at: (f64, f64),
        radius: f64,
        stroke: u32,
    ) -> Drawn<B> {
        let look = pen.look;
        if series == 0 {
            pen.circle(at.0, at.1, radius, look.accent.mix(0.75).filled())
        } else {
            pen.circle(at.0, at.1, radius, look.ink.stroke_width(stroke))
        }
    }

    /// Which mark is which, in a line above the drawing.
    fn legend<B: DrawingBackend>(&self, pen: &Pen<'_, B>) -> Drawn<B> {
        let mut at = LEFT;
        for (place, name) in self.series.iter().enumerate() {
            let name = fitting(name, (pen.width() - at - 24.0).max(20.0), SIZE);
            self.mark(pen, place, (at + RADIUS, 30.0), RADIUS, pen.look.px(1.0).max(1) as u32)?;
            pen.text(&name, at + 14.0, 30.0, At::Left, SIZE, pen.look.ink)?;
            at += 14.0 + width_of(&name, SIZE) + 18.0;
        }
        if !self.band_name.is_empty() && at + width_of(&self.band_name, SIZE) + 20.0 < pen.width() {
            pen.rect(at, 25.0, 12.0, 10.0, pen.look.accent.mix(0.25))?;
            pen.text(&self.band_name, at + 18.0, 30.0, At::Left, SIZE, pen.look.ink)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Chart, tests::checked};
    use super::*;

    fn dot(label: &str, x: f64, y: f64) -> Dot {
        Dot { label: label.to_owned(), x, y, range: Some((y / 2.0, y * 2.0)), series: 0 }
    }

    fn chart(dots: Vec<Dot>) -> Chart {
        Chart::Scatter(Scatter {
            dots,
            series: vec!["Ours".to_owned(), "Theirs".to_owned()],
            band: 2.0,
            band_name: "within a factor of 2".to_owned(),
            summary: "Most are near the line.".to_owned(),
            axes: ["Published, kWh".to_owned(), "Estimated, kWh".to_owned()],
            head: ["Run", "Method", "Published", "Estimated"].map(str::to_owned),
        })
    }

    #[test]
    fn those_that_are_furthest_off_are_named() {
        let near = (0..20).map(|place| dot(&format!("near {place}"), 10f64.powi(place), 10f64.powi(place)));
        let svg = checked(&chart(near.chain([dot("far off", 1e3, 1e5)]).collect()));
        assert!(svg.contains("far off"), "{svg}");
        assert!(svg.contains("Ours") && svg.contains("within a factor of 2"), "{svg}");
    }

    #[test]
    fn the_table_has_every_pair_with_its_series() {
        let theirs = Dot { series: 1, range: None, ..dot("a", 2.0, 3.0) };
        let table = chart(vec![dot("a", 2.0, 2.5), theirs]).table();
        assert_eq!(table.rows, [["a", "Ours", "2", "2.5"], ["a", "Theirs", "2", "3"]]);
    }

    #[test]
    fn odd_numbers_do_no_harm() {
        checked(&chart(Vec::new()));
        checked(&chart(vec![dot("one", 5.0, 5.0)]));
        checked(&chart(vec![
            dot("zero", 0.0, 1.0),
            dot("nan", f64::NAN, f64::NAN),
            dot("endless", f64::INFINITY, 1.0),
            dot("small", 1e-300, 1e300),
            Dot { range: Some((0.0, f64::INFINITY)), series: 7, ..dot("no such series", 1.0, 1.0) },
        ]));
    }
}
