//! Names of devices and places as tools write them, found in our own tables.

use crate::carbon::places::{self, Place};
use crate::hardware::{self, Kind};
use crate::report::{DeviceRole, MeasuredDevice};
use crate::search::Rank;

/// The most names of one kind that a run keeps.
const MOST_DEVICES: usize = 64;

/// A device by its name in a log.
pub(super) fn device(role: DeviceRole, name: &str, count: u64) -> MeasuredDevice {
    MeasuredDevice { role, name: crate::notes::clip(name.trim()), count, id: known_device(role, name) }
}

/// The id of a device of our table.
fn known_device(role: DeviceRole, name: &str) -> Option<String> {
    let mut plain: String = name.replace("(R)", " ").replace("(TM)", " ");
    for word in ["CPU", "Processor"] {
        plain = plain.replace(word, " ");
    }
    // “… @ 2.50GHz” is the clock, not the name.
    let plain = plain.split('@').next().unwrap_or_default().replace(['-', '_', '/'], " ");
    let mut words: Vec<&str> = plain.split_whitespace().filter(|word| *word != "NVIDIA" && *word != "Tesla").collect();
    words.retain(|word| !word.ends_with("Core"));
    // Of a long name the beginning tells most: “H100 80GB HBM3”.
    while !words.is_empty() && words.len() <= 12 {
        let found = hardware::search(&words.join(" "));
        let fits = |kind: Kind| matches!(kind, Kind::Cpu) == (role == DeviceRole::Cpu);
        let mut of_role = found.iter().filter(|(device, _)| fits(device.kind));
        if let Some((best, rank)) = of_role.next() {
            // A sure name, or the only one that answers.
            let alone = of_role.next().is_none();
            return (*rank <= Rank::Alias || alone).then(|| best.id.clone());
        }
        words.pop();
    }
    None
}

/// Devices of a list such as `2 x NVIDIA A100`, also of `4 x NVIDIA A401 x NVIDIA A100 80GB PCIe`, where nothing stands between
/// the name of one and the number of the next: four A40 and one A100.
pub(super) fn gpus(text: &str, total: Option<u64>) -> Vec<MeasuredDevice> {
    let mut pieces = text.split(" x ");
    let mut digits = pieces.next().map_or("", |first| number_behind(first).1);
    let pieces: Vec<&str> = pieces.take(MOST_DEVICES).collect();
    if pieces.is_empty() {
        let name = text.trim();
        return if name.is_empty() {
            Vec::new()
        } else {
            vec![device(DeviceRole::Gpu, name, total.unwrap_or(1).max(1))]
        };
    }
    let mut found = Vec::new();
    for (place, piece) in pieces.iter().enumerate() {
        let (name, next) = if place + 1 < pieces.len() { number_behind(piece) } else { (*piece, "") };
        let name = name.trim_matches([' ', ',', ';', '|']);
        if !name.is_empty() {
            found.push(device(DeviceRole::Gpu, name, digits.parse().unwrap_or(1)));
        }
        digits = next;
    }
    found
}

/// A text and the number behind it. Where no separator parts the two, the number has one digit and the others belong to the name.
fn number_behind(text: &str) -> (&str, &str) {
    let name = text.trim_end_matches(|letter: char| letter.is_ascii_digit());
    let digits = text.len() - name.len();
    let own = if name.is_empty() || name.ends_with([' ', ',', ';', '|']) { digits } else { digits.min(1) };
    text.split_at(text.len() - own)
}

/// The id of a grid by a country's code or name; nothing where the table does not have exactly that.
pub(super) fn region(text: &str) -> Option<String> {
    let text = text.trim();
    if text.is_empty() || text.len() > 100 {
        return None;
    }
    places::search(text).into_iter().find_map(|(place, rank)| match place {
        Place::Grid(grid) if rank <= Rank::Alias => Some(grid.id.clone()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(role: DeviceRole, name: &str) -> Option<String> {
        known_device(role, name)
    }

    #[test]
    fn devices_are_known_by_the_names_that_drivers_give() {
        for (name, expected) in [
            ("NVIDIA A100-SXM4-80GB", "a100-sxm4-80gb"),
            ("NVIDIA A100-SXM4-40GB", "a100-sxm4-40gb"),
            ("A100-SXM4-40GB", "a100-sxm4-40gb"),
            ("Tesla T4", "t4"),
            ("NVIDIA GeForce RTX 3090", "rtx-3090"),
            ("NVIDIA A100 80GB PCIe", "a100-pcie-80gb"),
            ("NVIDIA L4", "l4"),
        ] {
            assert_eq!(id(DeviceRole::Gpu, name).as_deref(), Some(expected), "{name}");
        }
        assert_eq!(id(DeviceRole::Gpu, "NVIDIA"), None);
        assert_eq!(id(DeviceRole::Cpu, "AMD EPYC"), None);
        assert_eq!(id(DeviceRole::Cpu, "AMD EPYC 9654 96-Core Processor").as_deref(), Some("epyc-9654"));
        assert_eq!(id(DeviceRole::Gpu, "a computer"), None);
    }

    #[test]
    fn lists_of_devices_are_taken_apart() {
        let told = |text: &str| -> Vec<(u64, String)> {
            gpus(text, None).into_iter().map(|device| (device.count, device.name)).collect()
        };
        assert_eq!(told("1 x NVIDIA GeForce RTX 3090"), [(1, "NVIDIA GeForce RTX 3090".to_owned())]);
        let run_together = "4 x NVIDIA A401 x NVIDIA A100 80GB PCIe";
        assert_eq!(told(run_together), [(4, "NVIDIA A40".to_owned()), (1, "NVIDIA A100 80GB PCIe".to_owned())]);
        assert_eq!(told("16 x NVIDIA H100"), [(16, "NVIDIA H100".to_owned())]);
        assert_eq!(told("1 x A100, 12 x T4"), [(1, "A100".to_owned()), (12, "T4".to_owned())]);
        assert_eq!(told(""), []);
    }

    #[test]
    fn places_are_known_by_code_and_name() {
        assert_eq!(region("FRA").as_deref(), Some("fr"));
        assert_eq!(region("Germany").as_deref(), Some("de"));
        assert_eq!(region("FR").as_deref(), Some("fr"));
        assert_eq!(region("Atlantis"), None);
    }
}
