//! What can be typed.

use clap::{Args, Parser, Subcommand};
use estimator::scenario::compression::{Format, Prune, Software, group};
use estimator::scenario::{Activations, Kind, Optimizer, Targets};
use std::path::PathBuf;

/// What a machine-learning model costs: parameters, FLOPs, time, energy, CO₂ and money.
#[derive(Parser)]
#[command(name = "greenprint", version, about, after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  greenprint inspect resnet50.onnx
  greenprint train --params 7B --tokens 2T --device a100-sxm4-80gb --count 1024 --region us
  greenprint infer --model gpt2.onnx --prompt-tokens 500 --output-tokens 200 --device l4

`greenprint COMMAND --help` shows more of each command.
Exit status: 0 done, 1 a file cannot be read or nothing is found, 2 the arguments make no sense.";

const INSPECT_EXAMPLES: &str = "\
Examples:
  greenprint inspect resnet50.onnx --dim batch=8
  greenprint inspect bert.onnx --input input_ids=1x384 --layers
  greenprint inspect *.onnx --json

With several files and --json the result is a list; a file that cannot be read is an entry {\"file\", \"error\"} of it.";

const TRAIN_EXAMPLES: &str = "\
Examples:
  greenprint train --model resnet50.onnx --samples 1,281,167 --epochs 90 --device v100-sxm2-16gb --count 8 --region fr
  greenprint train --params 7B --tokens 2T --device h100-sxm --count 512 --precision bf16 --mfu 0.4
  greenprint train --params 400B --active-params 17B --tokens 22T --device h100-sxm --count 16384 --pue 1.1
  greenprint train --params 8B --kind lora --lora-rank 16 --samples 50k --sequence 2048 --device a100-sxm4-80gb
  greenprint train --params 70B --tokens 1T --device h100-sxm --count 512 --tensor-parallel 8 --zero 1 --activations full
  greenprint train --scenario run.json --region se --json";

const INFER_EXAMPLES: &str = "\
Examples:
  greenprint infer --model resnet50.onnx --batch 16 --requests-per-day 1e6 --device t4 --region aws:eu-north-1
  greenprint infer --params 8B --device h100-sxm --batch 8 --prompt-tokens 500 --output-tokens 300
  greenprint infer --model gpt2.onnx --prompt-tokens 500 --output-tokens 200 --device l4 --json

A graph over tokens makes one pass unless tokens are given; with them, one pass over the prompt and one for each further token.";

const DEVICES_EXAMPLES: &str = "\
Examples:
  greenprint devices h100
  greenprint devices \"raspberry pi\" --json";

const REGIONS_EXAMPLES: &str = "\
Examples:
  greenprint regions france
  greenprint regions aws:eu --json";

const COMPARE_EXAMPLES: &str = "\
Examples:
  greenprint compare resnet50.onnx resnet50.tflite
  greenprint compare model.safetensors model-q4.gguf --layers";

const PLAN_EXAMPLES: &str = "\
Examples:
  greenprint plan --budget-kwh 100,000 --device h100-sxm --count 64 --region fr
  greenprint plan --budget-usd 1M --device h100-sxm --count 256 --served-tokens 1T --json";

const BREAK_EVEN_EXAMPLES: &str = "\
Examples:
  greenprint breakeven --params 70B --to-params 8B --tune-tokens 100B --distil --device h100-sxm --count 4 --to-count 1
  greenprint breakeven --params 8B --to-precision int4 --tune-tokens 1M --calibrate --device l4 --requests-per-day 10k";

const GREEN_EXAMPLES: &str = "\
Examples:
  greenprint green --example-flops 24.6G --examples 1.28M --epochs 90 --experiments 5 --quality 76.1

Cost ∝ E × D × H after Schwartz and others, Green AI (2020).";

const SCHEDULE_EXAMPLES: &str = "\
Examples:
  greenprint schedule FR_2024_hourly.csv --hours 12 --kw 5.6 --from 2024-06-01T09:00Z --deadline 48h
  greenprint schedule gb.csv --hours 30 --energy-kwh 200 --pausable --min-chunk 2
  greenprint schedule FR_2024_hourly.csv DE_2024_hourly.csv --hours 100 --kw 40 --json";

const WHATIF_EXAMPLES: &str = "\
Examples:
  greenprint whatif --model llama/config.json --device h100-sxm --batch 8 --quantize int4-weight-only --keep embeddings,last
  greenprint whatif --model resnet50.onnx --device t4 --batch 16 --quantize int8 --software graph
  greenprint whatif --model bert.onnx --device a100-sxm4-80gb --prune 2:4 --json
  greenprint whatif --model bert.onnx --device l4 --distil layers=0.5,width=0.8";

const LEVERS_EXAMPLES: &str = "\
Examples:
  greenprint levers --model resnet50.onnx --device t4 --region us
  greenprint levers --params 8B --device h100-sxm --batch 1 --json";

const VALIDATE_EXAMPLES: &str = "\
Examples:
  greenprint validate
  greenprint validate --rows my-runs.csv --json";

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Count a model's parameters, operations and memory.
    #[command(after_help = INSPECT_EXAMPLES)]
    Inspect(Inspect),
    /// Estimate what training a model costs.
    ///
    /// Without an amount of training, one that is usual for the kind of model is taken, and said.
    #[command(after_help = TRAIN_EXAMPLES)]
    Train(Box<Train>),
    /// Estimate what serving a model costs.
    ///
    /// Without a rate of requests the figures are those of one request, without idle time.
    #[command(after_help = INFER_EXAMPLES)]
    Infer(Box<Service>),
    /// See what fewer bits, fewer weights, a smaller network or other software would change of a served model.
    #[command(after_help = WHATIF_EXAMPLES)]
    Whatif(Box<WhatIf>),
    /// Rank what could be changed about a model and its service by what it saves.
    #[command(after_help = LEVERS_EXAMPLES)]
    Levers(Box<Levers>),
    /// List the devices.
    #[command(after_help = DEVICES_EXAMPLES)]
    Devices {
        /// Words to search for.
        search: Option<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// List the grids and cloud regions.
    #[command(after_help = REGIONS_EXAMPLES)]
    Regions {
        /// Words to search for: a country, a city, a cloud region.
        search: Option<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Compare two files of the same network: matched layers, and why their counts differ.
    #[command(after_help = COMPARE_EXAMPLES)]
    Compare(Compare),
    /// Find the model that a budget trains best, and the one that is cheapest over its life.
    #[command(after_help = PLAN_EXAMPLES)]
    Plan(Box<crate::plan::PlanArguments>),
    /// After how many requests distillation, quantization or pruning has paid for its training.
    #[command(after_help = BREAK_EVEN_EXAMPLES)]
    Breakeven(Box<crate::plan::BreakEvenArguments>),
    /// The cost of a result as the product of example, data and experiments.
    #[command(after_help = GREEN_EXAMPLES)]
    Green(crate::plan::GreenArguments),
    /// Find the hours, and of several places the one, in which a job emits least.
    #[command(after_help = SCHEDULE_EXAMPLES)]
    Schedule(crate::schedule::Arguments),
    /// Read what a tracker, a power meter or a profiler measured, and put our estimate of the same beside it.
    #[command(after_help = crate::import::EXAMPLES)]
    Import(Box<crate::import::ImportArguments>),
    /// Compare our estimates with published figures.
    #[command(after_help = VALIDATE_EXAMPLES)]
    Validate {
        /// A file of rows in the layout of the published tables; our own table without it.
        #[arg(long, value_name = "FILE.csv")]
        rows: Option<PathBuf>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Args)]
pub(crate) struct Inspect {
    /// Model files.
    #[arg(required_unless_present = "describe", value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// A language model in words, for example “32 layers, d=4096, 32 heads, 8 kv heads, ffn 14336, vocab 128256”.
    #[arg(long, value_name = "TEXT", conflicts_with = "files")]
    pub(crate) describe: Option<String>,
    #[command(flatten)]
    pub(crate) shapes: Shapes,
    /// Also list every layer.
    #[arg(long)]
    pub(crate) layers: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct Compare {
    /// The first model.
    #[arg(value_name = "FIRST")]
    pub(crate) first: PathBuf,
    /// The second model.
    #[arg(value_name = "SECOND")]
    pub(crate) second: PathBuf,
    #[command(flatten)]
    pub(crate) shapes: Shapes,
    /// Also list every pair of layers.
    #[arg(long)]
    pub(crate) layers: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Numbers for what a model leaves open.
#[derive(Args, Clone)]
pub(crate) struct Shapes {
    /// The number for a symbolic dimension; may be repeated.
    #[arg(long, value_name = "NAME=N", value_parser = dim)]
    pub(crate) dim: Vec<(String, u64)>,
    /// The whole shape of an input; may be repeated.
    #[arg(long, value_name = "NAME=1x3x224x224", value_parser = shape)]
    pub(crate) input: Vec<(String, Vec<u64>)>,
    /// The config.json of a file with weights, where it does not lie beside it.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// Which model.
#[derive(Args)]
pub(crate) struct ModelChoice {
    /// A model file.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["params", "active_params"])]
    pub(crate) model: Option<PathBuf>,
    /// A language model of this many parameters, for example 7e9 or 7B.
    #[arg(long, value_name = "N", value_parser = count, allow_hyphen_values = true)]
    pub(crate) params: Option<f64>,
    /// The parameters that one token uses, for mixtures of experts.
    #[arg(long, value_name = "N", value_parser = count, allow_hyphen_values = true)]
    pub(crate) active_params: Option<f64>,
    /// A language model in words, for example “32 layers, d=4096, 32 heads, 8 kv heads, ffn 14336, vocab 128256”.
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["model", "params", "active_params"])]
    pub(crate) describe: Option<String>,
    /// A scenario file (JSON), whose entries the other arguments replace.
    #[arg(long, value_name = "FILE.json")]
    pub(crate) scenario: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) shapes: Shapes,
}

/// On which machines, and where.
#[derive(Args)]
pub(crate) struct Place {
    /// The device's id; `greenprint devices` lists them.
    #[arg(long, value_name = "ID")]
    pub(crate) device: Option<String>,
    /// How many devices; 1 by default.
    #[arg(long, value_name = "N", value_parser = whole, allow_hyphen_values = true)]
    pub(crate) count: Option<u64>,
    /// The number format, for example bf16; the device's usual one by default.
    #[arg(long, value_name = "P")]
    pub(crate) precision: Option<String>,
    /// A grid or cloud region; `greenprint regions` lists them. The world's average by default.
    #[arg(long, value_name = "ID")]
    pub(crate) region: Option<String>,
    /// A grid other than the region's own.
    #[arg(long, value_name = "ID")]
    pub(crate) grid: Option<String>,
    /// What the carbon intensity counts: lifecycle or direct.
    #[arg(long, value_name = "BASIS")]
    pub(crate) basis: Option<String>,
    /// The year of the carbon intensity, where the grid has figures of several.
    #[arg(long, value_name = "YEAR")]
    pub(crate) year: Option<u16>,
    /// Power usage effectiveness of the building.
    #[arg(long, value_name = "X", value_parser = number, allow_hyphen_values = true)]
    pub(crate) pue: Option<f64>,
    /// Any other assumption by its key, in its unit; may be repeated. The keys stand in the list of assumptions.
    #[arg(long, value_name = "KEY=VALUE", value_parser = assumption)]
    pub(crate) set: Vec<(String, f64)>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct Train {
    #[command(flatten)]
    pub(crate) choice: ModelChoice,
    /// Tokens seen in the whole run.
    #[arg(long, value_name = "N", value_parser = count, allow_hyphen_values = true, conflicts_with_all = ["samples", "epochs"])]
    pub(crate) tokens: Option<f64>,
    /// Samples in the training set.
    #[arg(long, value_name = "N", value_parser = count, allow_hyphen_values = true)]
    pub(crate) samples: Option<f64>,
    /// Passes over the training set; 1 by default.
    #[arg(long, value_name = "N", value_parser = count, allow_hyphen_values = true)]
    pub(crate) epochs: Option<f64>,
    /// Samples of one step over all devices.
    #[arg(long, value_name = "N", value_parser = whole, allow_hyphen_values = true)]
    pub(crate) batch: Option<u64>,
    /// Compute activations again in the backward pass.
    #[arg(long)]
    pub(crate) recompute: bool,
    /// Tokens of a sequence, for language models: a sample is one sequence. The usual length or the model's longest by default.
    #[arg(long, value_name = "N", value_parser = count, allow_hyphen_values = true)]
    pub(crate) sequence: Option<f64>,
    #[command(flatten)]
    pub(crate) method: MethodChoice,
    #[command(flatten)]
    pub(crate) plan: PlanChoice,
    /// Model FLOPs utilisation: the share of the dense peak that is reached.
    #[arg(long, value_name = "X", value_parser = number, allow_hyphen_values = true)]
    pub(crate) mfu: Option<f64>,
    /// All runs over the final run; 1 by default.
    #[arg(long, value_name = "X", value_parser = number, allow_hyphen_values = true)]
    pub(crate) experiments: Option<f64>,
    /// Share of the compute that failed and is repeated; 0 by default.
    #[arg(long, value_name = "X", value_parser = number, allow_hyphen_values = true)]
    pub(crate) failed_share: Option<f64>,
    /// Share of the reserved time in which the devices wait; 0 by default.
    #[arg(long, value_name = "X", value_parser = number, allow_hyphen_values = true)]
    pub(crate) reserved_idle: Option<f64>,
    #[command(flatten)]
    pub(crate) place: Place,
}

/// What kind of training.
#[derive(Args)]
#[command(next_help_heading = "Kind of training")]
pub(crate) struct MethodChoice {
    /// pretraining, continued-pretraining, fine-tuning, lora, qlora, distillation or reinforcement.
    #[arg(long, value_name = "KIND", value_parser = |word: &str| choice(word, Kind::from_code, Kind::ALL.iter().map(|one| one.code())))]
    pub(crate) kind: Option<Kind>,
    /// The rank of adapters.
    #[arg(long, value_name = "N", value_parser = whole)]
    pub(crate) lora_rank: Option<u64>,
    /// Which matrices get adapters: query-value, attention or all-linear.
    #[arg(long, value_name = "WHICH", value_parser = |word: &str| choice(word, Targets::from_code, Targets::ALL.iter().map(|one| one.code())))]
    pub(crate) lora_targets: Option<Targets>,
    /// The teacher's parameters that one token uses.
    #[arg(long, value_name = "N", value_parser = count)]
    pub(crate) teacher_params: Option<f64>,
    /// Answers to each prompt of reinforcement; --samples counts prompts.
    #[arg(long, value_name = "N", value_parser = count)]
    pub(crate) answers_per_prompt: Option<f64>,
    /// Tokens of a prompt of reinforcement.
    #[arg(long, value_name = "N", value_parser = count)]
    pub(crate) prompt_tokens: Option<f64>,
    /// Tokens of an answer of reinforcement.
    #[arg(long, value_name = "N", value_parser = count)]
    pub(crate) answer_tokens: Option<f64>,
    /// Answers of reinforcement that are written at once.
    #[arg(long, value_name = "N", value_parser = whole)]
    pub(crate) answer_batch: Option<u64>,
}

/// How devices share a run.
#[derive(Args)]
#[command(next_help_heading = "Memory and parallel plan")]
pub(crate) struct PlanChoice {
    /// adamw, adamw-8bit, sgd, sgd-momentum or adafactor.
    #[arg(long, value_name = "NAME", value_parser = |word: &str| choice(word, Optimizer::from_code, Optimizer::ALL.iter().map(|one| one.code())))]
    pub(crate) optimizer: Option<Optimizer>,
    /// Which activations are kept: all, selective (attention maps are not) or full (recomputation of all).
    #[arg(long, value_name = "WHICH", value_parser = |word: &str| choice(word, Activations::from_code, Activations::ALL.iter().map(|one| one.code())))]
    pub(crate) activations: Option<Activations>,
    /// The stage of ZeRO, 0 to 3; 3 for language models by default.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=3))]
    pub(crate) zero: Option<u8>,
    /// Devices that share each layer.
    #[arg(long, value_name = "N", value_parser = whole)]
    pub(crate) tensor_parallel: Option<u64>,
    /// Devices that hold one stretch of layers each.
    #[arg(long, value_name = "N", value_parser = whole)]
    pub(crate) pipeline_parallel: Option<u64>,
    /// Samples or sequences that a replica computes at once.
    #[arg(long, value_name = "N", value_parser = whole)]
    pub(crate) micro_batch: Option<u64>,
}

/// A model in service.
#[derive(Args)]
pub(crate) struct Service {
    #[command(flatten)]
    pub(crate) choice: ModelChoice,
    /// Requests that are computed together.
    #[arg(long, value_name = "N", value_parser = whole, allow_hyphen_values = true)]
    pub(crate) batch: Option<u64>,
    /// Tokens of a request's prompt, for language models.
    #[arg(long, value_name = "N", value_parser = count, allow_hyphen_values = true)]
    pub(crate) prompt_tokens: Option<f64>,
    /// Tokens of a request's answer, for language models.
    #[arg(long, value_name = "N", value_parser = count, allow_hyphen_values = true)]
    pub(crate) output_tokens: Option<f64>,
    /// Pictures in a request's prompt, for models that read them beside the text; none by default.
    #[arg(long, value_name = "N", value_parser = count, allow_hyphen_values = true)]
    pub(crate) images: Option<f64>,
    /// Requests that arrive in a day; without it the figures are those of one request.
    #[arg(long, value_name = "N", value_parser = count, allow_hyphen_values = true)]
    pub(crate) requests_per_day: Option<f64>,
    /// Days that the figures cover; 1 by default.
    #[arg(long, value_name = "N", value_parser = number, allow_hyphen_values = true)]
    pub(crate) days: Option<f64>,
    #[command(flatten)]
    pub(crate) place: Place,
}

#[derive(Args)]
pub(crate) struct WhatIf {
    #[command(flatten)]
    pub(crate) service: Service,
    /// The number format: fp16, bf16, fp8, int8, int8-weight-only, int4-act8, int4-weight-only, int4 or fp4.
    #[arg(long, value_name = "FORMAT")]
    pub(crate) quantize: Option<Format>,
    /// Weights that share a scale; the format’s usual group by default.
    #[arg(long, value_name = "N", requires = "quantize", value_parser = group)]
    pub(crate) group: Option<u64>,
    /// Weights to leave out: 2:4, unstructured:SHARE[:bitmap|csr] or structured:SHARE.
    #[arg(long, value_name = "HOW")]
    pub(crate) prune: Option<Prune>,
    /// A smaller network: shares that stay (layers=0.5,width=0.5), or the student’s config.json or file.
    #[arg(long, value_name = "SHARES|FILE")]
    pub(crate) distil: Option<String>,
    /// How it is run: eager, fused or graph.
    #[arg(long, value_name = "HOW")]
    pub(crate) software: Option<Software>,
    /// What bits and pruning leave alone: first, last, embeddings, or names of layers, with * at either end for any text.
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    pub(crate) keep: Vec<String>,
}

#[derive(Args)]
pub(crate) struct Levers {
    #[command(flatten)]
    pub(crate) service: Service,
}

/// One of a few words.
fn choice<T>(
    word: &str,
    read: impl Fn(&str) -> Option<T>,
    all: impl Iterator<Item = &'static str>,
) -> Result<T, String> {
    read(word).ok_or_else(|| format!("“{word}” is none of {}", all.collect::<Vec<_>>().join(", ")))
}

fn pair(text: &str) -> Result<(String, &str), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value)),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

/// A size of a dimension: a whole number that shapes, which count in 64 bits with a sign, can hold.
fn size(text: &str) -> Result<u64, String> {
    let plain = text.trim();
    match plain.parse::<i64>().map(u64::try_from) {
        Ok(Ok(size)) => Ok(size),
        Ok(Err(_)) => Err(format!("“{plain}” is negative; a dimension has a size of 0 or more")),
        Err(_) if !plain.is_empty() && plain.chars().all(|letter| letter.is_ascii_digit()) => {
            Err(format!("“{plain}” overflows 64 bits; a dimension has at most {} elements", i64::MAX))
        }
        Err(_) => Err(format!("“{plain}” is not a whole number")),
    }
}

fn dim(text: &str) -> Result<(String, u64), String> {
    // A dimension's name may itself hold an equals sign; the number stands behind the last one.
    match text.rsplit_once('=') {
        Some((name, text)) if !name.is_empty() => Ok((name.to_owned(), size(text)?)),
        _ => Err("expected NAME=N".to_owned()),
    }
}

fn shape(text: &str) -> Result<(String, Vec<u64>), String> {
    let Some((name, sizes)) = text.rsplit_once('=') else { return Err("expected NAME=1x3x224x224".to_owned()) };
    let sizes = if sizes.is_empty() { Vec::new() } else { sizes.split(['x', '×', ',']).collect() };
    let sizes = sizes.into_iter().map(size).collect::<Result<_, _>>()?;
    Ok((name.to_owned(), sizes))
}

fn assumption(text: &str) -> Result<(String, f64), String> {
    let (name, value) = pair(text)?;
    Ok((name, number(value)?))
}

pub(crate) fn number(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        _ => Err(format!("“{text}” is not a number")),
    }
}

pub(crate) fn whole(text: &str) -> Result<u64, String> {
    let plain = text.replace([',', '_'], "");
    plain.parse().map_err(|_| match plain.parse::<f64>() {
        Ok(number) if number < 0.0 => format!("“{text}” is negative; write a whole number of 1 or more"),
        _ => format!("“{text}” is not a whole number"),
    })
}

/// A count as people write it: `7e9`, `7B`, `1.5T`, `1,281,167`.
pub(crate) fn count(text: &str) -> Result<f64, String> {
    let plain = text.replace([',', '_'], "");
    let (digits, scale) = match plain.char_indices().next_back() {
        Some((end, 'k' | 'K')) => (plain.get(..end), 1e3),
        Some((end, 'm' | 'M')) => (plain.get(..end), 1e6),
        Some((end, 'b' | 'B' | 'g' | 'G')) => (plain.get(..end), 1e9),
        Some((end, 't' | 'T')) => (plain.get(..end), 1e12),
        _ => (Some(plain.as_str()), 1.0),
    };
    match digits.unwrap_or_default().parse::<f64>() {
        Ok(number) if number.is_finite() && number >= 0.0 => Ok(number * scale),
        Ok(number) if number < 0.0 => Err(format!("“{text}” is negative; write a count such as 7e9 or 7B")),
        _ => Err(format!("“{text}” is not a count; write for example 7e9 or 7B")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn counts_are_read_as_people_write_them() {
        assert_eq!(count("7e9"), Ok(7e9));
        assert_eq!(count("7B"), Ok(7e9));
        assert_eq!(count("1.5T"), Ok(1.5e12));
        assert_eq!(count("1,281,167"), Ok(1_281_167.0));
        for wrong in ["", "B", "-1", "NaN", "inf", "7 B B", "é"] {
            assert!(count(wrong).is_err(), "{wrong}");
        }
        assert!(count("-7B").unwrap_err().contains("negative") && whole("-3").unwrap_err().contains("negative"));
    }

    #[test]
    fn shapes_and_dimensions_are_read() {
        assert_eq!(shape("x=1x3x224x224"), Ok(("x".to_owned(), vec![1, 3, 224, 224])));
        assert_eq!(shape("scalar="), Ok(("scalar".to_owned(), vec![])));
        assert!(shape("x=1xx3").is_err() && shape("x").is_err());
        assert_eq!(dim("a=b=3"), Ok(("a=b".to_owned(), 3)));
        assert!(dim("=3").is_err() && dim("a=-1").unwrap_err().contains("negative"));
        assert!(dim("a=9223372036854775808").unwrap_err().contains("64 bits"));
    }
}
