//! What others measured: speed-ups, sizes, energy and accuracy of compressed models, and of the software that runs them.
//!
//! The rows stand beside our own figures and are never mixed into them.

use crate::range::{Range, Ratio};
use crate::sources::Evidence;
use crate::tables::{Table, TableError, built_in};
use std::sync::OnceLock;

/// What a published figure is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Throughput after over before, or latency before over after.
    SpeedUp,
    /// Energy after over before.
    Energy,
    /// Memory before over after.
    Memory,
    /// Size of the file before over after.
    File,
    /// Accuracy lost, in percent of a benchmark's score.
    AccuracyLoss,
    /// Validation loss after the change; the note says what it was.
    Loss,
    /// Work for each joule, after over before.
    PerformancePerWatt,
}

impl Metric {
    const ALL: [(&'static str, Self, &'static str); 7] = [
        ("speed-up", Self::SpeedUp, "times as fast"),
        ("energy", Self::Energy, "times the energy"),
        ("memory", Self::Memory, "times less memory"),
        ("file", Self::File, "times smaller file"),
        ("accuracy-loss", Self::AccuracyLoss, "% of the score lost"),
        ("loss", Self::Loss, "validation loss"),
        ("performance-per-watt", Self::PerformancePerWatt, "times the work for each joule"),
    ];

    /// The word that tables and records use.
    pub fn code(self) -> &'static str {
        Self::ALL.iter().find(|(_, own, _)| *own == self).map_or("", |(code, ..)| code)
    }

    /// What stands behind the number, for people.
    pub fn unit(self) -> &'static str {
        Self::ALL.iter().find(|(_, own, _)| *own == self).map_or("", |(.., unit)| unit)
    }
}

/// A published effect of a change.
#[derive(Debug, Clone, PartialEq)]
pub struct Effect {
    /// What was done, as its authors call it.
    pub method: String,
    /// The change of ours that it is: a format's word, `2:4`, `structured`, `distil`, `fused`, `graph`, `power-cap`, `clocks`.
    pub applies: String,
    /// The model.
    pub model: String,
    /// What it ran on, in words; empty where that plays no part.
    pub hardware: String,
    /// The id of that device, where our table has it.
    pub device: Option<String>,
    /// The batch, or a span of batches.
    pub batch: Option<(u64, u64)>,
    /// What the figure is.
    pub metric: Metric,
    /// The figure; a span where one was published.
    pub value: Range<Ratio>,
    /// Who published it.
    pub evidence: Evidence,
    /// What to know about it.
    pub note: String,
}

/// All published effects.
pub fn all() -> &'static [Effect] {
    static ALL: OnceLock<Vec<Effect>> = OnceLock::new();
    ALL.get_or_init(|| built_in(read("compression_effects.csv", include_str!("../../data/compression_effects.csv"))))
}

fn read(name: &str, text: &str) -> Result<Vec<Effect>, TableError> {
    let table = Table::parse(name, text)?;
    table
        .rows()
        .map(|row| {
            let said = |column: &str| Ok(row.text(column)?.unwrap_or_default().to_owned());
            let code = row.required_text("metric")?;
            let metric = Metric::ALL.iter().find(|(own, ..)| *own == code).map(|(_, metric, _)| *metric);
            let metric = metric.ok_or_else(|| row.fault("metric", format!("“{code}” is no metric")))?;
            let value = row.required_number("value")?;
            let (low, high) = (row.number("low")?.unwrap_or(value), row.number("high")?.unwrap_or(value));
            if !(low <= value && value <= high) {
                return Err(row.fault("value", format!("{low}, {value}, {high} do not ascend")));
            }
            let batch = row.text("batch")?.map(|text| {
                let (low, high) = text.split_once('-').unwrap_or((text, text));
                let read =
                    |text: &str| text.parse::<u64>().map_err(|_| row.fault("batch", format!("“{text}” is no batch")));
                Ok((read(low)?, read(high)?))
            });
            Ok(Effect {
                method: row.required_text("method")?.to_owned(),
                applies: row.required_text("applies")?.to_owned(),
                model: said("model")?,
                hardware: said("hardware")?,
                device: row.text("device")?.map(str::to_owned),
                batch: batch.transpose()?,
                metric,
                value: Range::new(Ratio(low), Ratio(value), Ratio(high)),
                evidence: Evidence::read(&row, "source", "year", "certainty")?,
                note: said("note")?,
            })
        })
        .collect()
}

/// The published effects of a change, those at batches and on devices nearest to the ones asked for in front.
pub fn of(applies: &str, device: &str, batch: u64) -> Vec<&'static Effect> {
    let mut found: Vec<&'static Effect> = all().iter().filter(|effect| effect.applies == applies).collect();
    let distance = |effect: &Effect| match effect.batch {
        Some((low, high)) if (low..=high).contains(&batch) => 0,
        Some((low, high)) => {
            let near = if batch < low { low } else { high };
            // In powers of two.
            (libm::log2(batch.max(1) as f64 / near.max(1) as f64).abs() * 10.0) as u64
        }
        None => 5,
    };
    found.sort_by_key(|effect| (effect.device.as_deref() != Some(device), distance(effect)));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hardware;
    use crate::scenario::compression::Format;

    #[test]
    fn every_row_names_a_change_of_ours_and_a_device_that_there_is() {
        let others = ["2:4", "structured", "distil", "fused", "graph", "power-cap", "clocks"];
        for effect in all() {
            let is_format = effect.applies.parse::<Format>().is_ok();
            assert!(is_format || others.contains(&effect.applies.as_str()), "{}", effect.applies);
            assert!(effect.device.iter().all(|id| hardware::device(id).is_some()), "{:?}", effect.device);
            assert!(effect.value.low.0 >= 0.0 && effect.value.high.0 < 100.0, "{effect:?}");
        }
        assert!(all().len() > 70);
    }

    #[test]
    fn the_nearest_row_comes_first() {
        let first = of("fp8", "h200-sxm", 8)[0];
        assert_eq!((first.device.as_deref(), first.batch), (Some("h200-sxm"), Some((8, 8))));
        assert_eq!(of("fp8", "b200-sxm", 100)[0].batch, Some((65, 256)));
        assert!(of("unstructured", "h200-sxm", 1).is_empty());
    }
}
