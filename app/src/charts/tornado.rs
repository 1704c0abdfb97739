//! How far each assumption would move the result: the widest first, on a logarithmic scale around the result itself.

use super::{At, Drawn, Pen, Table, fitting};
use plotters::prelude::*;

/// One end of a swing.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// What it would be: `Sweden`, `PUE 1.6`.
    pub label: String,
    /// The result in that case, as printed.
    pub shown: String,
    /// The result in that case as a multiple of the result now.
    pub factor: f64,
}

/// What one assumption does.
#[derive(Clone, Debug, PartialEq)]
pub struct Swing {
    /// The assumption.
    pub name: String,
    /// The least result.
    pub low: Case,
    /// The greatest result.
    pub high: Case,
}

/// How far each assumption would move the result.
#[derive(Clone, Debug, PartialEq)]
pub struct Tornado {
    /// The assumptions, the strongest first.
    pub swings: Vec<Swing>,
    /// The result now, as printed.
    pub now: String,
    /// What there is to see.
    pub summary: String,
    /// Heads of the table's columns: assumption, least, greatest.
    pub head: [String; 3],
}

const TOP: f64 = 28.0;
const ROW: f64 = 52.0;
const SIZE: f64 = 13.0;
const SMALL: f64 = 12.0;
const THICK: f64 = 14.0;

impl Tornado {
    pub(super) fn height(&self) -> f64 {
        TOP + self.swings.len() as f64 * ROW + 6.0
    }

    pub(super) fn table(&self) -> Table {
        let end = |case: &Case| format!("{} ({})", case.shown, case.label);
        Table {
            head: self.head.to_vec(),
            rows: self.swings.iter().map(|swing| vec![swing.name.clone(), end(&swing.low), end(&swing.high)]).collect(),
        }
    }

    pub(super) fn draw<B: DrawingBackend>(&self, pen: &Pen<'_, B>) -> Drawn<B> {
        let look = pen.look;
        let side = (pen.width() * 0.27).min(190.0);
        let (left, right) = (side, (pen.width() - side).max(side + 1.0));
        let log = |factor: f64| if factor > 0.0 { factor.log10() } else { -3.0 }.clamp(-3.0, 3.0);
        let ends = self.swings.iter().flat_map(|swing| [log(swing.low.factor), log(swing.high.factor)]);
        let (least, most) = ends.fold((-0.05f64, 0.05f64), |(least, most), end| (least.min(end), most.max(end)));
        let x = |factor: f64| left + 4.0 + (log(factor) - least) / (most - least) * (right - left - 8.0);
        let centre = x(1.0);
        let now_at = if centre > pen.width() * 0.75 {
            At::Right
        } else if centre < pen.width() * 0.25 {
            At::Left
        } else {
            At::Middle
        };
        pen.text(&self.now, centre, 10.0, now_at, SIZE, look.ink)?;
        for (place, swing) in self.swings.iter().enumerate() {
            let top = TOP + place as f64 * ROW;
            if place > 0 {
                pen.line(&[(0.0, top), (pen.width(), top)], look.rule, 1.0)?;
            }
            let middle = top + 35.0;
            let name = fitting(&swing.name, pen.width() * 0.9, SIZE);
            pen.text(&name, 0.0, top + 13.0, At::Left, SIZE, look.ink)?;
            let (from, to) = (x(swing.low.factor), x(swing.high.factor));
            // Both ends can lie on one side of what is chosen now.
            pen.rect(from, middle - THICK / 2.0, to.min(centre) - from, THICK, look.accent)?;
            pen.rect(from.max(centre), middle - THICK / 2.0, to - from.max(centre), THICK, look.muted)?;
            let ends = |case: &Case| format!("{} · {}", case.shown, case.label);
            let low = fitting(&ends(&swing.low), from - 10.0, SMALL);
            pen.text(&low, from - 8.0, middle, At::Right, SMALL, look.muted)?;
            let high = fitting(&ends(&swing.high), pen.width() - to - 10.0, SMALL);
            pen.text(&high, to + 8.0, middle, At::Left, SMALL, look.muted)?;
        }
        pen.line(&[(centre, 20.0), (centre, self.height())], look.ink, 1.5)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Chart, tests::checked};
    use super::*;

    fn case(label: &str, factor: f64) -> Case {
        Case { label: label.to_owned(), shown: format!("{factor} kg"), factor }
    }

    fn chart(swings: Vec<Swing>) -> Chart {
        let head = ["What", "Least", "Greatest"].map(str::to_owned);
        Chart::Tornado(Tornado { swings, now: "1 kg".to_owned(), summary: "The region matters most.".to_owned(), head })
    }

    #[test]
    fn both_ends_are_named() {
        let swing = Swing { name: "Region".to_owned(), low: case("Sweden", 0.1), high: case("Poland", 2.0) };
        let svg = checked(&chart(vec![swing]));
        assert!(svg.contains("Region") && svg.contains("Sweden") && svg.contains("Poland"), "{svg}");
    }

    #[test]
    fn ends_beyond_the_scale_and_no_swings_can_be_drawn() {
        checked(&chart(Vec::new()));
        let odd = Swing { name: "Odd".to_owned(), low: case("none", 0.0), high: case("all", 1e12) };
        checked(&chart(vec![odd]));
    }
}
