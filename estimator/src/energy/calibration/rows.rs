//! A measured service of a language model: a row in the layout of `served_models.csv`.

use super::{Constant, Constants};
use crate::energy::architectures::{self, Architecture};
use crate::energy::validate::device_by_name;
use crate::hardware::{Device, Precision};
use crate::scenario::LanguageModel;
use crate::tables::{Row, TableError};

/// A measured service.
#[derive(Debug, Clone)]
pub struct Measured {
    /// The row in words.
    pub id: String,
    /// What was asked of it: `lm-arena-chat` …
    pub task: String,
    /// The name under which the model is published.
    pub model_id: String,
    /// All parameters.
    pub parameters: f64,
    /// The parameters that one token uses.
    pub active_parameters: f64,
    /// Its architecture, where we have it by its name.
    pub architecture: Option<&'static Architecture>,
    /// The device; `None` where our table has none of that name.
    pub device: Option<&'static Device>,
    /// How many devices.
    pub devices: f64,
    /// Ways in which the requests were divided.
    pub ranks: f64,
    /// The number format of the weights.
    pub precision: Precision,
    /// Requests in flight on average.
    pub batch: f64,
    /// The most requests in flight that the engine was allowed, where given.
    pub most: Option<f64>,
    /// Tokens of an answer on average.
    pub output_tokens: f64,
    /// Tokens of a prompt, where given.
    pub prompt_tokens: Option<f64>,
    /// Joules of the chips for each output token.
    pub joules: f64,
    /// Output tokens a second, where given.
    pub tokens_per_second: Option<f64>,
    /// Median seconds between two tokens of a request, where given.
    pub between: Option<f64>,
}

impl Measured {
    /// Reads a row.
    ///
    /// # Errors
    /// A cell that is missing or no number, or a precision that is not known.
    pub fn read(row: &Row<'_>) -> Result<Self, TableError> {
        let text = |column: &str| row.text(column).ok().flatten().unwrap_or_default();
        let optional = |column: &str| match text(column) {
            "" => Ok(None),
            _ => row.number(column).map(|number| number.filter(|number| *number > 0.0)),
        };
        let model = row.required_text("model_id")?;
        let gpu = row.required_text("gpu")?;
        let word = row.required_text("weight_precision")?;
        let code = match word {
            "bfloat16" => "bf16",
            "float16" => "fp16",
            "float32" => "fp32",
            "mxfp4" | "nvfp4" => "fp4",
            other => other,
        };
        let precision = Precision::from_code(code)
            .ok_or_else(|| row.fault("weight_precision", format!("“{word}” is no precision that we know")))?;
        let batch = optional("avg_batch_size")?;
        let devices = optional("num_gpus")?.unwrap_or(1.0);
        let parameters = row.required_number("total_params_b")? * 1e9;
        let task = match text("task") {
            "" => "served",
            task => task,
        };
        Ok(Self {
            id: format!("{model} on {devices} {gpu}, {}, batch {}, {task}", precision.code(), batch.unwrap_or(1.0)),
            task: task.to_owned(),
            model_id: model.to_owned(),
            parameters,
            active_parameters: optional("active_params_b")?
                .map_or(parameters, |billions| billions * 1e9)
                .min(parameters),
            architecture: architectures::named(model),
            device: device_by_name(gpu),
            devices,
            ranks: optional("dp")?.unwrap_or(1.0),
            precision,
            batch: batch.unwrap_or(1.0).max(1.0),
            most: optional("max_num_seqs")?,
            output_tokens: optional("avg_output_tokens")?.unwrap_or(250.0).max(1.0),
            prompt_tokens: optional("avg_prompt_tokens")?.or(optional("avg_input_tokens")?),
            joules: row.number("energy_per_output_token_J")?.unwrap_or(0.0),
            tokens_per_second: optional("output_tokens_per_s")?,
            between: optional("median_itl_ms")?.map(|milliseconds| milliseconds / 1e3),
        })
    }

    /// The model, by its architecture where it is known and wanted, else by its size.
    pub fn model(&self, by_name: bool) -> LanguageModel {
        match self.architecture.filter(|_| by_name) {
            Some(architecture) => architecture.model(),
            None => LanguageModel::from_size(self.parameters, Some(self.active_parameters)),
        }
    }

    /// Tokens of a prompt: as given, or what the fit made of the task.
    pub fn prompt(&self, constants: &Constants) -> Option<f64> {
        self.prompt_tokens.or_else(|| prompt_of(&self.task).map(|constant| constants.get(constant)))
    }

    /// Seconds that a picture or a video of a request takes before its tokens.
    pub fn input_seconds(&self, constants: &Constants) -> f64 {
        match self.task.as_str() {
            "image-chat" => constants.get(Constant::PictureTime),
            "video-chat" => constants.get(Constant::VideoTime),
            _ => 0.0,
        }
    }

    /// Whether it answers text with text.
    pub fn is_text(&self) -> bool {
        !matches!(self.task.as_str(), "image-chat" | "video-chat" | "audio-chat")
    }

    /// The model without its precision: what leaving a model out leaves out.
    pub fn family(&self) -> &str {
        let name = self.model_id.rsplit('/').next().unwrap_or(&self.model_id);
        name.strip_suffix("-FP8").unwrap_or(name)
    }
}

/// The constant that holds a task's prompt length.
fn prompt_of(task: &str) -> Option<Constant> {
    Some(match task {
        "lm-arena-chat" => Constant::PromptChat,
        "gpqa" => Constant::PromptQuestions,
        "sourcegraph-fim" => Constant::PromptCode,
        "image-chat" => Constant::PromptImage,
        "video-chat" => Constant::PromptVideo,
        _ => return None,
    })
}
