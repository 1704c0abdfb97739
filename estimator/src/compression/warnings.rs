//! Where a change saves nothing, or less than its size suggests, and what it costs instead.

use super::{Ready, change, readable};
use crate::hardware::Precision;
use crate::notes::{Level, Note};
use crate::report::{Outcome, Ratios};
use crate::scenario::compression::{Compression, Format, Prune, Software, Storage};

/// A part of the time from which on it decides.
const MOST: f64 = 0.5;
/// Below this saving nothing worth a change is saved.
const LITTLE: f64 = 0.97;
/// From this share of weights left out on, accuracy falls without training anew: the published cases go further with it.
const BOLD: f64 = 0.5;

/// What is known of a change when it is judged.
pub(super) struct Seen<'a> {
    pub change: &'a Compression,
    pub ready: &'a Ready,
    pub before: &'a Outcome,
    pub after: &'a Outcome,
    pub ratio: &'a Ratios,
    pub batch: u64,
    pub is_language: bool,
}

/// Everything that a reader should know before taking the figures at their word.
pub(super) fn of(seen: &Seen<'_>) -> Vec<Note> {
    let mut notes: Vec<Note> = Vec::new();
    let mut say = |level: Level, text: String| notes.push(Note { level, place: String::new(), text });
    let Seen { change, ready, before, after, ratio, batch, is_language } = seen;
    let device = &ready.device.name;
    let smaller = after.weight_bytes.0 < before.weight_bytes.0;
    let saves = ratio.energy.central.0 < LITTLE;
    for text in &ready.changed.notes {
        say(Level::Warning, text.clone());
    }
    if let Some(format) = change.quantize {
        let layout = change::layout(format);
        if after.computed_in != after.precision {
            say(
                Level::Warning,
                format!(
                    "{device} has no units for {}: weights are stored in it and unpacked to {} before each product, so arithmetic is no faster",
                    after.precision.to_uppercase(),
                    after.computed_in.to_uppercase()
                ),
            );
        }
        if layout.is_weight_only && before.compute_bound.0 > MOST {
            say(
                Level::Warning,
                format!(
                    "arithmetic bounds {} of the time at a batch of {batch}: smaller weights that are unpacked before they are multiplied save nothing there",
                    super::percent(before.compute_bound.0)
                ),
            );
        } else if layout.is_weight_only && *batch > 1 {
            say(
                Level::Warning,
                "unpacking takes time of its own from a batch of a few requests on: published 4-bit weights gave 0.75 to 0.83 of the speed of BF16 at batches of 8 and 64 on one model".to_owned(),
            );
        }
        if format == Format::Fp8 && (2..=16).contains(batch) && *is_language {
            say(
                Level::Warning,
                "measured services took more energy in FP8 than in BF16 at batches of 8 to 16 (all 7 published pairs, median +30 %), and less from 65 on".to_owned(),
            );
        }
        let old = Precision::from_code(&before.precision).map_or(0, Precision::bits);
        if layout.bits >= f64::from(old) && old > 0 {
            say(
                Level::Warning,
                format!(
                    "the model is already served in {}: {} is no smaller",
                    before.precision.to_uppercase(),
                    format.code()
                ),
            );
        }
        if layout.bits <= 8.0 {
            say(
                Level::Info,
                "accuracy is not estimated; see what others measured, and test on your own data".to_owned(),
            );
        }
        if ready.changed.kept_share > 0.0 {
            say(
                Level::Info,
                format!("{} of the parameters are left alone in 16 bits", super::percent(ready.changed.kept_share)),
            );
        }
    }
    match change.prune {
        Some(Prune::Unstructured { share, storage }) => {
            say(
                Level::Warning,
                "kernels for dense matrices multiply zeros like all other numbers: zeros spread over the weights save no time and no energy, unless a runtime made for sparse weights is used".to_owned(),
            );
            if storage == Storage::Dense {
                say(Level::Warning, "stored with its zeros, the file is as large as before; a bitmap or sparse rows, or plain compression, make it smaller".to_owned());
            } else if after.file_bytes.0 >= after.weight_bytes.0 {
                say(
                    Level::Warning,
                    format!(
                        "at {} zeros this storage takes {}, no less than with the zeros",
                        super::percent(share),
                        readable(after.file_bytes.0)
                    ),
                );
            }
        }
        Some(Prune::TwoOfFour) if !change::skips_two_of_four(ready.device) => say(
            Level::Warning,
            format!("{device} has no units that skip two of four weights: only the file gets smaller"),
        ),
        Some(Prune::TwoOfFour) => say(
            Level::Info,
            "whole models got 1.3 to 1.6 times as fast, never twice; without training anew the validation loss of Llama-2-70B rose from 0.72 to 2.72, with it to 1.01".to_owned(),
        ),
        Some(Prune::Structured { share }) if share >= BOLD => say(
            Level::Warning,
            "this much left out needs training anew; published networks keep their accuracy at savings of about a third to a half of the time".to_owned(),
        ),
        Some(Prune::Structured { .. }) => {
            say(Level::Info, "a narrower network needs some training anew to regain its accuracy".to_owned());
        }
        None => {}
    }
    if change.distil.is_some() {
        say(
            Level::Info,
            "training the student costs energy of its own, which many requests have to pay back, and it answers worse than its teacher".to_owned(),
        );
    }
    match change.software {
        Some(Software::Eager) if *is_language => say(
            Level::Info,
            "estimates of language models are of serving engines, which join operators and start a step’s kernels together; run one by one they take longer".to_owned(),
        ),
        Some(Software::Graph | Software::Fused) if *is_language => say(
            Level::Info,
            "estimates of language models are already of serving engines, which do this: nothing is left to save".to_owned(),
        ),
        _ => {}
    }
    if before.overhead.0 > MOST && change.software.is_none() && !change.is_none() {
        say(
            Level::Warning,
            format!(
                "starting kernels takes {} of the time: a smaller model waits just as long; a larger batch, or software that joins operators, comes first",
                super::percent(before.overhead.0)
            ),
        );
    }
    if let (Some(true), Some(false)) = (after.fits, before.fits) {
        say(
            Level::Info,
            "before the change the model does not fit the memory of these devices, after it it does".to_owned(),
        );
    }
    if !change.is_none() && !saves {
        let what = if smaller {
            "it gets smaller, but a request takes as much energy as before"
        } else {
            "a request takes as much energy as before"
        };
        let what = if ratio.energy.central.0 > 1.0 / LITTLE { "a request takes more energy than before" } else { what };
        say(Level::Warning, format!("{what} on {device} at a batch of {batch}"));
    }
    notes
}
