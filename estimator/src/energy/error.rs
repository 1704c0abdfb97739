//! Why a scenario has no estimate.

use std::fmt;

/// Why a scenario has no estimate, with what would help.
#[derive(Debug, Clone, PartialEq)]
pub enum EstimateError {
    /// `hardware.csv` has no such device.
    UnknownDevice {
        /// The id that was asked for.
        id: String,
        /// Ids that look like it.
        near: Vec<String>,
    },
    /// Neither `grids.csv` nor `sites.csv` has such a place.
    UnknownRegion {
        /// The id that was asked for.
        id: String,
        /// Ids that look like it.
        near: Vec<String>,
    },
    /// The device does not compute in this precision, or its peak is not known.
    UnknownPrecision {
        /// The precision that was asked for.
        precision: String,
        /// The device's id.
        device: String,
        /// The precisions whose peak is known.
        offered: Vec<String>,
    },
    /// The grid has no carbon intensity of this basis.
    UnknownBasis {
        /// The basis that was asked for.
        basis: String,
        /// The grid's id.
        region: String,
    },
    /// The grid has no carbon intensity of this year.
    UnknownYear {
        /// The year that was asked for.
        year: u16,
        /// The grid's id.
        region: String,
        /// The years that it has.
        offered: Vec<u16>,
    },
    /// The scenario sets an assumption that does not exist.
    UnknownAssumption {
        /// The key.
        key: String,
        /// The keys that may be set here.
        offered: Vec<String>,
    },
    /// A number of the scenario is outside its bounds.
    OutOfBounds {
        /// Which number.
        key: String,
        /// Its value.
        value: f64,
        /// The bounds, in words.
        bounds: String,
    },
    /// A count of the model that the estimate needs is not known.
    UnknownCount {
        /// Which count.
        count: &'static str,
        /// What would make it known.
        remedy: &'static str,
    },
    /// The device's power is not published.
    UnknownPower {
        /// The device's id.
        device: String,
    },
    /// A table that is a part of this crate lacks a row: a fault of ours.
    MissingFactor {
        /// The row's id.
        id: &'static str,
    },
}

impl fmt::Display for EstimateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownDevice { id, near } => {
                write!(f, "there is no device “{id}”{}; `greenprint devices` lists them all", did_you_mean(near))
            }
            Self::UnknownRegion { id, near } => {
                write!(f, "there is no region “{id}”{}; `greenprint regions` lists them all", did_you_mean(near))
            }
            Self::UnknownPrecision { precision, device, offered } => write!(
                f,
                "no peak in {precision} is known of {device}; it is known in {}",
                if offered.is_empty() { "none".to_owned() } else { offered.join(", ") }
            ),
            Self::UnknownBasis { basis, region } => {
                write!(f, "no carbon intensity on the basis “{basis}” is known of {region}; try lifecycle or direct")
            }
            Self::UnknownYear { year, region, offered } => write!(
                f,
                "no carbon intensity of {region} is known for {year}{}",
                match offered.as_slice() {
                    [] => String::new(),
                    years =>
                        format!("; it is known for {}", years.iter().map(u16::to_string).collect::<Vec<_>>().join(", ")),
                }
            ),
            Self::UnknownAssumption { key, offered } => {
                write!(f, "there is no assumption “{key}” to set; there are {}", offered.join(", "))
            }
            Self::OutOfBounds { key, value, bounds } => write!(f, "{key} is {value}; it must be {bounds}"),
            Self::UnknownCount { count, remedy } => write!(f, "the model’s {count} are not known; {remedy}"),
            Self::UnknownPower { device } => {
                write!(f, "the power of {device} is not published; set accelerator-watts to what it draws")
            }
            Self::MissingFactor { id } => write!(f, "the table of factors has no row “{id}”; this is our mistake"),
        }
    }
}

impl std::error::Error for EstimateError {}

fn did_you_mean(near: &[String]) -> String {
    if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(", ")) }
}
