//! The table of devices, `data/hardware.csv`: from its text to [`Device`]s.
//!
//! The column `sources` says where each figure comes from: entries `group=source/certainty` separated by `;`.
//! `spec` covers whatever has no entry of its own, `peaks` the peaks that have none;
//! what is measured or assessed (idle, training, embodied) must have its own entry.
//! Columns, units and rules are described in `data/README.md`.

use super::{Boundary, Device, Embodied, Field, Kind, Precision};
use crate::sources::{self, Certainty, Evidence};
use crate::tables::{Row, Table, TableError, built_in};
use crate::units::{Bytes, FlopsPerSecond, KilogramsCo2e, Quantity};
use std::collections::HashMap;
use std::sync::OnceLock;

/// Bytes in a gigabyte of memory as it is sold.
pub(super) const GIGABYTE: f64 = (1u64 << 30) as f64;
/// Bytes per second in the GB/s of a bandwidth.
const GIGABYTE_PER_SECOND: f64 = 1e9;
/// Operations per second in a TFLOP/s or a TOP/s.
const TERA: f64 = 1e12;

const TEXT: &str = include_str!("../../data/hardware.csv");

pub(super) fn devices() -> &'static [Device] {
    static DEVICES: OnceLock<Vec<Device>> = OnceLock::new();
    DEVICES.get_or_init(|| built_in(read("hardware.csv", TEXT)))
}

fn read(name: &str, text: &str) -> Result<Vec<Device>, TableError> {
    Table::parse(name, text)?.rows().map(|row| read_device(&row)).collect()
}

fn read_device(row: &Row<'_>) -> Result<Device, TableError> {
    let said = Said::read(row)?;
    let mut evidence = HashMap::new();
    // Every figure that is there must have a source, so the two are read together.
    let mut sourced = |field: Field, there: bool| -> Result<(), TableError> {
        if there {
            evidence.insert(field, said.evidence(row, field)?);
        }
        Ok(())
    };

    let year = row.year("year")?.ok_or_else(|| row.fault("year", "a year is required"))?;
    sourced(Field::Year, true)?;
    let memory_options = read_memory(row)?;
    sourced(Field::Memory, !memory_options.is_empty())?;
    let memory_bandwidth = quantity(row, "memory_bandwidth_gb_s", GIGABYTE_PER_SECOND)?;
    sourced(Field::MemoryBandwidth, memory_bandwidth.is_some())?;
    let tdp = quantity(row, "tdp_w", 1.0)?;
    sourced(Field::Tdp, tdp.is_some())?;
    let idle = quantity(row, "idle_w", 1.0)?;
    sourced(Field::Idle, idle.is_some())?;
    let training_low = quantity(row, "training_w_low", 1.0)?;
    let training = quantity(row, "training_w_central", 1.0)?;
    let training_high = quantity(row, "training_w_high", 1.0)?;
    sourced(Field::Training, training_low.or(training).or(training_high).is_some())?;
    let interconnect = quantity(row, "interconnect_gb_s", GIGABYTE_PER_SECOND)?;
    sourced(Field::Interconnect, interconnect.is_some())?;
    let embodied = read_embodied(row)?;
    sourced(Field::EmbodiedLow, embodied.is_some())?;
    sourced(Field::EmbodiedHigh, embodied.is_some())?;
    let mut peaks = Vec::new();
    for precision in Precision::ALL {
        if let Some(rate) = quantity::<FlopsPerSecond>(row, peak_column(precision), TERA)? {
            sourced(Field::Peak(precision), true)?;
            peaks.push((precision, rate));
        }
    }
    said.all_used(row, &evidence)?;

    let kind = row.required_text("kind")?;
    Ok(Device {
        id: row.required_text("id")?.to_owned(),
        name: row.required_text("name")?.to_owned(),
        vendor: row.required_text("vendor")?.to_owned(),
        kind: Kind::from_code(kind).ok_or_else(|| row.fault("kind", format!("“{kind}” is no kind of device")))?,
        form: row.required_text("form")?.to_owned(),
        unit: row.required_text("unit")?.to_owned(),
        year,
        memory_options,
        memory_bandwidth,
        tdp,
        idle,
        training_low,
        training,
        training_high,
        interconnect,
        embodied,
        aliases: row.list("aliases")?.map(str::to_owned).collect(),
        notes: row.text("notes")?.unwrap_or_default().to_owned(),
        peaks,
        evidence,
    })
}

/// A cell as a quantity above zero; `scale` turns the column's unit into the quantity's.
fn quantity<T: Quantity>(row: &Row<'_>, column: &str, scale: f64) -> Result<Option<T>, TableError> {
    match row.number(column)? {
        None => Ok(None),
        Some(number) if number > 0.0 => Ok(Some(T::of(number * scale))),
        Some(number) => Err(row.fault(column, format!("{number} is not above zero; leave unknown cells empty"))),
    }
}

fn read_memory(row: &Row<'_>) -> Result<Vec<Bytes>, TableError> {
    let mut sizes = Vec::new();
    for entry in row.list("memory_gb")? {
        let size = entry.parse().ok().filter(|size: &f64| size.is_finite() && *size > 0.0);
        let size = size.ok_or_else(|| row.fault("memory_gb", format!("“{entry}” is no memory size")))?;
        sizes.push(Bytes(size * GIGABYTE));
    }
    if !sizes.is_sorted() {
        return Err(row.fault("memory_gb", "the sizes must go from small to large"));
    }
    Ok(sizes)
}

fn read_embodied(row: &Row<'_>) -> Result<Option<Embodied>, TableError> {
    let low: Option<KilogramsCo2e> = quantity(row, "embodied_kg_low", 1.0)?;
    let high = quantity(row, "embodied_kg_high", 1.0)?;
    let boundary = match row.text("embodied_boundary")? {
        None => None,
        Some("device") => Some(Boundary::Device),
        Some("device and host") => Some(Boundary::DeviceAndHost),
        Some(other) => return Err(row.fault("embodied_boundary", format!("“{other}” is no boundary"))),
    };
    match (low, high, boundary) {
        (None, None, None) => Ok(None),
        (Some(low), Some(high), Some(boundary)) if low <= high => Ok(Some(Embodied { low, high, boundary })),
        _ => Err(row.fault("embodied_kg_low", "low, high and boundary go together, and low is not above high")),
    }
}

fn peak_column(precision: Precision) -> &'static str {
    match precision {
        Precision::Fp64 => "fp64_tflops",
        Precision::Fp32 => "fp32_tflops",
        Precision::Tf32 => "tf32_tflops",
        Precision::Fp16 => "fp16_tflops",
        Precision::Fp16Accumulate16 => "fp16_acc16_tflops",
        Precision::Bf16 => "bf16_tflops",
        Precision::Fp8 => "fp8_tflops",
        Precision::Int8 => "int8_tops",
        Precision::Int4 => "int4_tops",
        Precision::Fp4 => "fp4_tflops",
    }
}

/// The groups of the column `sources` that can cover a field, the nearest first.
fn groups(field: Field) -> &'static [&'static str] {
    match field {
        Field::Year => &["release", "spec"],
        Field::Memory => &["memory", "spec"],
        Field::MemoryBandwidth => &["bandwidth", "spec"],
        Field::Tdp => &["tdp", "spec"],
        Field::Idle => &["idle"],
        Field::Training => &["training"],
        Field::Interconnect => &["interconnect", "spec"],
        Field::EmbodiedLow => &["embodied_low", "embodied"],
        Field::EmbodiedHigh => &["embodied_high", "embodied"],
        Field::Peak(precision) => match precision {
            Precision::Fp64 => &["fp64", "peaks", "spec"],
            Precision::Fp32 => &["fp32", "peaks", "spec"],
            Precision::Tf32 => &["tf32", "peaks", "spec"],
            Precision::Fp16 => &["fp16", "peaks", "spec"],
            Precision::Fp16Accumulate16 => &["fp16_acc16", "peaks", "spec"],
            Precision::Bf16 => &["bf16", "peaks", "spec"],
            Precision::Fp8 => &["fp8", "peaks", "spec"],
            Precision::Int8 => &["int8", "peaks", "spec"],
            Precision::Int4 => &["int4", "peaks", "spec"],
            Precision::Fp4 => &["fp4", "peaks", "spec"],
        },
    }
}

/// What a row's column `sources` says: a group, the source's id, how sure we are.
struct Said<'t> {
    entries: Vec<(&'t str, Evidence)>,
}

impl<'t> Said<'t> {
    fn read(row: &Row<'t>) -> Result<Self, TableError> {
        let mut entries: Vec<(&str, Evidence)> = Vec::new();
        for entry in row.required_text("sources")?.split(';').map(str::trim) {
            let parts = entry.split_once('=').and_then(|(group, rest)| Some((group, rest.split_once('/')?)));
            let Some((group, (id, code))) = parts else {
                return Err(row.fault("sources", format!("“{entry}” is not of the form group=source/certainty")));
            };
            let source = sources::get(id).ok_or_else(|| row.fault("sources", format!("sources.csv has no “{id}”")))?;
            let certainty = Certainty::from_code(code)
                .ok_or_else(|| row.fault("sources", format!("“{code}” is no certainty; expected R, R2, D, E or M")))?;
            if entries.iter().any(|(other, _)| *other == group) {
                return Err(row.fault("sources", format!("“{group}” appears twice")));
            }
            entries.push((group, Evidence { source, year: source.year, certainty }));
        }
        Ok(Self { entries })
    }

    /// The group that covers a field, and what it says.
    fn covering(&self, field: Field) -> Option<(&'t str, Evidence)> {
        groups(field).iter().find_map(|group| self.entries.iter().find(|(own, _)| own == group)).copied()
    }

    fn evidence(&self, row: &Row<'_>, field: Field) -> Result<Evidence, TableError> {
        self.covering(field).map(|(_, evidence)| evidence).ok_or_else(|| {
            row.fault("sources", format!("no source for {field:?}; one of these groups is needed: {:?}", groups(field)))
        })
    }

    /// A group that covers nothing is a slip of the pen: a misspelt name, or a figure that was taken out.
    fn all_used(&self, row: &Row<'_>, figures: &HashMap<Field, Evidence>) -> Result<(), TableError> {
        let used: Vec<&str> =
            figures.keys().filter_map(|field| self.covering(*field)).map(|(group, _)| group).collect();
        match self.entries.iter().find(|(group, _)| !used.contains(group)) {
            Some((group, _)) => Err(row.fault("sources", format!("“{group}” covers no figure of this row"))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::BytesPerSecond;
    use std::collections::HashSet;

    fn tera(device: &Device, precision: Precision) -> Option<f64> {
        device.own_peak(precision).map(|rate| rate.0 / TERA)
    }

    #[test]
    fn the_table_reads() {
        let devices = read("hardware.csv", TEXT).unwrap();
        assert!(devices.len() >= 75, "{}", devices.len());
        assert!(TEXT.is_ascii() || TEXT.contains('“'), "plain text");
    }

    #[test]
    fn ids_are_unique_and_kebab_case() {
        let mut seen = HashSet::new();
        for device in devices() {
            assert!(seen.insert(&device.id), "{} appears twice", device.id);
            let parts: Vec<&str> = device.id.split('-').collect();
            let kebab = |part: &&str| {
                !part.is_empty() && part.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit())
            };
            assert!(parts.iter().all(kebab), "{}", device.id);
        }
        let names: HashSet<&str> = devices().iter().map(|device| device.name.as_str()).collect();
        assert_eq!(names.len(), devices().len(), "two devices share a name");
    }

    #[test]
    fn every_figure_has_a_source_and_a_year() {
        // The reader refuses a figure without one; here the years are looked at.
        for device in devices() {
            assert!(device.evidence(Field::Year).is_some());
            assert_eq!(device.tdp.is_some(), device.evidence(Field::Tdp).is_some(), "{}", device.id);
            for precision in device.precisions() {
                assert!(device.evidence(Field::Peak(precision)).is_some(), "{} {precision:?}", device.id);
            }
            for evidence in device.evidence.values() {
                assert!((2005..=2026).contains(&evidence.year), "{}: {}", device.id, evidence.source.id);
            }
        }
    }

    #[test]
    fn measured_figures_are_never_remembered() {
        for device in devices() {
            for field in [Field::Training, Field::EmbodiedLow, Field::EmbodiedHigh] {
                if let Some(evidence) = device.evidence(field) {
                    assert_ne!(evidence.certainty, Certainty::Remembered, "{} {field:?}", device.id);
                }
            }
        }
    }

    /// Sparse figures that other tables enter as dense, in TFLOP/s or TOP/s.
    const SPARSE: [(&str, Precision, f64); 36] = [
        ("a30", Precision::Bf16, 330.0),
        ("a40", Precision::Fp16, 299.4),
        ("a100", Precision::Tf32, 312.0),
        ("a100", Precision::Bf16, 624.0),
        ("a100", Precision::Fp16, 624.0),
        ("a100", Precision::Int8, 1248.0),
        ("l4", Precision::Bf16, 242.0),
        ("l4", Precision::Fp8, 485.0),
        ("l40s", Precision::Bf16, 733.0),
        ("l40s", Precision::Fp8, 1466.0),
        ("h100-sxm", Precision::Fp32, 989.0),
        ("h100-sxm", Precision::Tf32, 989.0),
        ("h100-sxm", Precision::Bf16, 1979.0),
        ("h100-sxm", Precision::Fp16, 1979.0),
        ("h100-sxm", Precision::Fp8, 3958.0),
        ("h100-sxm", Precision::Int8, 3958.0),
        ("h100-pcie", Precision::Bf16, 1513.0),
        ("h100-pcie", Precision::Fp8, 3026.0),
        ("h100-nvl", Precision::Bf16, 1671.0),
        ("h200", Precision::Bf16, 1979.0),
        ("h200", Precision::Fp8, 3958.0),
        ("gh200", Precision::Bf16, 1979.0),
        ("h20", Precision::Bf16, 296.0),
        ("b200", Precision::Bf16, 4500.0),
        ("b200", Precision::Fp8, 9000.0),
        ("b200", Precision::Fp4, 18000.0),
        ("gb200", Precision::Bf16, 5000.0),
        ("b300", Precision::Fp4, 18000.0),
        ("rtx-4090", Precision::Fp16, 330.3),
        ("rtx-4090", Precision::Int8, 1321.0),
        ("rtx-5090", Precision::Fp4, 3352.0),
        ("mi300x", Precision::Bf16, 2615.0),
        ("mi355x", Precision::Fp8, 10066.0),
        ("trainium2", Precision::Fp8, 2563.0),
        ("jetson-orin-nano", Precision::Int8, 67.0),
        ("jetson-agx-orin", Precision::Int8, 275.0),
    ];

    #[test]
    fn sparse_figures_are_absent() {
        for (prefix, precision, sparse) in SPARSE {
            let named: Vec<&Device> = devices()
                .iter()
                .filter(|device| {
                    device.id.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
                })
                .collect();
            assert!(!named.is_empty(), "{prefix}");
            for device in named {
                let peak = tera(device, precision).unwrap_or_else(|| panic!("{} has no {precision:?}", device.id));
                assert!(peak < sparse * 0.95, "{} {precision:?} {peak} looks like the sparse {sparse}", device.id);
            }
        }
    }

    #[test]
    fn halving_the_bits_at_most_doubles_the_rate() {
        // With 10 % for rounding. A doubled, sparse entry breaks the rule on one side or the other.
        let at_most = |device: &Device, fast: Precision, times: f64, slow: &[Precision]| {
            let Some(rate) = tera(device, fast) else { return };
            let slowest = slow.iter().filter_map(|precision| tera(device, *precision)).fold(f64::NAN, f64::max);
            if slowest.is_finite() {
                assert!(rate <= times * slowest * 1.1, "{}: {fast:?} {rate} beside {slow:?} {slowest}", device.id);
            }
        };
        for device in devices() {
            let full = [Precision::Fp16, Precision::Bf16, Precision::Fp16Accumulate16];
            // Trainium3 quadruples from BF16 to FP8.
            at_most(device, Precision::Fp8, if device.id == "trainium3" { 4.0 } else { 2.0 }, &full);
            at_most(device, Precision::Fp16Accumulate16, 2.0, &[Precision::Fp16]);
            // Gaudi 3 computes FP16 at about a quarter of its BF16 rate.
            at_most(device, Precision::Bf16, if device.id == "gaudi3" { 4.0 } else { 1.0 }, &[Precision::Fp16]);
            at_most(device, Precision::Int4, 2.0, &[Precision::Int8]);
            at_most(device, Precision::Int8, 2.0, &full);
            at_most(device, Precision::Fp8, 1.0, &[Precision::Int8]);
            at_most(device, Precision::Fp32, 1.0, &[Precision::Tf32]);
            at_most(device, Precision::Fp64, 1.0, &[Precision::Fp32]);
            // Blackwell Ultra triples rather than doubles from FP8 to FP4.
            let ultra = device.id.ends_with("b300");
            at_most(device, Precision::Fp4, if ultra { 3.1 } else { 4.0 }, &[Precision::Fp8]);
        }
    }

    #[test]
    fn figures_are_sane_for_their_kind() {
        for device in devices() {
            let id = &device.id;
            let (memory, bandwidth, power, peak) = match device.kind {
                Kind::Gpu => (4.0..300.0, 100.0..9000.0, 50.0..1500.0, 1.0..3000.0),
                Kind::Tpu => (8.0..300.0, 500.0..9000.0, 100.0..1500.0, 20.0..3000.0),
                Kind::Npu => (0.005..300.0, 10.0..9000.0, 1.0..1500.0, 1.0..3000.0),
                Kind::Cpu => (0.0..0.0, 50.0..1000.0, 10.0..600.0, 0.5..300.0),
                Kind::Soc => (1.0..600.0, 10.0..1000.0, 3.0..300.0, 0.01..300.0),
                Kind::Mcu => (0.00001..0.1, 0.0..0.0, 0.001..2.0, 1e-6..0.1),
            };
            for size in &device.memory_options {
                assert!(memory.contains(&(size.0 / GIGABYTE)), "{id}: memory {}", size.0 / GIGABYTE);
            }
            if let Some(speed) = device.memory_bandwidth {
                assert!(bandwidth.contains(&(speed.0 / GIGABYTE_PER_SECOND)), "{id}: bandwidth {}", speed.0);
            }
            if let Some(draw) = device.most_power() {
                assert!(power.contains(&draw.0), "{id}: power {}", draw.0);
            }
            let sixteen = [Precision::Bf16, Precision::Fp16, Precision::Fp32, Precision::Int8];
            let best = sixteen.iter().filter_map(|precision| tera(device, *precision)).next();
            assert!(best.is_some() || id == "gb10", "{id} has no peak");
            assert!(best.is_none_or(|best| peak.contains(&best)), "{id}: peak {best:?}");
            assert!((2012..=2026).contains(&device.year), "{id}: {}", device.year);
        }
    }

    #[test]
    fn idle_is_below_training_and_training_within_the_cap() {
        for device in devices() {
            let id = &device.id;
            let steps: Vec<f64> = [device.idle, device.training_low, device.training, device.training_high]
                .into_iter()
                .flatten()
                .map(|draw| draw.0)
                .collect();
            assert!(steps.is_sorted(), "{id}: {steps:?}");
            if let (Some(idle), Some(training)) = (device.idle, device.training) {
                assert!(idle < training, "{id}");
            }
            if let (Some(tdp), Some(most)) = (device.tdp, steps.last()) {
                assert!(*most <= 1.2 * tdp.0, "{id}: {most} W against a TDP of {} W", tdp.0);
            }
            if let (Some(tdp), Some(idle)) = (device.tdp, device.idle) {
                assert!(idle.0 < 0.5 * tdp.0, "{id}: idle {} W of {} W", idle.0, tdp.0);
            }
        }
    }

    #[test]
    fn known_mix_ups_of_other_tables_are_absent() {
        let tdp = |id: &str| super::super::device(id).unwrap().tdp.map(|tdp| tdp.0);
        assert_eq!(tdp("v100-pcie-16gb"), Some(250.0));
        assert_eq!(tdp("v100-sxm2-16gb"), Some(300.0));
        assert_eq!(tdp("tpu-v3"), Some(450.0), "not the mean draw");
        assert_eq!(tdp("tpu-v4"), None, "not the mean draw");
        let int8 = tera(super::super::device("mi100").unwrap(), Precision::Int8);
        assert_eq!(int8, Some(184.6), "not doubled");
    }

    /// A row of the table, with one cell replaced.
    fn with(column: &str, value: &str) -> Result<Vec<Device>, TableError> {
        let header = TEXT.lines().next().unwrap();
        let mut cells = vec![""; header.split(',').count()];
        let mut set = |name: &str, value| {
            let index = header.split(',').position(|own| own == name).unwrap_or_else(|| panic!("no column {name}"));
            cells[index] = value;
        };
        for (name, value) in [
            ("id", "x1"),
            ("name", "X1"),
            ("vendor", "X"),
            ("kind", "gpu"),
            ("form", "pcie"),
            ("unit", "card"),
            ("year", "2020"),
            ("memory_gb", "8|16"),
            ("bf16_tflops", "100"),
            ("sources", "spec=nv-a100/R"),
        ] {
            set(name, value);
        }
        set(column, value);
        read("hardware.csv", &format!("{header}\n{}\n", cells.join(",")))
    }

    #[test]
    fn a_row_reads_in_its_units() {
        let device = with("memory_bandwidth_gb_s", "1555").unwrap().remove(0);
        assert_eq!(device.memory_bandwidth, Some(BytesPerSecond(1.555e12)));
        assert_eq!(device.memory_options, [Bytes(8.0 * GIGABYTE), Bytes(16.0 * GIGABYTE)]);
        assert_eq!(device.memory(), Some(Bytes(17_179_869_184.0)));
        assert_eq!(device.own_peak(Precision::Bf16), Some(FlopsPerSecond(1e14)));
    }

    #[test]
    fn faults_name_line_and_column() {
        for (column, value, words) in [
            ("kind", "toaster", "“toaster” is no kind of device"),
            ("year", "", "a year is required"),
            ("tdp_w", "0", "0 is not above zero"),
            ("tdp_w", "many", "“many” is not a number"),
            ("memory_gb", "16|8", "from small to large"),
            ("memory_gb", "16|big", "“big” is no memory size"),
            ("idle_w", "20", "no source for Idle"),
            ("embodied_kg_low", "100", "low, high and boundary go together"),
            ("embodied_boundary", "rack", "“rack” is no boundary"),
            ("sources", "spec", "not of the form group=source/certainty"),
            ("sources", "spec=nowhere/R", "sources.csv has no “nowhere”"),
            ("sources", "spec=nv-a100/X", "“X” is no certainty"),
            ("sources", "peaks=nv-a100/R", "no source for Year"),
            ("sources", "spec=nv-a100/R; spec=nv-a100/R", "“spec” appears twice"),
            ("sources", "spec=nv-a100/R; tdp=nv-a100/R", "“tdp” covers no figure of this row"),
            ("sources", "spec=nv-a100/R; pikes=nv-a100/R", "“pikes” covers no figure of this row"),
        ] {
            let fault = with(column, value).unwrap_err().to_string();
            assert!(fault.starts_with("hardware.csv, line 2, column “") && fault.contains(words), "{fault}");
        }
    }
}
