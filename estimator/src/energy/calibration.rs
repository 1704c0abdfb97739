//! The constants that are fitted to measured services, as `cargo xtask calibrate` wrote them.
//!
//! A row of `calibration.csv` has what was believed before the fit (`prior`, and its spread in the natural logarithm),
//! and what the measured rows made of it, with a standard error in the same logarithm.
//! What a constant does stands in [`super::step`]; how it is found, in [`fit`].

pub mod fit;
pub(crate) mod least_squares;
pub mod rows;

use crate::range::{Range, Ratio};
use crate::sources::Source;
use crate::tables::{Table, TableError, built_in};
use std::sync::OnceLock;

/// A fitted constant, in the order of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Constant {
    /// Share of the memory bandwidth that reading weights reaches.
    BandwidthShare,
    /// The same for the KV cache.
    CacheBandwidthShare,
    /// Share of the dense peak that products in 16 bits reach.
    ComputeShare,
    /// What products in 8 bits reach of that share, of their own peak.
    EightBitShare,
    /// What weights packed in 4 bits reach of that share, of the peak in 16 bits.
    PackedShare,
    /// Seconds of a step.
    StepStart,
    /// Seconds of a layer in a step.
    LayerStart,
    /// Seconds that routing adds to a layer.
    Routing,
    /// Least seconds of a layer in 8 bits.
    EightBitFloor,
    /// Seconds of a step for each sequence.
    SequenceTime,
    /// Seconds of a layer for exchanges between devices.
    ExchangeTime,
    /// Seconds that a step takes longer when prompts join it.
    PromptStart,
    /// Exponent of the tokens that choose experts independently.
    ExpertSpread,
    /// Share of the TDP.
    WaitingDraw,
    /// Share of the TDP.
    BusyDraw,
    /// Share of the TDP.
    EightBitDraw,
    /// Joules.
    ByteEnergy,
    /// Share of the TDP.
    ComputeDraw,
    /// What a prompt on one rank costs all ranks.
    RanksPenalty,
    /// Seconds.
    PictureTime,
    /// Seconds.
    VideoTime,
    /// Tokens.
    PromptChat,
    /// Tokens.
    PromptQuestions,
    /// Tokens.
    PromptCode,
    /// Tokens.
    PromptImage,
    /// Tokens.
    PromptVideo,
}

/// How many there are.
pub const CONSTANTS: usize = Constant::PromptVideo as usize + 1;

/// One value for each constant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Constants(pub [f64; CONSTANTS]);

impl Constants {
    /// One of them.
    pub fn get(&self, constant: Constant) -> f64 {
        self.0.get(constant as usize).copied().unwrap_or(0.0)
    }

    /// The fitted ones.
    pub fn fitted() -> &'static Self {
        static FITTED: OnceLock<Constants> = OnceLock::new();
        FITTED.get_or_init(|| Self(column(|entry| entry.value)))
    }

    /// What was believed before the fit.
    pub fn believed() -> Self {
        Self(column(|entry| entry.prior))
    }
}

fn column(of: impl Fn(&Entry) -> f64) -> [f64; CONSTANTS] {
    let mut values = [0.0; CONSTANTS];
    for (place, entry) in values.iter_mut().zip(all()) {
        *place = of(entry);
    }
    values
}

/// A row of `calibration.csv`.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its id.
    pub id: String,
    /// What it is.
    pub label: String,
    /// Its unit.
    pub unit: String,
    /// What was believed before the fit.
    pub prior: f64,
    /// The standard deviation of that belief, in the natural logarithm.
    pub spread: f64,
    /// The fitted value.
    pub value: f64,
    /// Its standard error, in the natural logarithm.
    pub standard_error: f64,
    /// Where the measured rows come from.
    pub source: &'static Source,
    /// Remarks.
    pub note: String,
}

/// The constants in the order of [`Constant`].
pub fn all() -> &'static [Entry] {
    static ALL: OnceLock<Vec<Entry>> = OnceLock::new();
    ALL.get_or_init(|| built_in(read("calibration.csv", include_str!("../../data/calibration.csv"))))
}

/// The row of a constant.
pub fn entry(constant: Constant) -> Option<&'static Entry> {
    all().get(constant as usize)
}

pub(crate) fn read(name: &str, text: &str) -> Result<Vec<Entry>, TableError> {
    Table::parse(name, text)?
        .rows()
        .map(|row| {
            let source = row.required_text("source")?;
            Ok(Entry {
                id: row.required_text("id")?.to_owned(),
                label: row.required_text("label")?.to_owned(),
                unit: row.required_text("unit")?.to_owned(),
                prior: row.required_number("prior")?,
                spread: row.required_number("spread")?,
                value: row.required_number("value")?,
                standard_error: row.required_number("standard_error")?,
                source: crate::sources::get(source).ok_or_else(|| row.fault("source", "not in sources.csv"))?,
                note: row.text("note")?.unwrap_or_default().to_owned(),
            })
        })
        .collect()
}

/// What estimates made without a row’s own model missed of it: a row of `calibration_errors.csv`.
#[derive(Debug, Clone, PartialEq)]
pub struct Missed {
    /// Which rows: `text, architecture known` …
    pub class: String,
    /// How they were left out of the fit: `model`, `gpu`, or `none`.
    pub left_out: String,
    /// How many.
    pub rows: f64,
    /// The median of the error factors.
    pub median: f64,
    /// Their 90th percentile.
    pub p90: f64,
    /// Measured over estimated: 10th percentile, median and 90th percentile.
    pub ratio: [f64; 3],
}

/// The errors that the fit measured on itself.
pub fn errors() -> &'static [Missed] {
    static ALL: OnceLock<Vec<Missed>> = OnceLock::new();
    ALL.get_or_init(|| {
        built_in(read_errors("calibration_errors.csv", include_str!("../../data/calibration_errors.csv")))
    })
}

fn read_errors(name: &str, text: &str) -> Result<Vec<Missed>, TableError> {
    Table::parse(name, text)?
        .rows()
        .map(|row| {
            let number = |column| row.required_number(column);
            Ok(Missed {
                class: row.required_text("class")?.to_owned(),
                left_out: row.required_text("left_out")?.to_owned(),
                rows: number("rows")?,
                median: number("median_error_factor")?,
                p90: number("p90_error_factor")?,
                ratio: [number("ratio_p10")?, number("ratio_median")?, number("ratio_p90")?],
            })
        })
        .collect()
}

/// The span that holds four of five measured services whose model, or whose GPU, the fit had not seen.
pub fn span(class: &str, left_out: &str) -> Option<Range<Ratio>> {
    let missed = errors().iter().find(|row| row.class == class && row.left_out == left_out)?;
    let [low, _, high] = missed.ratio;
    Some(Range::new(Ratio(low.min(1.0)), Ratio(1.0), Ratio(high.max(1.0))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_the_constants_in_their_order() {
        let ids: Vec<&str> = all().iter().map(|entry| entry.id.as_str()).collect();
        assert_eq!(ids.len(), CONSTANTS);
        for (constant, id) in [
            (Constant::BandwidthShare, "bandwidth-share"),
            (Constant::PackedShare, "packed-share"),
            (Constant::EightBitFloor, "eight-bit-floor"),
            (Constant::ExpertSpread, "expert-spread"),
            (Constant::ByteEnergy, "byte-energy"),
            (Constant::RanksPenalty, "ranks-penalty"),
            (Constant::PromptChat, "prompt-lm-arena-chat"),
            (Constant::PromptVideo, "prompt-video-chat"),
        ] {
            assert_eq!(ids[constant as usize], id);
        }
        assert!(all().iter().all(|entry| entry.value > 0.0 && entry.prior > 0.0 && entry.spread > 0.0));
    }
}
