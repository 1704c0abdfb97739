//! Amounts as horizontal bars, the largest first.

use super::{At, Drawn, Pen, Table, fitting, width_of};
use plotters::prelude::*;

/// One amount.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// What it is.
    pub label: String,
    /// Its share of the whole, 0 to 1.
    pub share: f64,
    /// The amount and its share as printed.
    pub shown: String,
    /// Whether it stands for many small ones. It gets no bar: one for all of them would dwarf each of the others.
    pub rest: bool,
}

/// Amounts side by side.
#[derive(Clone, Debug, PartialEq)]
pub struct Bars {
    /// The bars, in order.
    pub bars: Vec<Bar>,
    /// What there is to see.
    pub summary: String,
    /// Heads of the two columns of the table.
    pub head: [String; 2],
}

const ROW: f64 = 30.0;
const THICK: f64 = 14.0;
const SIZE: f64 = 13.0;
const GAP: f64 = 12.0;

impl Bars {
    pub(super) fn height(&self) -> f64 {
        (self.bars.len().max(1) as f64) * ROW + 4.0
    }

    pub(super) fn table(&self) -> Table {
        Table {
            head: self.head.to_vec(),
            rows: self.bars.iter().map(|bar| vec![bar.label.clone(), bar.shown.clone()]).collect(),
        }
    }

    pub(super) fn draw<B: DrawingBackend>(&self, pen: &Pen<'_, B>) -> Drawn<B> {
        let look = pen.look;
        let widest = |text: fn(&Bar) -> &str| self.bars.iter().map(|bar| width_of(text(bar), SIZE)).fold(0.0, f64::max);
        let labels = widest(|bar| &bar.label).min(pen.width() * 0.36) + GAP;
        let values = widest(|bar| &bar.shown) + GAP;
        let room = (pen.width() - labels - values).max(0.0);
        let largest =
            self.bars.iter().filter(|bar| !bar.rest).map(|bar| bar.share).fold(0.0, f64::max).max(f64::MIN_POSITIVE);
        for (place, bar) in self.bars.iter().enumerate() {
            let middle = (place as f64 + 0.5) * ROW + 2.0;
            let length = if bar.rest { 0.0 } else { room * bar.share / largest };
            let colour = if bar.rest { look.muted } else { look.ink };
            pen.text(&fitting(&bar.label, labels - GAP, SIZE), 0.0, middle, At::Left, SIZE, colour)?;
            if bar.share > 0.0 && !bar.rest {
                pen.rect(labels, middle - THICK / 2.0, length.max(1.0), THICK, look.accent)?;
            }
            pen.text(&bar.shown, labels + length + GAP, middle, At::Left, SIZE, look.muted)?;
        }
        pen.line(&[(labels, 0.0), (labels, self.height())], look.rule, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Chart, tests::checked};
    use super::*;

    fn bar(label: &str, share: f64) -> Bar {
        Bar { label: label.to_owned(), share, shown: format!("{share}"), rest: false }
    }

    fn chart(bars: Vec<Bar>) -> Chart {
        Chart::Bars(Bars {
            bars,
            summary: "Conv has most.".to_owned(),
            head: ["Operator".to_owned(), "MACs".to_owned()],
        })
    }

    #[test]
    fn each_bar_has_its_name_and_amount() {
        let svg = checked(&chart(vec![bar("Conv", 0.75), bar("Gemm", 0.25)]));
        assert!(svg.contains("Conv") && svg.contains("Gemm") && svg.contains("0.75"));
    }

    #[test]
    fn many_small_ones_together_have_an_amount_and_no_bar() {
        let rest = Bar { rest: true, ..bar("47 others", 0.9) };
        let svg = checked(&chart(vec![bar("Conv", 0.1), rest]));
        assert!(svg.contains("47 others"));
        // The background and Conv's bar.
        assert_eq!(svg.matches("<rect").count(), 2, "{svg}");
    }

    #[test]
    fn nothing_and_zeros_can_be_drawn() {
        checked(&chart(Vec::new()));
        checked(&chart(vec![bar("a", 0.0), bar("b", 0.0)]));
    }
}
