//! Charts: drawing code that is generic over where it draws, so that the page's canvas and a downloaded SVG are one picture.
//!
//! Every chart also says itself in a sentence and as a table, for those who do not see it.
//! Charts get numbers and texts ready-made; nothing is computed here but places on the drawing.

mod bars;
mod curves;
mod roofline;
mod scatter;
mod tornado;

pub use bars::{Bar, Bars};
pub use curves::{Axis, Curve, Curves};
pub use roofline::{Point, Roofline};
pub use scatter::{Dot, Scatter};
pub use tornado::{Case, Swing, Tornado};

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// What drawing can end in.
pub type Drawn<B> = Result<(), DrawingAreaErrorKind<<B as DrawingBackend>::ErrorType>>;

/// Colours and sizes, from the page's style.
#[derive(Clone, Debug, PartialEq)]
pub struct Look {
    /// Text.
    pub ink: RGBColor,
    /// Text of less weight, and what is not the point.
    pub muted: RGBColor,
    /// Lines that guide the eye.
    pub rule: RGBColor,
    /// What the chart is about.
    pub accent: RGBColor,
    /// Behind everything.
    pub paper: RGBColor,
    /// Family of the letters.
    pub font: String,
    /// Pixels of the drawing for each unit of the layout.
    pub scale: f64,
}

impl Look {
    /// Black on white, for a drawing without a page.
    pub fn plain() -> Self {
        Self {
            ink: RGBColor(28, 27, 24),
            muted: RGBColor(92, 90, 84),
            rule: RGBColor(216, 212, 202),
            accent: RGBColor(11, 107, 79),
            paper: RGBColor(255, 255, 255),
            font: "sans-serif".to_owned(),
            scale: 1.0,
        }
    }

    fn px(&self, units: f64) -> i32 {
        (units * self.scale).round() as i32
    }
}

/// A chart, ready to be drawn.
#[derive(Clone, Debug, PartialEq)]
pub enum Chart {
    /// Amounts side by side.
    Bars(Bars),
    /// Amounts that follow another.
    Curves(Curves),
    /// Layers under a device's roof.
    Roofline(Roofline),
    /// How far each assumption moves the result.
    Tornado(Tornado),
    /// Amounts that should be equal.
    Scatter(Scatter),
}

/// The numbers of a chart as a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Its columns; the first one names the row.
    pub head: Vec<String>,
    /// Its rows.
    pub rows: Vec<Vec<String>>,
}

impl Chart {
    /// The height that suits a width, in units of the layout.
    pub fn height(&self, width: f64) -> f64 {
        match self {
            Chart::Bars(chart) => chart.height(),
            Chart::Curves(chart) => chart.height(width),
            Chart::Roofline(chart) => chart.height(width),
            Chart::Tornado(chart) => chart.height(width),
            Chart::Scatter(chart) => chart.height(width),
        }
    }

    /// The same for a printed page, which has less room.
    pub fn shortened(&self) -> Chart {
        match self {
            Chart::Tornado(chart) => Chart::Tornado(chart.shortened()),
            chart => chart.clone(),
        }
    }

    /// What there is to see, in a sentence or two.
    pub fn summary(&self) -> &str {
        match self {
            Chart::Bars(chart) => &chart.summary,
            Chart::Curves(chart) => &chart.summary,
            Chart::Roofline(chart) => &chart.summary,
            Chart::Tornado(chart) => &chart.summary,
            Chart::Scatter(chart) => &chart.summary,
        }
    }

    /// The same numbers as a table.
    pub fn table(&self) -> Table {
        match self {
            Chart::Bars(chart) => chart.table(),
            Chart::Curves(chart) => chart.table(),
            Chart::Roofline(chart) => chart.table(),
            Chart::Tornado(chart) => chart.table(),
            Chart::Scatter(chart) => chart.table(),
        }
    }

    /// Draws.
    ///
    /// # Errors
    /// What the drawing's own backend refuses.
    pub fn draw<B: DrawingBackend>(&self, area: &DrawingArea<B, Shift>, look: &Look) -> Drawn<B> {
        area.fill(&look.paper)?;
        match self {
            Chart::Bars(chart) => chart.draw(&Pen { area, look }),
            Chart::Curves(chart) => chart.draw(&Pen { area, look }),
            Chart::Roofline(chart) => chart.draw(&Pen { area, look }),
            Chart::Tornado(chart) => chart.draw(&Pen { area, look }),
            Chart::Scatter(chart) => chart.draw(&Pen { area, look }),
        }
    }

    /// The drawing as SVG, of this width.
    pub fn svg(&self, width: f64, look: &Look) -> String {
        let mut text = String::new();
        let size = (look.px(width).max(1) as u32, look.px(self.height(width)).max(1) as u32);
        {
            let area = SVGBackend::with_string(&mut text, size).into_drawing_area();
            // Writing into a text cannot fail.
            let _ = self.draw(&area, look).and_then(|()| area.present());
        }
        text
    }
}

/// A drawing area in units of the layout, with the few things that charts draw.
struct Pen<'a, B: DrawingBackend> {
    area: &'a DrawingArea<B, Shift>,
    look: &'a Look,
}

/// Where a text's place is: its left end, its middle, its right end.
#[derive(Clone, Copy)]
enum At {
    Left,
    Middle,
    Right,
}

impl<B: DrawingBackend> Pen<'_, B> {
    fn width(&self) -> f64 {
        f64::from(self.area.dim_in_pixel().0) / self.look.scale
    }

    fn height(&self) -> f64 {
        f64::from(self.area.dim_in_pixel().1) / self.look.scale
    }

    fn at(&self, x: f64, y: f64) -> (i32, i32) {
        (self.look.px(x), self.look.px(y))
    }

    fn rect(&self, x: f64, y: f64, width: f64, height: f64, colour: impl Color) -> Drawn<B> {
        if width <= 0.0 || height <= 0.0 {
            return Ok(());
        }
        // Never thinner than a pixel: a small share is not nothing.
        let (left, top) = self.at(x, y);
        let (right, bottom) = self.at(x + width, y + height);
        self.area.draw(&Rectangle::new([(left, top), (right.max(left + 1), bottom.max(top + 1))], colour.filled()))
    }

    fn line(&self, points: &[(f64, f64)], colour: impl Color, width: f64) -> Drawn<B> {
        let places: Vec<(i32, i32)> = points.iter().map(|(x, y)| self.at(*x, *y)).collect();
        let stroke = (width * self.look.scale).round().max(1.0) as u32;
        self.area.draw(&PathElement::new(places, colour.stroke_width(stroke)))
    }

    /// A surface with these corners.
    fn area(&self, corners: &[(f64, f64)], colour: impl Color) -> Drawn<B> {
        let places: Vec<(i32, i32)> = corners.iter().map(|(x, y)| self.at(*x, *y)).collect();
        self.area.draw(&Polygon::new(places, colour.filled()))
    }

    fn circle(&self, x: f64, y: f64, radius: f64, style: ShapeStyle) -> Drawn<B> {
        self.area.draw(&Circle::new(self.at(x, y), self.look.px(radius).max(1), style))
    }

    /// A text whose vertical middle is at `y`.
    fn text(&self, text: &str, x: f64, y: f64, at: At, size: f64, colour: RGBColor) -> Drawn<B> {
        let side = match at {
            At::Left => HPos::Left,
            At::Middle => HPos::Center,
            At::Right => HPos::Right,
        };
        let font = FontDesc::new(FontFamily::Name(&self.look.font), size * self.look.scale, FontStyle::Normal);
        let style = TextStyle::from(font).color(&colour).pos(Pos::new(side, VPos::Center));
        self.area.draw(&Text::new(text.to_owned(), self.at(x, y), style))
    }
}

/// How wide a letter is as a part of its size, in a wide sans serif. Measuring each text would lay the page out again and again.
fn letter(letter: char) -> f64 {
    match letter {
        'i' | 'j' | 'l' | 'f' | 't' | 'r' | 'I' | ' ' | '\u{a0}' | '.' | ',' | ':' | '·' | '/' | '-' | '(' | ')' => {
            0.4
        }
        'm' | 'W' | '…' | '%' | '–' => 1.0,
        'w' | 'M' | '×' | '÷' => 0.86,
        letter if letter.is_uppercase() => 0.72,
        _ => 0.64,
    }
}

/// About how wide a text is.
fn width_of(text: &str, size: f64) -> f64 {
    text.chars().map(letter).sum::<f64>() * size
}

/// Letters of a name that are looked at; no drawing has room for more.
const MOST_LETTERS: usize = 300;

/// A text cut in its middle, where names differ least, so that it fits a width.
fn fitting(text: &str, width: f64, size: f64) -> String {
    let letters: Vec<char> = text.chars().take(MOST_LETTERS).collect();
    if letters.len() < MOST_LETTERS && width_of(text, size) <= width {
        return text.to_owned();
    }
    let (mut head, mut tail) = (letters.len().div_ceil(2), letters.len() / 2);
    let cut = |head: usize, tail: usize| -> String {
        letters.iter().take(head).chain(&['…']).chain(letters.iter().skip(letters.len() - tail)).collect()
    };
    while head > 1 && width_of(&cut(head, tail), size) > width {
        if head > tail { head -= 1 } else { tail -= 1 }
    }
    cut(head, tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn checked(chart: &Chart) -> String {
        let svg = chart.svg(600.0, &Look::plain());
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{svg}");
        let table = chart.table();
        assert!(table.rows.iter().all(|row| row.len() == table.head.len()));
        // A narrow and a sharp drawing must not fail either.
        let sharp = Look { scale: 3.0, ..Look::plain() };
        assert!(!chart.svg(40.0, &sharp).is_empty());
        svg
    }

    #[test]
    fn names_in_a_drawing_are_text_and_not_markup() {
        let bar = Bar { label: "<img src=x onerror=a>&".to_owned(), share: 1.0, shown: "<b>".to_owned(), rest: false };
        let head = ["a", "b"].map(str::to_owned);
        let svg = checked(&Chart::Bars(Bars { bars: vec![bar], summary: String::new(), head }));
        assert!(svg.contains("&lt;img") && !svg.contains("<img") && !svg.contains("<b>"), "{svg}");
    }

    #[test]
    fn long_names_lose_their_middle() {
        assert_eq!(fitting("abcdeghkno", width_of("abc…kno", 10.0), 10.0), "abc…kno");
        assert_eq!(fitting("short", 1000.0, 10.0), "short");
        assert!(fitting("éééééé", 1.0, 10.0).chars().count() <= 3);
        assert!(fitting(&"x".repeat(10_000), 100.0, 10.0).chars().count() < 20);
    }
}
