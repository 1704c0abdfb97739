//! What an estimate assumes: each number with its span, its unit, its source and the key under which a scenario sets it.
//!
//! Numbers come from the tables of devices, grids, sites and factors; which one applies to a case is decided here.
//! What is computed from them is not known here.

use super::EstimateError;
use crate::carbon::factors::{self, Factor};
use crate::range::{Range, Ratio};
use crate::report;
use std::collections::BTreeMap;

/// The key of an assumption, the same in `Scenario::set`, in the record and in the page's controls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    Mfu,
    Backward,
    Experiments,
    AcceleratorWatts,
    IdleWatts,
    HostWatts,
    NetworkShare,
    Pue,
    Intensity,
    MarketIntensity,
    TransmissionLoss,
    Wue,
    GridWater,
    ElectricityPrice,
    RentPrice,
    EmbodiedAccelerator,
    EmbodiedHost,
    LifetimeYears,
    LifetimeUse,
    ComputeShare,
    BandwidthShare,
    StartSeconds,
    CacheBytes,
    CacheElementBytes,
    SequenceTokens,
    StateBytes,
    TokenSeconds,
    LoadSeconds,
    ActivationBytes,
    FailedShare,
    ReservedIdle,
    UnexplainedServing,
    DataParallel,
    InputSeconds,
}

impl Key {
    /// All of them.
    const ALL: [Self; 34] = [
        Self::Mfu,
        Self::Backward,
        Self::Experiments,
        Self::AcceleratorWatts,
        Self::IdleWatts,
        Self::HostWatts,
        Self::NetworkShare,
        Self::Pue,
        Self::Intensity,
        Self::MarketIntensity,
        Self::TransmissionLoss,
        Self::Wue,
        Self::GridWater,
        Self::ElectricityPrice,
        Self::RentPrice,
        Self::EmbodiedAccelerator,
        Self::EmbodiedHost,
        Self::LifetimeYears,
        Self::LifetimeUse,
        Self::ComputeShare,
        Self::BandwidthShare,
        Self::StartSeconds,
        Self::CacheBytes,
        Self::CacheElementBytes,
        Self::SequenceTokens,
        Self::StateBytes,
        Self::TokenSeconds,
        Self::LoadSeconds,
        Self::ActivationBytes,
        Self::FailedShare,
        Self::ReservedIdle,
        Self::UnexplainedServing,
        Self::DataParallel,
        Self::InputSeconds,
    ];

    /// The word that scenarios use.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Mfu => "mfu",
            Self::Backward => "backward-over-forward",
            Self::Experiments => "experiments",
            Self::AcceleratorWatts => "accelerator-watts",
            Self::IdleWatts => "idle-watts",
            Self::HostWatts => "host-watts",
            Self::NetworkShare => "network-share",
            Self::Pue => "pue",
            Self::Intensity => "grid-intensity",
            Self::MarketIntensity => "market-intensity",
            Self::TransmissionLoss => "transmission-loss",
            Self::Wue => "wue",
            Self::GridWater => "grid-water",
            Self::ElectricityPrice => "electricity-price",
            Self::RentPrice => "rent-price",
            Self::EmbodiedAccelerator => "embodied-accelerator",
            Self::EmbodiedHost => "embodied-host",
            Self::LifetimeYears => "lifetime-years",
            Self::LifetimeUse => "lifetime-use",
            Self::ComputeShare => "compute-share",
            Self::BandwidthShare => "bandwidth-share",
            Self::StartSeconds => "start-seconds",
            Self::CacheBytes => "kv-cache-bytes-per-token",
            Self::CacheElementBytes => "kv-cache-bytes-per-element",
            Self::SequenceTokens => "sequence-tokens",
            Self::StateBytes => "training-bytes-per-parameter",
            Self::TokenSeconds => "token-seconds",
            Self::LoadSeconds => "loading-seconds",
            Self::ActivationBytes => "activation-bytes-per-token",
            Self::FailedShare => "failed-share",
            Self::ReservedIdle => "reserved-idle",
            Self::UnexplainedServing => "unexplained-serving",
            Self::DataParallel => "data-parallel",
            Self::InputSeconds => "input-seconds",
        }
    }

    /// The least and the greatest value that may be set: what is physically possible, with room for the unusual.
    fn bounds(self) -> (f64, f64) {
        match self {
            Self::Mfu | Self::ComputeShare | Self::BandwidthShare | Self::LifetimeUse => (0.001, 1.0),
            Self::Backward => (0.0, 10.0),
            Self::Experiments => (1.0, 10_000.0),
            Self::AcceleratorWatts | Self::IdleWatts | Self::HostWatts => (0.0, 1e5),
            Self::NetworkShare => (0.0, 1.0),
            Self::Pue => (1.0, 5.0),
            Self::Intensity | Self::MarketIntensity => (0.0, 2000.0),
            Self::TransmissionLoss => (0.0, 0.9),
            Self::Wue | Self::GridWater => (0.0, 100.0),
            Self::ElectricityPrice => (0.0, 10.0),
            Self::RentPrice => (0.0, 1000.0),
            Self::EmbodiedAccelerator | Self::EmbodiedHost => (0.0, 1e5),
            Self::LifetimeYears => (0.1, 50.0),
            Self::StartSeconds => (0.0, 10.0),
            Self::DataParallel => (1.0, 1024.0),
            Self::InputSeconds => (0.0, 3600.0),
            Self::CacheBytes => (0.0, 1e9),
            Self::CacheElementBytes => (0.25, 8.0),
            Self::SequenceTokens => (1.0, 1e8),
            Self::StateBytes => (1.0, 64.0),
            Self::TokenSeconds | Self::LoadSeconds => (0.0, 10.0),
            Self::ActivationBytes => (0.0, 1e12),
            Self::FailedShare | Self::ReservedIdle => (0.0, 0.99),
            Self::UnexplainedServing => (0.01, 100.0),
        }
    }
}

/// Keys that older links may set and that play no part any more.
const RETIRED: [&str; 2] = ["unexplained-time", "unexplained-draw"];

/// One assumption of a case.
#[derive(Debug, Clone)]
pub(crate) struct Assumed {
    pub(crate) key: Key,
    pub(crate) name: String,
    pub(crate) unit: String,
    pub(crate) span: Range<Ratio>,
    pub(crate) source: String,
    /// The row of `factors.csv`; empty where another table has it.
    pub(crate) factor: String,
    pub(crate) is_set: bool,
    /// Whether the span is uncertainty that widens results; a choice of scope has a span to show and does not widen.
    pub(crate) widens: bool,
}

impl Assumed {
    /// An assumption with its span.
    pub(crate) fn new(key: Key, name: &str, unit: &str, span: Range<Ratio>, source: String) -> Self {
        let (name, unit) = (name.to_owned(), unit.to_owned());
        Self { key, name, unit, span, source, factor: String::new(), is_set: false, widens: true }
    }

    /// An assumption that is a factor as the table has it.
    pub(crate) fn of_factor(key: Key, factor: &Factor) -> Self {
        let factor_id = factor.id.clone();
        Self { factor: factor_id, ..Self::new(key, &factor.label, &factor.unit, factor.value, cited(factor)) }
    }
}

/// The assumptions of a case, each key once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Assumptions {
    items: Vec<Assumed>,
}

impl Assumptions {
    /// Adds an assumption.
    pub(crate) fn add(&mut self, assumed: Assumed) {
        debug_assert!(self.items.iter().all(|item| item.key != assumed.key), "{:?} twice", assumed.key);
        self.items.push(assumed);
    }

    /// Replaces values by those that a scenario sets, which have no span.
    ///
    /// # Errors
    /// A key that no case has, or a value out of its bounds. A key that only other cases have changes nothing.
    pub(crate) fn set(&mut self, values: &BTreeMap<String, f64>) -> Result<(), EstimateError> {
        for (code, value) in values {
            let Some(item) = self.items.iter_mut().find(|item| item.key.code() == code) else {
                if Key::ALL.iter().any(|key| key.code() == code) || RETIRED.contains(&code.as_str()) {
                    // It belongs to another workload or device, from which the scenario was changed: it waits.
                    continue;
                }
                return Err(EstimateError::UnknownAssumption {
                    key: crate::notes::clip(code),
                    offered: self.items.iter().map(|item| item.key.code().to_owned()).collect(),
                });
            };
            let (least, most) = item.key.bounds();
            if !(least..=most).contains(value) {
                return Err(EstimateError::OutOfBounds {
                    key: code.clone(),
                    value: *value,
                    bounds: format!("from {least} to {most}"),
                });
            }
            item.span = Range::exact(Ratio(*value));
            item.source = "set by you".to_owned();
            item.is_set = true;
        }
        Ok(())
    }

    /// All of them, in the order added.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Assumed> {
        self.items.iter()
    }

    /// One of them.
    pub(crate) fn find(&self, key: Key) -> Option<&Assumed> {
        self.items.iter().find(|item| item.key == key)
    }

    /// The central values.
    pub(crate) fn central(&self) -> Values<'_> {
        Values { assumptions: self, changed: None }
    }

    /// The central values but for one.
    pub(crate) fn with(&self, key: Key, value: f64) -> Values<'_> {
        Values { assumptions: self, changed: Some((key, value)) }
    }

    /// The records for the report.
    pub(crate) fn records(&self) -> Vec<report::Assumption> {
        self.items
            .iter()
            .map(|item| {
                let (least, most) = item.key.bounds();
                report::Assumption {
                    key: item.key.code().to_owned(),
                    name: item.name.clone(),
                    value: item.span.central.0,
                    low: item.span.low.0,
                    high: item.span.high.0,
                    unit: item.unit.clone(),
                    factor: item.factor.clone(),
                    source: item.source.clone(),
                    is_set: item.is_set,
                    least,
                    most,
                }
            })
            .collect()
    }
}

/// One value for each assumption: what a computation runs on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Values<'a> {
    assumptions: &'a Assumptions,
    changed: Option<(Key, f64)>,
}

impl Values<'_> {
    /// The value of an assumption; 0 where it plays no part in the case.
    pub(crate) fn get(&self, key: Key) -> f64 {
        self.known(key).unwrap_or(0.0)
    }

    /// The value of an assumption by which something is multiplied; 1 where it plays no part in the case.
    pub(crate) fn times(&self, key: Key) -> f64 {
        self.known(key).unwrap_or(1.0)
    }

    fn known(&self, key: Key) -> Option<f64> {
        match self.changed {
            Some((changed, value)) if changed == key => Some(value),
            _ => self.assumptions.find(key).map(|item| item.span.central.0),
        }
    }
}

/// A factor by its id.
///
/// # Errors
/// The table has no such row, which is a fault of ours.
pub(crate) fn factor(id: &'static str) -> Result<&'static Factor, EstimateError> {
    factors::get(id).ok_or(EstimateError::MissingFactor { id })
}

/// A factor's source in one line.
pub(crate) fn cited(factor: &Factor) -> String {
    let citation = factor.evidence.source.citation();
    if factor.note.is_empty() { citation } else { format!("{citation}. {}", factor.note) }
}
