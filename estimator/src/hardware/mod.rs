//! Devices: what a chip computes, holds, moves and draws, each figure with the publication behind it.
//!
//! Here are the table of devices and the search in it.
//! How long a workload takes on one and what energy that needs belongs to `energy`; emissions belong to `carbon`.

pub mod precision;
pub mod roofline;
mod table;

pub use precision::{Peak, Precision};

use crate::search::{Names, Query, Rank};
use crate::sources::Evidence;
use crate::units::{Bytes, BytesPerSecond, FlopsPerSecond, KilogramsCo2e, Watts};
use std::collections::HashMap;
use std::sync::OnceLock;

/// What sort of thing a device is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A graphics processor, for graphics or only for computing.
    Gpu,
    /// A tensor processing unit.
    Tpu,
    /// Another accelerator for neural networks.
    Npu,
    /// A processor.
    Cpu,
    /// A system on a chip, whose memory the processor and the accelerator share.
    Soc,
    /// A microcontroller.
    Mcu,
}

impl Kind {
    /// The word that the table and the command line use.
    pub fn code(self) -> &'static str {
        match self {
            Self::Gpu => "gpu",
            Self::Tpu => "tpu",
            Self::Npu => "npu",
            Self::Cpu => "cpu",
            Self::Soc => "soc",
            Self::Mcu => "mcu",
        }
    }

    fn from_code(code: &str) -> Option<Self> {
        [Self::Gpu, Self::Tpu, Self::Npu, Self::Cpu, Self::Soc, Self::Mcu].into_iter().find(|kind| kind.code() == code)
    }
}

/// What a published embodied figure covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Boundary {
    /// The device alone.
    Device,
    /// The device and its share of host and rack.
    DeviceAndHost,
}

/// Emissions from making a device, as published: from the lowest to the highest assessment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Embodied {
    /// The lowest assessment.
    pub low: KilogramsCo2e,
    /// The highest assessment; equal to `low` where there is only one.
    pub high: KilogramsCo2e,
    /// What both cover.
    pub boundary: Boundary,
}

/// One device. What is not known is `None`, never zero.
#[derive(Debug, Clone, PartialEq)]
pub struct Device {
    /// The id that scenarios and the command line use, for example `h100-sxm`.
    pub id: String,
    /// The name that people read.
    pub name: String,
    /// Who makes it.
    pub vendor: String,
    /// What sort of thing it is.
    pub kind: Kind,
    /// How it is built in: `sxm`, `pcie`, `oam`, `module`, `socket` …
    pub form: String,
    /// What one of it is: a card, a module, a chip of two cores, a board of two GPUs.
    pub unit: String,
    /// The year it was announced or first sold.
    pub year: u16,
    /// Memory sizes it is sold with, the smallest first; empty where the machine decides, as for server processors.
    ///
    /// Memory is sold in binary gigabytes: an “80 GB” card reports 79.6 × 2^30 bytes.
    pub memory_options: Vec<Bytes>,
    /// Memory bandwidth.
    pub memory_bandwidth: Option<BytesPerSecond>,
    /// Thermal design power or the power cap: an upper bound of the draw, not the draw.
    pub tdp: Option<Watts>,
    /// Draw with nothing loaded.
    pub idle: Option<Watts>,
    /// The lowest published mean draw of the device itself, without host, over a training run.
    pub training_low: Option<Watts>,
    /// The typical published mean draw while training.
    pub training: Option<Watts>,
    /// The highest published mean draw while training.
    pub training_high: Option<Watts>,
    /// Bandwidth to sister devices, both directions together, where published.
    pub interconnect: Option<BytesPerSecond>,
    /// Emissions from making it, where published.
    pub embodied: Option<Embodied>,
    /// Cloud instances, machines and short names that it is known by.
    pub aliases: Vec<String>,
    /// What a reader should know, in sentences.
    pub notes: String,
    peaks: Vec<(Precision, FlopsPerSecond)>,
    evidence: HashMap<Field, Evidence>,
}

/// A figure of a device, to ask what stands behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// [`Device::year`].
    Year,
    /// [`Device::memory_options`].
    Memory,
    /// [`Device::memory_bandwidth`].
    MemoryBandwidth,
    /// [`Device::tdp`].
    Tdp,
    /// [`Device::idle`].
    Idle,
    /// [`Device::training_low`], [`Device::training`] and [`Device::training_high`].
    Training,
    /// [`Device::own_peak`].
    Peak(Precision),
    /// [`Device::interconnect`].
    Interconnect,
    /// [`Embodied::low`].
    EmbodiedLow,
    /// [`Embodied::high`].
    EmbodiedHigh,
}

impl Device {
    /// What stands behind a figure; `None` where the device does not have the figure.
    pub fn evidence(&self, field: Field) -> Option<Evidence> {
        self.evidence.get(&field).copied()
    }

    /// The largest memory it is sold with.
    pub fn memory(&self) -> Option<Bytes> {
        self.memory_options.last().copied()
    }

    /// The most it can draw, as far as published: its TDP or cap, else the highest draw measured while training.
    pub fn most_power(&self) -> Option<Watts> {
        self.tdp.or(self.training_high)
    }
}

/// All devices, in the file's order: by vendor and family, the oldest first.
pub fn devices() -> &'static [Device] {
    table::devices()
}

/// The device with this id.
pub fn device(id: &str) -> Option<&'static Device> {
    static BY_ID: OnceLock<HashMap<&'static str, &'static Device>> = OnceLock::new();
    BY_ID.get_or_init(|| devices().iter().map(|device| (device.id.as_str(), device)).collect()).get(id).copied()
}

/// Searches devices by id, name, alias, vendor and kind. An empty text finds nothing: the caller shows its own first list.
///
/// Of equal rank, newer devices come first; of those, the file's order holds.
pub fn search(text: &str) -> Vec<(&'static Device, Rank)> {
    static INDEX: OnceLock<Vec<(&'static Device, Names)>> = OnceLock::new();
    let index = INDEX.get_or_init(|| devices().iter().map(|device| (device, names(device))).collect());
    let query = Query::new(text);
    let mut found: Vec<(&'static Device, Rank)> =
        index.iter().filter_map(|(device, names)| Some((*device, names.rank(&query)?))).collect();
    found.sort_by_key(|(device, rank)| (*rank, std::cmp::Reverse(device.year)));
    found
}

fn names(device: &Device) -> Names {
    // People leave out the maker, and often the line too: “H100 PCIe”, “RTX 4090”.
    let short = device.name.strip_prefix(device.vendor.as_str()).unwrap_or(&device.name).trim_start();
    let shorter = ["GeForce ", "Tesla ", "Radeon ", "Instinct "].iter().find_map(|line| short.strip_prefix(line));
    // Or the blanks: “rtx4090”, “a100 80gb”.
    let together = shorter.unwrap_or(short).replace(' ', "");
    let sizes = device.memory_options.iter().map(|size| format!("{}gb", size.0 / table::GIGABYTE));
    let others = [&device.vendor, device.kind.code(), &device.form].map(str::to_owned);
    Names::new(
        &device.id,
        [Some(device.name.as_str()), Some(short), shorter].into_iter().flatten(),
        device.aliases.iter().chain([&together]),
        others.into_iter().chain(sizes),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(text: &str) -> &'static str {
        search(text).first().map_or("", |(device, _)| device.id.as_str())
    }

    fn all(text: &str) -> Vec<&'static str> {
        search(text).into_iter().map(|(device, _)| device.id.as_str()).collect()
    }

    #[test]
    fn ids_and_names_find_themselves_first() {
        for device in devices() {
            assert_eq!(first(&device.id), device.id);
            assert_eq!(first(&device.name), device.id, "{}", device.name);
            assert_eq!(super::device(&device.id), Some(device));
        }
        assert_eq!(super::device("h100"), None);
    }

    #[test]
    fn people_type_short_names_instances_and_makers() {
        for (text, id) in [
            ("rtx 4090", "rtx-4090"),
            ("4090", "rtx-4090"),
            ("RTX4090", "rtx-4090"),
            ("a100 80gb pcie", "a100-pcie-80gb"),
            ("p4d", "a100-sxm4-40gb"),
            ("p4de", "a100-sxm4-80gb"),
            ("a2-highgpu", "a100-sxm4-40gb"),
            ("Colab free GPU", "t4"),
            ("kaggle t4", "t4"),
            ("jean zay", "a100-sxm4-80gb"),
            ("trillium", "tpu-v6e"),
            ("ironwood", "tpu-v7"),
            ("trn2", "trainium2"),
            ("macbook air m1", "apple-m1"),
            ("m2 ultra", "apple-m2-ultra"),
            ("pi 5", "raspberry-pi-5"),
            ("nucleo", "stm32h743"),
            ("orin nano", "jetson-orin-nano-8gb"),
            ("sapphire rapids", "xeon-platinum-8480"),
            ("laptop cpu", "ryzen-7-7840u"),
            ("7900 xtx", "rx-7900-xtx"),
        ] {
            assert_eq!(first(text), id, "{text}");
        }
    }

    #[test]
    fn broad_words_find_families() {
        assert!(all("h100").len() >= 3);
        assert!(all("a100").len() >= 4);
        assert!(all("v100").contains(&"v100-pcie-16gb"));
        assert!(all("google tpu").contains(&"tpu-v5p"));
        assert!(all("amd").contains(&"mi300x"));
        assert!(all("cpu").contains(&"epyc-9654"));
        let found = search("nvidia sxm");
        assert!(found.len() > 8);
        assert!(found.is_sorted_by_key(|(device, rank)| (*rank, std::cmp::Reverse(device.year))), "newer first");
    }

    #[test]
    fn nothing_and_nonsense_find_nothing() {
        for text in ["", " ", "—", "abacus"] {
            assert!(search(text).is_empty(), "{text:?}");
        }
    }

    #[test]
    fn what_is_unknown_is_none() {
        let trainium = device("trainium1").unwrap();
        assert_eq!(trainium.most_power(), None);
        assert_eq!(trainium.evidence(Field::Tdp), None);
        let xeon = device("xeon-platinum-8480").unwrap();
        assert_eq!(xeon.memory(), None);
        assert_eq!(device("tpu-v4").unwrap().most_power(), Some(Watts(192.0)), "measured, for want of a TDP");
    }

    #[test]
    fn a_figure_says_where_it_comes_from() {
        let h100 = device("h100-sxm").unwrap();
        let evidence = h100.evidence(Field::EmbodiedLow).unwrap();
        assert!(evidence.source.citation().contains("HGX H100 product carbon footprint"));
        assert_eq!(h100.embodied.unwrap().low, KilogramsCo2e(164.0));
        let peak = h100.peak(Precision::Bf16).unwrap();
        assert!(peak.evidence.source.citation().starts_with("NVIDIA"));
    }
}
