//! The one serialisable input: which model, doing what, on which machines, where.
//!
//! The URL of the page, a scenario file, a lesson step and the command line are all read into a [`Scenario`];
//! everything else the page shows is derived from it.
//! It is tolerant: what is absent takes its default, what is unknown is left out, so an old link and a newer one both open.
//! Nothing is computed here, and no table is read: whether a device or a region exists is for `energy` to say.

pub mod compression;
mod fields;
mod fragment;
mod sample;
mod summary;
mod training;

pub use compression::Compression;
pub use fields::UnknownField;
pub use fragment::{FragmentError, LONGEST_FRAGMENT};
pub use sample::{Sample, SampleKind, TokenPass};
pub(crate) use summary::gather;
pub use summary::{LanguageModel, LayerTerms, MOST_TERMS, ModelSummary};
pub use training::{Activations, Kind, Method, Optimizer, Plan, Targets};

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of the layout of a [`Scenario`]; a reader of an older version still opens a newer scenario.
pub const VERSION: u32 = 1;

/// Everything that determines an estimate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Scenario {
    /// The layout's version, [`VERSION`] when written by this code.
    pub version: u32,
    /// The model.
    pub model: ModelRef,
    /// Numbers for the model's symbolic dimensions, by name.
    pub dims: BTreeMap<String, u64>,
    /// What the model does.
    pub workload: Workload,
    /// The machines.
    pub hardware: Hardware,
    /// Where they stand.
    pub site: Site,
    /// Assumptions that the user has set, by the key that [`crate::report::Assumption`] carries, in the unit stated there.
    /// A set value has no span: `pue`, `mfu`, `grid-intensity`, `accelerator-watts` …
    pub set: BTreeMap<String, f64>,
    /// What the user would change of the model before serving it; `compression` computes what that does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compression: Option<Compression>,
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            version: VERSION,
            model: ModelRef::default(),
            dims: BTreeMap::new(),
            workload: Workload::default(),
            hardware: Hardware::default(),
            site: Site::default(),
            set: BTreeMap::new(),
            compression: None,
        }
    }
}

/// Which model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum ModelRef {
    /// One of the bundled models.
    Gallery {
        /// Its id, for example `resnet50`.
        id: String,
    },
    /// A file on the web.
    Url {
        /// Where.
        url: String,
    },
    /// A file of the user, which a link cannot carry; its summary can.
    File {
        /// The file's name.
        name: String,
        /// What an estimate needs to know of it, once it has been read.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        summary: Option<Box<ModelSummary>>,
    },
    /// A language model of which only the size is known.
    Counts {
        /// All parameters.
        parameters: f64,
        /// The parameters that one token uses (mixture of experts); all of them when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        active_parameters: Option<f64>,
    },
}

impl Default for ModelRef {
    fn default() -> Self {
        Self::Gallery { id: "resnet50".to_owned() }
    }
}

impl ModelRef {
    /// The summary where the reference itself carries it: of a file that was read, or of counts.
    pub fn summary(&self) -> Option<ModelSummary> {
        match self {
            Self::Gallery { .. } | Self::Url { .. } => None,
            Self::File { summary, .. } => summary.as_deref().cloned(),
            Self::Counts { parameters, active_parameters } => {
                Some(ModelSummary::from_counts(*parameters, *active_parameters))
            }
        }
    }
}

/// What the model does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Workload {
    /// Learns.
    Train(Training),
    /// Answers requests.
    Serve(Serving),
}

impl Default for Workload {
    fn default() -> Self {
        Self::Train(Training::default())
    }
}

/// A training run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Training {
    /// Samples in the training set; of a language model, sequences; of reinforcement, prompts.
    pub samples: f64,
    /// Passes over the training set.
    pub epochs: f64,
    /// Samples of one optimiser step over all devices together.
    pub batch: u64,
    /// Tokens seen in the whole run. When given, operations are 6 × parameters × tokens and samples and epochs play no part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<f64>,
    /// Whether activations are computed again in the backward pass instead of being kept (one more forward pass).
    pub recompute: bool,
    /// What kind of training it is.
    #[serde(skip_serializing_if = "Method::is_usual")]
    pub method: Method,
    /// How devices share it.
    #[serde(skip_serializing_if = "Plan::is_usual")]
    pub plan: Plan,
}

impl Training {
    /// Whether everything but the inputs of the layers is computed again in the backward pass.
    pub fn recomputes_all(&self) -> bool {
        self.recompute || self.plan.activations == Some(Activations::Full)
    }
}

impl Default for Training {
    fn default() -> Self {
        // ImageNet-1k's training set and the number of epochs with which ResNet-50 is usually trained.
        Self {
            samples: 1_281_167.0,
            epochs: 90.0,
            batch: 256,
            tokens: None,
            recompute: false,
            method: Method::default(),
            plan: Plan::default(),
        }
    }
}

/// A service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Serving {
    /// Requests that arrive in a day. Without it the figures are those of one request, with no idle time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_day: Option<f64>,
    /// How many days the figures cover; plays no part without a rate.
    pub days: f64,
    /// Requests that are computed together.
    pub batch: u64,
    /// Tokens of a request's prompt, for language models.
    pub prompt_tokens: f64,
    /// Tokens of a request's answer, for language models.
    pub output_tokens: f64,
    /// Pictures (or sounds of fixed size) in a request's prompt, for models that read them beside the text; none when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub images: Option<f64>,
    /// For a graph over tokens: whether a request is a prompt and its answer, or one pass of the graph as it stands.
    /// When absent, a graph that keeps a KV cache answers prompts, and any other makes one pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generates: Option<bool>,
}

impl Default for Serving {
    fn default() -> Self {
        Self {
            requests_per_day: None,
            days: 1.0,
            batch: 1,
            prompt_tokens: 500.0,
            output_tokens: 250.0,
            images: None,
            generates: None,
        }
    }
}

/// The machines.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Hardware {
    /// The device's id in `hardware.csv`.
    pub device: String,
    /// How many.
    pub count: u64,
    /// The number format of the products, for example `bf16`; the device's usual one when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub precision: Option<String>,
}

impl Default for Hardware {
    fn default() -> Self {
        Self { device: "a100-sxm4-80gb".to_owned(), count: 8, precision: None }
    }
}

/// Where the machines stand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Site {
    /// The id of a grid (`fr`, `us-srvc`) or of a cloud region (`gcp:europe-west1`).
    pub region: String,
    /// The id of the grid, where it is another than the region's own (one's own place has none); the region's when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grid: Option<String>,
    /// What the carbon intensity counts: `lifecycle` or `direct`; the grid's default figure when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub basis: Option<String>,
    /// The year of the carbon intensity; that of the grid's default figure when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub year: Option<u16>,
}

impl Default for Site {
    fn default() -> Self {
        Self { region: "world".to_owned(), grid: None, basis: None, year: None }
    }
}
