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
const FOOT: f64 = 26.0;
const SIZE: f64 = 13.0;
const SMALL: f64 = 12.0;
const THICK: f64 = 14.0;
/// Below this width the ends are named under their bar and not beside it.
const NARROW: f64 = 560.0;
/// A change too small to be drawn or named.
const AS_NOW: f64 = 0.005;
/// Factors that the scale can be marked with, and how far apart marks must be.
const MARKS: [f64; 12] = [0.001, 0.01, 0.1, 0.2, 0.5, 0.8, 1.25, 2.0, 5.0, 10.0, 100.0, 1000.0];
const APART: f64 = 52.0;
/// Assumptions on a printed page.
const MOST_PRINTED: usize = 5;

impl Tornado {
    fn row(width: f64) -> f64 {
        if width < NARROW { 68.0 } else { 52.0 }
    }

    /// The few that move the result most.
    pub(super) fn shortened(&self) -> Self {
        Self { swings: self.swings.iter().take(MOST_PRINTED).cloned().collect(), ..self.clone() }
    }

    pub(super) fn height(&self, width: f64) -> f64 {
        TOP + self.swings.len() as f64 * Self::row(width) + FOOT
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
        let (narrow, row) = (pen.width() < NARROW, Self::row(pen.width()));
        let side = if narrow { 0.0 } else { (pen.width() * 0.27).min(190.0) };
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
        let foot = TOP + self.swings.len() as f64 * row;
        // From the middle out, so that the marks next to it win the room.
        let mut marks: Vec<f64> = MARKS.into_iter().filter(|mark| (least..=most).contains(&log(*mark))).collect();
        marks.sort_by(|a, b| log(*a).abs().total_cmp(&log(*b).abs()));
        let mut taken = vec![centre];
        for mark in marks {
            let at = x(mark);
            if taken.iter().all(|other| (at - other).abs() >= APART) {
                taken.push(at);
                // Short, so that they cross no name.
                for place in 0..=self.swings.len() {
                    let under = TOP + place as f64 * row;
                    pen.line(&[(at, under - 4.0), (at, under)], look.muted, 1.0)?;
                }
                pen.text(&crate::text::charts::factor(mark), at, foot + 14.0, At::Middle, SMALL, look.muted)?;
            }
        }
        for (place, swing) in self.swings.iter().enumerate() {
            let top = TOP + place as f64 * row;
            if place > 0 {
                pen.line(&[(0.0, top), (pen.width(), top)], look.rule, 1.0)?;
            }
            let middle = top + 35.0;
            let name = fitting(&swing.name, pen.width() * 0.9, SIZE);
            pen.text(&name, 0.0, top + 13.0, At::Left, SIZE, look.ink)?;
            // The line of what is now stands beside the bars alone, so that it crosses no name.
            pen.line(&[(centre, middle - THICK), (centre, middle + THICK)], look.ink, 1.5)?;
            let (from, to) = (x(swing.low.factor), x(swing.high.factor));
            // Both ends can lie on one side of what is chosen now.
            pen.rect(from, middle - THICK / 2.0, to.min(centre) - from, THICK, look.accent)?;
            pen.rect(from.max(centre), middle - THICK / 2.0, to - from.max(centre), THICK, look.muted)?;
            // An end at which nothing changes needs no name.
            let end = |case: &Case| {
                let moves = (case.factor - 1.0).abs() > AS_NOW;
                if moves { format!("{} · {}", case.shown, case.label) } else { String::new() }
            };
            let (low, high) = (end(&swing.low), end(&swing.high));
            if narrow {
                let under = middle + 20.0;
                let room = pen.width() * if low.is_empty() || high.is_empty() { 1.0 } else { 0.49 };
                pen.text(&fitting(&low, room, SMALL), 0.0, under, At::Left, SMALL, look.muted)?;
                pen.text(&fitting(&high, room, SMALL), pen.width(), under, At::Right, SMALL, look.muted)?;
            } else {
                pen.text(&fitting(&low, from - 10.0, SMALL), from - 8.0, middle, At::Right, SMALL, look.muted)?;
                let room = pen.width() - to - 10.0;
                pen.text(&fitting(&high, room, SMALL), to + 8.0, middle, At::Left, SMALL, look.muted)?;
            }
        }
        pen.line(&[(centre, 18.0), (centre, TOP)], look.ink, 1.5)
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
    fn an_end_at_which_nothing_changes_is_not_named() {
        let swing = Swing { name: "Precision".to_owned(), low: case("FP16", 1.0), high: case("FP32", 9.0) };
        let svg = checked(&chart(vec![swing]));
        assert!(svg.contains("FP32") && !svg.contains("FP16"), "{svg}");
        assert!(svg.contains("× 2") && svg.contains("× 5"), "{svg}");
    }

    #[test]
    fn ends_beyond_the_scale_and_no_swings_can_be_drawn() {
        checked(&chart(Vec::new()));
        let odd = Swing { name: "Odd".to_owned(), low: case("none", 0.0), high: case("all", 1e12) };
        checked(&chart(vec![odd]));
    }
}
