//! Logs of measured runs: any bytes end in a record or an error, and what is read can be extrapolated and estimated.
#![no_main]

use estimator::formats::{Files, InMemory};
use estimator::logs;
use estimator::scenario::{ModelSummary, Scenario};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(found) = logs::read(&Files::new(InMemory::one("log", bytes.to_vec()))) else { return };
    let model = ModelSummary::from_counts(1e9, None);
    for run in found.logs.iter().flat_map(|log| &log.runs).take(20) {
        for figure in [run.energy_kwh.map(|it| it.0), run.duration_s.map(|it| it.0)].into_iter().flatten() {
            assert!(figure.is_finite() && figure >= 0.0);
        }
        let _ = logs::extrapolate(run, run.epochs.len() as u64 + 7);
        let _ = logs::beside(run, &Scenario::default(), &model);
    }
});
