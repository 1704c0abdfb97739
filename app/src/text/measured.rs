//! The page of measured runs.

use estimator::report::{Boundary, Method};

pub const NAME: &str = "Measured";
pub const TITLE: &str = "What was measured, beside our estimate";
pub const LEDE: &str = "Drop what a tracker, a power meter or a profiler wrote. It is read here and goes nowhere.";
pub const OPEN_FILE: &str = "Open logs…";
pub const OPEN_FOLDER: &str = "Open a folder…";
pub const DROP: &str = "Drop the logs to read them";
pub const EMPTY: &str = "Nothing was opened yet. These can be read:";
pub const READING: &str = "Reading the logs…";
pub const NOT_READ: &str = "No log could be read";
pub const SOME_NOT_READ: &str = "Some logs could not be read";
pub const RUN: &str = "Run";
pub const RUNS: &str = "The measured runs";
pub const KNOW: &str = "What to know of this log";
pub const FACTS: &str = "The run";
pub const BESIDE: &str = "Measured beside estimated";
pub const NO_MODEL: &str = "No model is known here yet";
pub const NO_MODEL_REMEDY: &str =
    "Open the model that ran on the estimate page and come back: the estimate of it then stands beside this run.";
pub const NOT_ESTIMATED: &str = "The run cannot be estimated";
pub const NOTHING_TO_COMPARE: &str = "The log holds no figure that an estimate can stand beside.";
pub const BESIDE_COLUMNS: [&str; 6] = ["Quantity", "Unit", "Measured", "Estimated", "Range", "Estimated ÷ measured"];
pub const INSIDE: &str = "in the range";
pub const OUTSIDE: &str = "outside the range";
pub const RATIOS: &str = "How our estimate compares";
pub const RATIO_HEAD: [&str; 2] = ["Quantity", "Estimated ÷ measured"];
pub const DIFFERENCES: &str = "What differs";
pub const BASIS: &str = "What was compared";
pub const ADJUST: &str = "What the measurement would set";
pub const ADJUST_COLUMNS: [&str; 4] = ["Assumption", "Now", "Measured", "How"];
pub const USE: &str = "Use these assumptions";
pub const USE_HELP: &str =
    "Opens the estimate with the run’s devices and place and these values set; each can be given back there.";
pub const NOTHING_TO_ADJUST: &str = "The measurement sets no assumption of the estimate.";
pub const WHOLE: &str = "The whole training from these epochs";
pub const EPOCHS: &str = "Epochs of the whole training";
pub const NO_EPOCHS: &str = "The log does not tell epochs apart, so there is nothing to extrapolate from.";
pub const WHOLE_COLUMNS: [&str; 2] = ["Quantity", "Whole training"];
pub const PROFILE: &str = "Kernels";
pub const PROFILE_COLUMNS: [&str; 3] = ["Kernel", "Operator", "Measured"];
pub const PROFILE_BESIDE_COLUMNS: [&str; 6] = ["Kernel", "Operator", "Measured", "Roofline", "Bound by", "Of the peak"];
pub const NO_LAYERS: &str = "Open the profiled model on the estimate page and choose its device there: the roofline of each layer then stands beside its kernel.";
pub const NO_LAYER: &str = "no layer";
pub const COMPUTE: &str = "arithmetic";
pub const MEMORY: &str = "memory";

/// What the run says, row by row.
pub mod fact {
    pub const TIME: &str = "Time";
    pub const ENERGY: &str = "Energy as the tool states it";
    pub const EQUIPMENT: &str = "Energy of the equipment";
    pub const CPU: &str = "Processors";
    pub const GPU: &str = "Accelerators";
    pub const RAM: &str = "Memory";
    pub const OTHER: &str = "Undivided";
    pub const EMISSIONS: &str = "Emissions as the tool states them";
    pub const INTENSITY: &str = "Carbon intensity used";
    pub const COVERS: &str = "The energy covers";
    pub const METHOD: &str = "How it was found";
    pub const PUE: &str = "PUE in the energy";
    pub const PLACE: &str = "Place";
    pub const DEVICES: &str = "Devices";
    pub const MODEL: &str = "Model";
    pub const COMPUTED: &str = "Computed";
    pub const EPOCHS: &str = "Epochs measured";
    pub const FORECAST: &str = "The tool’s own forecast";
}

pub const HOURS: &str = "Time";
pub const EQUIPMENT: &str = "Energy of the equipment";
pub const ENERGY: &str = "Energy with the tool’s PUE";
pub const EMISSIONS: &str = "Emissions at the tool’s intensity";
pub const PUE_UNKNOWN: &str = "not known";
pub const PUE_NONE: &str = "none";

/// What the energy covers.
pub fn boundary(boundary: Boundary) -> &'static str {
    match boundary {
        Boundary::Accelerators => "the accelerators alone",
        Boundary::Chips => "processors and accelerators",
        Boundary::ChipsAndMemory => "processors, accelerators and memory",
        Boundary::Wall => "the whole computer at its plug",
        Boundary::Unknown => "not stated",
    }
}

/// How the energy was found.
pub fn method(method: Method) -> &'static str {
    match method {
        Method::Measured => "measured",
        Method::Mixed => "measured in part, else from ratings and constants",
        Method::Modelled => "computed from ratings",
        Method::Unknown => "not stated",
    }
}

/// Which log it is.
pub fn log(tool: &str, version: Option<&str>, runs: usize) -> String {
    let version = version.map(|version| format!(" {version}")).unwrap_or_default();
    let runs = if runs == 1 { "one run".to_owned() } else { format!("{runs} runs") };
    format!("{tool}{version}, {runs}")
}

/// What the chart of ratios shows.
pub fn ratios_summary(rows: usize, inside: usize) -> String {
    format!(
        "Where the bar says × 1, estimate and measurement are equal; {inside} of {rows} measured figures lie in the range of the estimate."
    )
}

/// Files that no tool wrote.
pub fn passed_over(files: usize) -> String {
    match files {
        1 => "One file is no log of a known tool and was passed over.".to_owned(),
        files => format!("{files} files are no logs of a known tool and were passed over."),
    }
}

/// The model that stands beside.
pub fn model(name: &str) -> String {
    format!("The estimate is of {name}, as set on the estimate page.")
}

/// Said when reading is done.
pub fn done(logs: usize, runs: usize) -> String {
    format!("Read: {logs} logs with {runs} runs.")
}
