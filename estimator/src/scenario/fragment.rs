//! A scenario as the fragment of a link: readable `key=value` pairs with the defaults left out.
//!
//! ```text
//! v=1&model=resnet50&dim.batch=1&do=train&epochs=30&on=h100-sxm&n=4&at=fr&set.pue=1.2
//! ```
//! Unknown keys are passed over. A value that cannot be read is an error that names its key, and the length is bounded.

use super::compression::{ChoiceError, group};
use super::{
    Activations, Compression, Hardware, Kind, LanguageModel, LayerTerms, MOST_TERMS, Method, ModelRef, ModelSummary,
    Optimizer, Plan, Sample, SampleKind, Scenario, Serving, Site, Targets, TokenPass, Training, VERSION, Workload,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::fmt;
use std::str::FromStr;

/// The longest fragment that is read, in bytes; the longest that is written is far shorter.
pub const LONGEST_FRAGMENT: usize = 32 * 1024;
/// The most dimensions and the most set assumptions that a fragment may carry.
const MOST_ENTRIES: usize = 256;
/// The most sizes that a sample may have.
const MOST_SIZES: usize = 16;
/// The longest name, address or key that is kept, in characters.
const LONGEST_TEXT: usize = 2048;

/// What is written as it is: what a fragment may hold and our own syntax does not use.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b':')
    .remove(b'/')
    .remove(b',')
    .remove(b';');

/// Why a fragment is not a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FragmentError {
    /// It is longer than [`LONGEST_FRAGMENT`].
    TooLong {
        /// Its length in bytes.
        bytes: usize,
    },
    /// A value cannot be read.
    Value {
        /// The key in front of it.
        key: String,
        /// What was expected.
        expected: &'static str,
    },
    /// There are more dimensions or set assumptions than a model can use.
    TooMany {
        /// Of which key.
        key: &'static str,
    },
}

impl fmt::Display for FragmentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { bytes } => {
                write!(f, "the link is {bytes} bytes long; at most {LONGEST_FRAGMENT} are read")
            }
            Self::Value { key, expected } => write!(f, "the link's “{key}” cannot be read; expected {expected}"),
            Self::TooMany { key } => write!(f, "the link has more than {MOST_ENTRIES} entries “{key}…”"),
        }
    }
}

impl std::error::Error for FragmentError {}

impl Scenario {
    /// The fragment, without `#`.
    pub fn to_fragment(&self) -> String {
        let mut pairs = Pairs(String::new());
        pairs.put("v", VERSION);
        match &self.model {
            ModelRef::Gallery { id } => pairs.unless(&self.model, &ModelRef::default(), "model", id),
            ModelRef::Url { url } => pairs.text("url", url),
            ModelRef::File { name, summary } => {
                pairs.text("file", name);
                if let Some(summary) = summary {
                    pairs.text("sum", &summary_text(summary));
                    if !summary.sample.is_unknown() {
                        pairs.text("sample", &sample_text(&summary.sample));
                    }
                    if !summary.fused.is_empty() {
                        pairs.text("fused", &terms_text(&summary.fused));
                    }
                    if let Some(language) = &summary.language {
                        pairs.text("lm", &language_text(language));
                    }
                }
            }
            ModelRef::Counts { parameters, active_parameters } => {
                pairs.number("params", *parameters);
                if let Some(active) = active_parameters {
                    pairs.number("active", *active);
                }
            }
        }
        for (name, size) in &self.dims {
            pairs.put(&format!("dim.{}", encode(name)), size);
        }
        match &self.workload {
            Workload::Train(training) => {
                let usual = Training::default();
                pairs.number_unless("samples", training.samples, usual.samples);
                pairs.number_unless("epochs", training.epochs, usual.epochs);
                if training.batch != usual.batch {
                    pairs.put("batch", training.batch);
                }
                if let Some(tokens) = training.tokens {
                    pairs.number("tokens", tokens);
                }
                if training.recompute {
                    pairs.put("recompute", 1);
                }
                put_method(&mut pairs, &training.method);
                put_plan(&mut pairs, &training.plan);
            }
            Workload::Serve(serving) => {
                let usual = Serving::default();
                pairs.text("do", "serve");
                if let Some(rate) = serving.requests_per_day {
                    pairs.number("rpd", rate);
                }
                pairs.number_unless("days", serving.days, usual.days);
                if serving.batch != usual.batch {
                    pairs.put("batch", serving.batch);
                }
                pairs.number_unless("prompt", serving.prompt_tokens, usual.prompt_tokens);
                pairs.number_unless("output", serving.output_tokens, usual.output_tokens);
                if let Some(images) = serving.images {
                    pairs.number("images", images);
                }
                if let Some(generates) = serving.generates {
                    pairs.put("gen", u8::from(generates));
                }
            }
        }
        let usual = Hardware::default();
        pairs.unless(&self.hardware.device, &usual.device, "on", &self.hardware.device);
        if self.hardware.count != usual.count {
            pairs.put("n", self.hardware.count);
        }
        if let Some(precision) = &self.hardware.precision {
            pairs.text("p", precision);
        }
        pairs.unless(&self.site.region, &Site::default().region, "at", &self.site.region);
        if let Some(grid) = &self.site.grid {
            pairs.text("grid", grid);
        }
        if let Some(basis) = &self.site.basis {
            pairs.text("basis", basis);
        }
        if let Some(year) = self.site.year {
            pairs.put("year", year);
        }
        if let Some(change) = &self.compression {
            change.quantize.iter().for_each(|format| pairs.put("q", format));
            change.group.iter().for_each(|group| pairs.put("qg", group));
            change.prune.iter().for_each(|prune| pairs.text("prune", &prune.to_string()));
            change.distil.iter().for_each(|distil| pairs.text("distil", &distil.to_string()));
            change.software.iter().for_each(|software| pairs.put("sw", software));
            change.keep.iter().for_each(|name| pairs.text("keep", name));
        }
        for (key, value) in &self.set {
            pairs.number(&format!("set.{}", encode(key)), *value);
        }
        pairs.0
    }

    /// Reads a fragment, with or without `#`.
    ///
    /// # Errors
    /// A fragment that is too long or has too many entries, or a value that is not what its key asks for.
    pub fn from_fragment(fragment: &str) -> Result<Self, FragmentError> {
        if fragment.len() > LONGEST_FRAGMENT {
            return Err(FragmentError::TooLong { bytes: fragment.len() });
        }
        let mut scenario = Self::default();
        let (mut training, mut serving, mut serve) = (Training::default(), Serving::default(), false);
        let (mut name, mut active) = (None, None);
        let (mut summary, mut sample, mut fused, mut language) = (None, None, Vec::new(), None);
        let mut change = Compression::default();
        for pair in fragment.trim_start_matches('#').split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let key = decode(key);
            let value = Value { key: &key, text: decode(value) };
            match key.as_str() {
                "v" => scenario.version = value.whole()?,
                "model" => scenario.model = ModelRef::Gallery { id: value.text },
                "url" => scenario.model = ModelRef::Url { url: value.text },
                "file" => name = Some(value.text),
                "sum" => summary = Some(Box::new(read_summary(&value)?)),
                "sample" => sample = Some(read_sample(&value)?),
                "fused" => fused = read_terms(&value, value.text.split(';'))?,
                "lm" => language = Some(read_language(&value)?),
                "params" => {
                    scenario.model = ModelRef::Counts { parameters: value.number()?, active_parameters: None };
                }
                "active" => active = Some(value.number()?),
                "do" => {
                    serve = match value.text.as_str() {
                        "serve" => true,
                        "train" => false,
                        _ => return Err(value.fault("train or serve")),
                    }
                }
                "samples" => training.samples = value.number()?,
                "epochs" => training.epochs = value.number()?,
                "batch" => {
                    training.batch = value.whole()?;
                    serving.batch = training.batch;
                }
                "tokens" => training.tokens = Some(value.number()?),
                "recompute" => training.recompute = value.text == "1",
                "kind" => training.method.kind = value.word(Kind::from_code)?,
                "rank" => training.method.rank = Some(value.whole()?),
                "targets" => training.method.targets = Some(value.word(Targets::from_code)?),
                "teacher" => training.method.teacher_parameters = Some(value.number()?),
                "answers" => training.method.answers = Some(value.number()?),
                "rprompt" => training.method.prompt_tokens = Some(value.number()?),
                "ranswer" => training.method.answer_tokens = Some(value.number()?),
                "rbatch" => training.method.answer_batch = Some(value.whole()?),
                "opt" => training.plan.optimizer = Some(value.word(Optimizer::from_code)?),
                "act" => training.plan.activations = Some(value.word(Activations::from_code)?),
                "zero" => training.plan.zero = Some(value.whole()?),
                "tp" => training.plan.tensor_parallel = Some(value.whole()?),
                "pp" => training.plan.pipeline_parallel = Some(value.whole()?),
                "micro" => training.plan.micro_batch = Some(value.whole()?),
                "rpd" => serving.requests_per_day = Some(value.number()?),
                "days" => serving.days = value.number()?,
                "prompt" => serving.prompt_tokens = value.number()?,
                "output" => serving.output_tokens = value.number()?,
                "images" => serving.images = Some(value.number()?),
                "gen" => serving.generates = Some(value.text == "1"),
                "on" => scenario.hardware.device = value.text,
                "n" => scenario.hardware.count = value.whole()?,
                "p" => scenario.hardware.precision = Some(value.text),
                "at" => scenario.site.region = value.text,
                "grid" => scenario.site.grid = Some(value.text),
                "basis" => scenario.site.basis = Some(value.text),
                "year" => scenario.site.year = Some(value.whole()?),
                "q" => change.quantize = Some(value.choice()?),
                "qg" => change.group = Some(group(&value.text).map_err(|fault| value.fault(fault.expected))?),
                "prune" => change.prune = Some(value.choice()?),
                "distil" => change.distil = Some(value.choice()?),
                "sw" => change.software = Some(value.choice()?),
                "keep" if change.keep.len() >= MOST_ENTRIES => return Err(FragmentError::TooMany { key: "keep" }),
                "keep" => change.keep.push(value.text),
                _ => {
                    if let Some(dim) = key.strip_prefix("dim.") {
                        if scenario.dims.len() >= MOST_ENTRIES {
                            return Err(FragmentError::TooMany { key: "dim." });
                        }
                        scenario.dims.insert(dim.to_owned(), value.whole()?);
                    } else if let Some(assumption) = key.strip_prefix("set.") {
                        if scenario.set.len() >= MOST_ENTRIES {
                            return Err(FragmentError::TooMany { key: "set." });
                        }
                        scenario.set.insert(assumption.to_owned(), value.number()?);
                    }
                }
            }
        }
        if let Some(name) = name {
            if let Some(summary) = &mut summary {
                summary.sample = sample.unwrap_or_default();
                summary.fused = fused;
                summary.language = language;
            }
            scenario.model = ModelRef::File { name, summary };
        } else if let ModelRef::Counts { active_parameters, .. } = &mut scenario.model {
            *active_parameters = active;
        }
        scenario.compression = (change != Compression::default()).then_some(change);
        scenario.workload = if serve { Workload::Serve(serving) } else { Workload::Train(training) };
        Ok(scenario)
    }
}

fn put_method(pairs: &mut Pairs, method: &Method) {
    if method.kind != Kind::default() {
        pairs.put("kind", method.kind.code());
    }
    if let Some(rank) = method.rank {
        pairs.put("rank", rank);
    }
    if let Some(targets) = method.targets {
        pairs.put("targets", targets.code());
    }
    let numbers = [
        ("teacher", method.teacher_parameters),
        ("answers", method.answers),
        ("rprompt", method.prompt_tokens),
        ("ranswer", method.answer_tokens),
    ];
    for (key, number) in numbers {
        number.into_iter().for_each(|number| pairs.number(key, number));
    }
    if let Some(batch) = method.answer_batch {
        pairs.put("rbatch", batch);
    }
}

fn put_plan(pairs: &mut Pairs, plan: &Plan) {
    if let Some(optimizer) = plan.optimizer {
        pairs.put("opt", optimizer.code());
    }
    if let Some(activations) = plan.activations {
        pairs.put("act", activations.code());
    }
    let numbers = [
        ("zero", plan.zero.map(u64::from)),
        ("tp", plan.tensor_parallel),
        ("pp", plan.pipeline_parallel),
        ("micro", plan.micro_batch),
    ];
    for (key, number) in numbers {
        number.into_iter().for_each(|number| pairs.put(key, number));
    }
}

/// Pairs as they are written.
struct Pairs(String);

impl Pairs {
    fn put(&mut self, key: &str, value: impl fmt::Display) {
        if !self.0.is_empty() {
            self.0.push('&');
        }
        self.0.push_str(&format!("{key}={value}"));
    }

    fn text(&mut self, key: &str, value: &str) {
        self.put(key, encode(value));
    }

    fn unless<T: PartialEq>(&mut self, value: &T, usual: &T, key: &str, text: &str) {
        if value != usual {
            self.text(key, text);
        }
    }

    fn number(&mut self, key: &str, value: f64) {
        // Both forms give back the same number; the shorter one is easier to read.
        let (plain, power) = (format!("{value}"), format!("{value:e}"));
        self.put(key, if power.len() < plain.len() { power } else { plain });
    }

    fn number_unless(&mut self, key: &str, value: f64, usual: f64) {
        if value != usual {
            self.number(key, value);
        }
    }
}

fn encode(text: &str) -> String {
    let clipped: String = text.chars().take(LONGEST_TEXT).collect();
    utf8_percent_encode(&clipped, PLAIN).to_string()
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().chars().take(LONGEST_FRAGMENT).collect()
}

/// A value with its key, for messages.
struct Value<'k> {
    key: &'k str,
    text: String,
}

impl Value<'_> {
    fn fault(&self, expected: &'static str) -> FragmentError {
        FragmentError::Value { key: self.key.chars().take(80).collect(), expected }
    }

    fn word<T>(&self, read: impl Fn(&str) -> Option<T>) -> Result<T, FragmentError> {
        read(&self.text).ok_or_else(|| self.fault("one of the words that the page writes"))
    }

    fn whole<N: FromStr>(&self) -> Result<N, FragmentError> {
        self.text.parse().map_err(|_| self.fault("a whole number"))
    }

    fn choice<T: FromStr<Err = ChoiceError>>(&self) -> Result<T, FragmentError> {
        self.text.parse().map_err(|fault: ChoiceError| self.fault(fault.expected))
    }

    fn number(&self) -> Result<f64, FragmentError> {
        match self.text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            _ => Err(self.fault("a number")),
        }
    }
}

/// A summary as text: its counts, then each group of layers, separated by semicolons; `-` is what is not known.
fn summary_text(summary: &ModelSummary) -> String {
    let count = |count: Option<u64>| count.map_or("-".to_owned(), |count| count.to_string());
    let mut text = [
        count(summary.parameters),
        count(summary.macs),
        count(summary.other_operations),
        count(summary.weight_bytes),
        count(summary.peak_activation_bytes),
        count(summary.activation_bytes),
        summary.batch.to_string(),
        summary.nodes.to_string(),
        summary.not_counted.to_string(),
    ]
    .join(",");
    if !summary.layers.is_empty() {
        text.push(';');
        text.push_str(&terms_text(&summary.layers));
    }
    text
}

/// Groups of layers, separated by semicolons.
fn terms_text(terms: &[LayerTerms]) -> String {
    let texts: Vec<String> = terms
        .iter()
        .map(|term| {
            let LayerTerms { layers, macs, other_operations, weight_bytes, activation_bytes } = term;
            format!("{layers},{macs},{other_operations},{weight_bytes},{activation_bytes}")
        })
        .collect();
    texts.join(";")
}

fn read_terms<'t>(value: &Value<'_>, parts: impl Iterator<Item = &'t str>) -> Result<Vec<LayerTerms>, FragmentError> {
    let fault = || value.fault("the summary of a model");
    let mut terms = Vec::new();
    for part in parts {
        let numbers: Vec<u64> =
            part.split(',').map(|number| number.parse().map_err(|_| fault())).collect::<Result<_, _>>()?;
        let [layers, macs, other_operations, weight_bytes, activation_bytes, ..] = *numbers else {
            return Err(fault());
        };
        if terms.len() >= MOST_TERMS {
            return Err(fault());
        }
        terms.push(LayerTerms { layers, macs, other_operations, weight_bytes, activation_bytes });
    }
    Ok(terms)
}

fn read_summary(value: &Value<'_>) -> Result<ModelSummary, FragmentError> {
    let fault = || value.fault("the summary of a model");
    let mut parts = value.text.split(';');
    let mut counts = parts.next().unwrap_or_default().split(',').map(|count| match count {
        "-" => Ok(None),
        number => number.parse::<u64>().map(Some).map_err(|_| fault()),
    });
    let mut next = || counts.next().unwrap_or_else(|| Err(fault()));
    let mut summary = ModelSummary {
        parameters: next()?,
        macs: next()?,
        other_operations: next()?,
        weight_bytes: next()?,
        peak_activation_bytes: next()?,
        activation_bytes: next()?,
        batch: next()?.filter(|batch| *batch > 0).ok_or_else(fault)?,
        nodes: next()?.unwrap_or(0),
        not_counted: next()?.unwrap_or(0),
        ..ModelSummary::default()
    };
    summary.layers = read_terms(value, parts)?;
    Ok(summary)
}

/// What one sample is: its kind, its sizes, and, where the graph goes over tokens to logits, what its pass goes through.
fn sample_text(sample: &Sample) -> String {
    let sizes: Vec<String> = sample.sizes.iter().map(u64::to_string).collect();
    let mut text = format!("{};{}", sample.kind.code(), sizes.join(","));
    if let Some(pass) = &sample.pass {
        let cache = pass.cache_elements_per_token.map_or("-".to_owned(), |elements| elements.to_string());
        text.push_str(&format!(";{},{},{},{cache}", pass.tokens, pass.past, pass.attention_macs));
    }
    text
}

fn read_sample(value: &Value<'_>) -> Result<Sample, FragmentError> {
    let fault = || value.fault("what a sample is");
    let numbers = |text: &str| -> Result<Vec<Option<u64>>, FragmentError> {
        text.split(',')
            .filter(|number| !number.is_empty())
            .map(|number| if number == "-" { Ok(None) } else { number.parse().map(Some).map_err(|_| fault()) })
            .collect()
    };
    let mut parts = value.text.split(';');
    let kind = SampleKind::from_code(parts.next().unwrap_or_default());
    let sizes: Vec<u64> = numbers(parts.next().unwrap_or_default())?.into_iter().flatten().collect();
    if sizes.len() > MOST_SIZES {
        return Err(fault());
    }
    let pass = match parts.next() {
        None => None,
        Some(text) => match *numbers(text)? {
            [Some(tokens), Some(past), Some(attention_macs), cache_elements_per_token] => {
                Some(TokenPass { tokens, past, attention_macs, cache_elements_per_token })
            }
            _ => return Err(fault()),
        },
    };
    Ok(Sample { kind, sizes, pass })
}

/// The counts of a language model in the order of its record, `-` for what is not known.
fn language_text(language: &LanguageModel) -> String {
    let counts: Vec<String> =
        language.counts().iter().map(|count| count.map_or("-".to_owned(), |count| count.to_string())).collect();
    counts.join(",")
}

fn read_language(value: &Value<'_>) -> Result<LanguageModel, FragmentError> {
    let fault = || value.fault("the counts of a language model");
    let mut counts = [None; LanguageModel::COUNTS];
    for (place, text) in counts.iter_mut().zip(value.text.split(',')) {
        if text != "-" {
            let number = text.parse::<f64>().map_err(|_| fault())?;
            *place = Some(Some(number).filter(|number| number.is_finite() && *number >= 0.0).ok_or_else(fault)?);
        }
    }
    LanguageModel::from_counts(counts).ok_or_else(fault)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn round_trip(scenario: &Scenario) -> String {
        let fragment = scenario.to_fragment();
        assert_eq!(Scenario::from_fragment(&fragment).as_ref(), Ok(scenario), "{fragment}");
        fragment
    }

    #[test]
    fn the_default_is_short() {
        assert_eq!(round_trip(&Scenario::default()), "v=1");
        assert_eq!(Scenario::from_fragment(""), Ok(Scenario::default()));
    }

    #[test]
    fn scenarios_come_back_as_they_were() {
        let mut scenario = Scenario {
            model: ModelRef::Url { url: "https://example.org/a b&c=d#e?ü".to_owned() },
            dims: BTreeMap::from([("batch & more".to_owned(), 7), ("sequence".to_owned(), 128)]),
            workload: Workload::Serve(Serving {
                requests_per_day: Some(1e6),
                days: 365.0,
                batch: 8,
                ..Serving::default()
            }),
            hardware: Hardware { device: "h100-sxm".to_owned(), count: 2, precision: Some("fp8".to_owned()) },
            site: Site {
                region: "gcp:europe-west1".to_owned(),
                grid: Some("be".to_owned()),
                basis: Some("direct".to_owned()),
                year: Some(2023),
            },
            set: BTreeMap::from([("pue".to_owned(), 1.1), ("mfu".to_owned(), 0.1 + 0.2)]),
            ..Scenario::default()
        };
        assert!(round_trip(&scenario).contains("at=gcp:europe-west1"));
        scenario.model = ModelRef::Counts { parameters: 7e9, active_parameters: Some(1.5e9) };
        scenario.workload = Workload::Train(Training { tokens: Some(2e12), recompute: true, ..Training::default() });
        assert!(round_trip(&scenario).contains("params=7e9&active=1.5e9"));
    }

    #[test]
    fn a_summary_travels_whole() {
        let term = LayerTerms { layers: 3, macs: u64::MAX, other_operations: 0, weight_bytes: 12, activation_bytes: 5 };
        let summary = ModelSummary {
            parameters: Some(25_557_032),
            macs: None,
            batch: 4,
            nodes: 170,
            not_counted: 2,
            layers: vec![term; MOST_TERMS],
            ..ModelSummary::default()
        };
        let file = ModelRef::File { name: "my net.onnx".to_owned(), summary: Some(Box::new(summary)) };
        let fragment = round_trip(&Scenario { model: file, ..Scenario::default() });
        assert!(fragment.len() < 4000, "{}", fragment.len());
    }

    #[test]
    fn what_is_known_of_tokens_travels_too() {
        let file = |summary: ModelSummary| Scenario {
            model: ModelRef::File { name: "lm.onnx".to_owned(), summary: Some(Box::new(summary)) },
            workload: Workload::Serve(Serving { generates: Some(true), ..Serving::default() }),
            ..Scenario::default()
        };
        let pass = TokenPass { tokens: 128, past: 0, attention_macs: u64::MAX, cache_elements_per_token: Some(9) };
        let sample = Sample { kind: SampleKind::Tokens, sizes: vec![128], pass: Some(pass) };
        round_trip(&file(ModelSummary { batch: 1, sample: sample.clone(), ..ModelSummary::default() }));
        let pass = TokenPass { cache_elements_per_token: None, ..pass };
        let sample = Sample { pass: Some(pass), sizes: Vec::new(), ..sample };
        round_trip(&file(ModelSummary { batch: 1, sample, ..ModelSummary::default() }));
        let language = LanguageModel {
            weight_macs_per_token: Some(6.6e9),
            kv_elements_per_token: Some(65_536.0),
            input_table_parameters: Some(131_072_000.5),
            ..LanguageModel::from_size(8_030_261_248.0, Some(1e9))
        };
        round_trip(&file(ModelSummary { batch: 1, language: Some(language), ..ModelSummary::default() }));
        for hostile in ["lm=1", "lm=x,1", "lm=1,1,NaN", "lm=-5,1", "lm=", "sample=tokens;1;1,2", "sample=x;y"] {
            assert!(Scenario::from_fragment(&format!("file=a&sum=-,-,-,-,-,-,1,0,0&{hostile}")).is_err(), "{hostile}");
        }
    }

    #[test]
    fn newer_keys_are_passed_over() {
        assert_eq!(Scenario::from_fragment("#v=1&colour=red&&=&compression=x").as_ref(), Ok(&Scenario::default()));
    }

    #[test]
    fn values_that_cannot_be_read_name_their_key() {
        for (fragment, key) in [
            ("epochs=many", "epochs"),
            ("set.pue=NaN", "set.pue"),
            ("n=-1", "n"),
            ("do=dance", "do"),
            ("sum=1,2;3", "sum"),
        ] {
            match Scenario::from_fragment(fragment) {
                Err(FragmentError::Value { key: named, .. }) => assert_eq!(named, key),
                other => panic!("{fragment}: {other:?}"),
            }
        }
    }

    #[test]
    fn hostile_fragments_are_bounded() {
        assert!(matches!(
            Scenario::from_fragment(&"a".repeat(LONGEST_FRAGMENT + 1)),
            Err(FragmentError::TooLong { .. })
        ));
        let many: String = (0..1000).map(|n| format!("set.k{n}=1&")).collect();
        assert!(matches!(Scenario::from_fragment(&many), Err(FragmentError::TooMany { .. })));
        let layers = format!("file=x&sum=1,1,1,1,1,1,1,1,1{}", ";1,1,1,1,1".repeat(MOST_TERMS + 1));
        assert!(Scenario::from_fragment(&layers).is_err());
        for hostile in ["%", "%%%=%ff%fe", "====", "&&&&", "sum=;;;;", "file=&sum=-,-,-,-,-,-,0", "params=1e400"] {
            let _ = Scenario::from_fragment(hostile);
        }
    }

    #[test]
    fn json_leaves_room_for_older_and_newer_fields() {
        let read: Result<Scenario, _> = serde_json::from_str(
            r#"{"workload": {"do": "serve", "batch": 4}, "site": {"region": "fr", "altitude": 3}, "new": []}"#,
        );
        let scenario = read.unwrap();
        assert_eq!(scenario.workload, Workload::Serve(Serving { batch: 4, ..Serving::default() }));
        assert_eq!((scenario.site.region.as_str(), scenario.hardware), ("fr", Hardware::default()));
    }
}
