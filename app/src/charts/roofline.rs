//! Layers under the roof of a device: how much it can compute for each byte that a layer moves.

use super::{At, Drawn, Pen, Table, width_of};
use crate::numbers;
use estimator::format;
use plotters::prelude::*;

/// A layer, or several of one intensity.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Its name.
    pub label: String,
    /// FLOPs for each byte moved.
    pub intensity: f64,
    /// FLOP/s that the device can reach at this intensity.
    pub attainable: f64,
    /// Its share of the time of one pass, 0 to 1.
    pub share: f64,
    /// Whether the device's arithmetic is the limit, not its memory.
    pub compute_bound: bool,
}

/// Layers under a device's roof.
#[derive(Clone, Debug, PartialEq)]
pub struct Roofline {
    /// The device's peak in FLOP/s.
    pub peak: f64,
    /// The device's memory bandwidth in bytes per second.
    pub bandwidth: f64,
    /// The intensity at which the roof bends, in FLOPs per byte.
    pub ridge: f64,
    /// The layers, those that take longest first.
    pub points: Vec<Point>,
    /// What there is to see.
    pub summary: String,
    /// Names of the axes.
    pub axes: [String; 2],
    /// Heads of the table's columns.
    pub head: [String; 4],
    /// What the table says of a layer that is bound by computing, and by memory.
    pub bounds: [String; 2],
}

const LEFT: f64 = 62.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 46.0;
const SIZE: f64 = 12.0;
/// How many layers get their names on the drawing.
const NAMED: usize = 4;
/// How many layers the table lists.
const LISTED: usize = 20;

impl Roofline {
    pub(super) fn height(&self, width: f64) -> f64 {
        (width * 0.5).clamp(260.0, 380.0)
    }

    pub(super) fn table(&self) -> Table {
        let row = |point: &Point| {
            let [compute, memory] = &self.bounds;
            vec![
                point.label.clone(),
                format::number(point.intensity),
                if point.compute_bound { compute.clone() } else { memory.clone() },
                numbers::percent(point.share),
            ]
        };
        Table { head: self.head.to_vec(), rows: self.points.iter().take(LISTED).map(row).collect() }
    }

    pub(super) fn draw<B: DrawingBackend>(&self, pen: &Pen<'_, B>) -> Drawn<B> {
        let look = pen.look;
        let (width, height) = (pen.width(), pen.height());
        let (right, bottom) = ((width - RIGHT).max(LEFT + 1.0), height - BOTTOM);
        let drawable = |value: f64| value.is_finite() && value > 0.0;
        if !drawable(self.peak) || !drawable(self.bandwidth) || !drawable(self.ridge) {
            return Ok(());
        }
        let points = || self.points.iter().filter(|point| drawable(point.intensity) && drawable(point.attainable));
        // Whole decades around everything that is shown.
        let mut x_ends = (self.ridge.log10() - 1.0, self.ridge.log10() + 0.8);
        for point in points() {
            x_ends = (x_ends.0.min(point.intensity.log10() - 0.1), x_ends.1.max(point.intensity.log10() + 0.2));
        }
        let x_ends = (x_ends.0.max(x_ends.1 - 7.0).floor(), x_ends.1.ceil());
        let y_ends = (
            (x_ends.0 + self.bandwidth.log10()).floor().max(self.peak.log10() - 5.0).floor(),
            (self.peak.log10() + 0.15).ceil(),
        );
        let x = |log: f64| LEFT + (log - x_ends.0) / (x_ends.1 - x_ends.0) * (right - LEFT);
        let y = |log: f64| bottom - (log - y_ends.0).max(0.0) / (y_ends.1 - y_ends.0) * (bottom - TOP);

        let decades = |ends: (f64, f64)| (ends.0 as i32)..=(ends.1 as i32);
        for decade in decades(x_ends) {
            let at = x(f64::from(decade));
            pen.line(&[(at, TOP), (at, bottom)], look.rule, 1.0)?;
            pen.text(&numbers::short(10f64.powi(decade)), at, bottom + 12.0, At::Middle, SIZE, look.muted)?;
        }
        for decade in decades(y_ends) {
            let at = y(f64::from(decade));
            pen.line(&[(LEFT, at), (right, at)], look.rule, 1.0)?;
            pen.text(&numbers::short(10f64.powi(decade)), LEFT - 8.0, at, At::Right, SIZE, look.muted)?;
        }
        let [x_name, y_name] = &self.axes;
        pen.text(x_name, right, bottom + 32.0, At::Right, SIZE, look.muted)?;
        pen.text(y_name, 0.0, 10.0, At::Left, SIZE, look.muted)?;

        let peak = self.peak.log10();
        let start = (x_ends.0, x_ends.0 + self.bandwidth.log10());
        let start = if start.1 < y_ends.0 { (y_ends.0 - self.bandwidth.log10(), y_ends.0) } else { start };
        let roof = [(x(start.0), y(start.1)), (x(self.ridge.log10()), y(peak)), (right, y(peak))];
        pen.line(&roof, look.ink, 2.0)?;

        let radius = |share: f64| 3.0 + 15.0 * share.max(0.0).sqrt();
        for point in points() {
            let colour = if point.compute_bound { look.accent } else { look.muted };
            let (at_x, at_y) = (x(point.intensity.log10()), y(point.attainable.log10()));
            pen.circle(at_x, at_y, radius(point.share), colour.mix(0.45).filled())?;
            pen.circle(at_x, at_y, radius(point.share), colour.stroke_width(look.px(1.0).max(1) as u32))?;
        }
        // Names go below the roof, one under the other where they would meet.
        let mut taken: Vec<(f64, f64, f64)> = Vec::new();
        for point in points().take(NAMED) {
            let (at_x, at_y) = (x(point.intensity.log10()), y(point.attainable.log10()));
            let name = super::fitting(&point.label, (right - LEFT) * 0.45, SIZE);
            let wide = width_of(&name, SIZE);
            let from = (at_x + radius(point.share) + 4.0).min(right - wide).max(LEFT + 2.0);
            let mut line = at_y + radius(point.share) + 10.0;
            while taken.iter().any(|(a, b, l)| from < *b && from + wide > *a && (line - l).abs() < 15.0) {
                line += 15.0;
            }
            if line < bottom - 6.0 {
                taken.push((from, from + wide, line));
                pen.line(&[(at_x, at_y), (from - 2.0, line)], look.muted, 1.0)?;
                pen.text(&name, from, line, At::Left, SIZE, look.ink)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Chart, tests::checked};
    use super::*;

    fn chart(points: Vec<Point>, peak: f64) -> Chart {
        Chart::Roofline(Roofline {
            peak,
            bandwidth: 2e12,
            ridge: peak / 2e12,
            points,
            summary: "Most time is bound by memory.".to_owned(),
            axes: ["FLOPs per byte".to_owned(), "FLOP/s".to_owned()],
            head: ["Layer", "Intensity", "Bound by", "Share"].map(str::to_owned),
            bounds: ["computing".to_owned(), "memory".to_owned()],
        })
    }

    fn point(label: &str, intensity: f64, share: f64) -> Point {
        let attainable = (intensity * 2e12).min(312e12);
        Point { label: label.to_owned(), intensity, attainable, share, compute_bound: attainable >= 312e12 }
    }

    #[test]
    fn layers_of_longest_time_are_named() {
        let svg = checked(&chart(vec![point("conv1", 30.0, 0.6), point("fc", 0.5, 0.4)], 312e12));
        assert!(svg.contains("conv1") && svg.contains("fc"), "{svg}");
    }

    #[test]
    fn odd_numbers_do_no_harm() {
        checked(&chart(Vec::new(), 312e12));
        checked(&chart(
            vec![point("none", 0.0, 0.0), point("nan", f64::NAN, f64::NAN), point("huge", 1e300, 1.0)],
            312e12,
        ));
        checked(&chart(Vec::new(), 0.0));
    }
}
