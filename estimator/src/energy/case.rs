//! A scenario with its names looked up: the device, the precision, the place, and every assumption that applies.

use super::EstimateError;
use super::assumptions::{Assumed, Assumptions, Key, cited, factor};
use super::calibration::{self, Constant, Constants, Entry};
use super::figures::Figure;
use super::serving::{self, Engine};
use super::step::Arithmetic;
use super::{architectures, language, training};
use crate::carbon::factors;
use crate::carbon::grids::{self, Basis, Grid, Intensity};
use crate::carbon::places::{self, Place};
use crate::carbon::sites::{self, Scope};
use crate::hardware::{self, Boundary, Device, Field, Kind, Peak, Precision};
use crate::notes::Notes;
use crate::range::{Range, Ratio};
use crate::scenario::{LanguageModel, Method, ModelSummary, Plan, Scenario, Serving, Workload};
use crate::sources::Evidence;
use crate::units::{Bytes, BytesPerSecond, FlopsPerSecond, Quantity, Watts};

/// The most devices, and the largest of other counts, that are not a slip of the finger.
const MOST_DEVICES: f64 = 1e7;
/// The least amount of work: fractions are well (a tenth of an epoch), nothing at all is not.
const SMALLEST_AMOUNT: f64 = 1e-6;
/// The largest count of samples, tokens, requests, parameters or a batch.
const LARGEST_COUNT: f64 = 1e21;

/// Below this share of the counted bytes of a weight, what the file stores is told.
const STORED_SMALLER: f64 = 0.75;

/// A scenario whose names are looked up.
pub(crate) struct Case<'a> {
    pub(crate) scenario: &'a Scenario,
    pub(crate) model: &'a ModelSummary,
    /// The language model that this is, or that a graph amounts to where it answers prompts.
    pub(crate) language: Option<LanguageModel>,
    pub(crate) device: &'static Device,
    pub(crate) precision: Precision,
    pub(crate) peak: Peak,
    pub(crate) bandwidth: Option<BytesPerSecond>,
    pub(crate) place: Place,
    /// The grid that feeds it; the world's where the place has none.
    pub(crate) grid: Option<&'static Grid>,
    /// The grid's figure that is used unless the scenario sets one.
    pub(crate) intensity: Option<&'static Intensity>,
    pub(crate) assumptions: Assumptions,
    pub(crate) notes: Notes,
}

impl<'a> Case<'a> {
    /// Looks up everything that a scenario names and gathers what it assumes.
    ///
    /// # Errors
    /// See [`super::estimate`].
    pub(crate) fn of(scenario: &'a Scenario, model: &'a ModelSummary) -> Result<Self, EstimateError> {
        check(scenario, model)?;
        let device = device(&scenario.hardware.device)?;
        let (precision, peak) = precision(scenario, device)?;
        let (place, grid) = place(scenario)?;
        let mut case = Self {
            scenario,
            model,
            language: language_of(scenario, model),
            device,
            precision,
            peak,
            bandwidth: device.memory_bandwidth,
            place,
            grid,
            intensity: None,
            assumptions: Assumptions::default(),
            notes: Notes::new(),
        };
        if peak.computed_in != precision {
            case.notes.info(
                &device.name,
                format!("no rate of its own for {}; it computes in {}", precision.code(), peak.computed_in.code()),
            );
        }
        if model.not_counted > 0 {
            case.notes.warn(
                "",
                format!(
                    "{} of {} layers have no formula; what they cost is not in the figures",
                    crate::format::whole(model.not_counted),
                    crate::format::whole(model.nodes)
                ),
            );
        }
        if model.macs == Some(0) && model.language.is_none() {
            case.notes.warn("", "the model has no products (MACs), on which the time of training rests");
        }
        case.note_stored();
        case.workload()?;
        case.power()?;
        case.site(grid)?;
        case.making()?;
        case.assumptions.set(&scenario.set)?;
        case.modelled_draw()?;
        Ok(case)
    }

    /// How many devices.
    pub(crate) fn devices(&self) -> f64 {
        self.scenario.hardware.count as f64
    }

    /// Bytes of one stored weight: at the chosen precision, unless the model says that they are stored otherwise.
    pub(crate) fn weight_bytes_each(&self) -> f64 {
        self.model.weight_bytes_each.unwrap_or(f64::from(self.precision.bits()) / 8.0)
    }

    /// Bytes of one activation: never less than 8 bits, for 4-bit formats are for weights.
    pub(crate) fn activation_bytes_each(&self) -> f64 {
        match self.precision.bits() {
            bits if bits < 8 => f64::from(Precision::Fp16.bits()) / 8.0,
            bits => f64::from(bits) / 8.0,
        }
    }

    /// Bytes of one weight as the file stores it.
    pub(crate) fn stored_bytes_each(&self) -> f64 {
        match (self.model.weight_bytes, self.model.parameters) {
            (Some(bytes), Some(parameters)) if bytes > 0 && parameters > 0 => bytes as f64 / parameters as f64,
            _ => f64::from(Precision::Fp32.bits()) / 8.0,
        }
    }

    /// Bytes of all weights at the chosen precision.
    pub(crate) fn weights(&self) -> Option<Bytes> {
        match self.model.language {
            Some(language) => Some(Bytes(language.parameters * self.weight_bytes_each())),
            None => self.model.parameters.map(|parameters| Bytes(parameters as f64 * self.weight_bytes_each())),
        }
    }

    /// Says so where the file stores weights in far fewer bits than the estimate reads for each.
    fn note_stored(&mut self) {
        let known =
            self.model.weight_bytes.is_some_and(|bytes| bytes > 0) && self.model.parameters.is_some_and(|n| n > 0);
        let (stored, counted) = (self.stored_bytes_each(), self.weight_bytes_each());
        if known && matches!(self.scenario.workload, Workload::Serve(_)) && stored < STORED_SMALLER * counted {
            let name = self.device.name.clone();
            self.notes.warn(
                &name,
                format!(
                    "the file stores {} bits for each weight, the figures count {} at {}; choose a lower precision for a runtime that keeps them packed",
                    crate::format::number(stored * 8.0),
                    crate::format::number(counted * 8.0),
                    self.precision.code()
                ),
            );
        }
    }

    /// What decides the time of the work.
    fn workload(&mut self) -> Result<(), EstimateError> {
        match &self.scenario.workload {
            Workload::Train(training) => {
                let training = training.clone();
                training::assume(self, &training)?;
            }
            Workload::Serve(serving) => match self.language {
                Some(language) => self.engine(language, serving)?,
                None => {
                    self.assumptions.add(Assumed::of_factor(Key::ComputeShare, factor("compute-share")?));
                    self.assumptions.add(Assumed::of_factor(Key::BandwidthShare, factor("bandwidth-share")?));
                    self.assumptions.add(Assumed::of_factor(Key::StartSeconds, factor("layer-start")?));
                }
            },
        }
        self.note_tokens();
        self.note_inputs();
        if self.bandwidth.is_none() {
            self.notes
                .warn(&self.device.name, "its memory bandwidth is not published; only arithmetic bounds the time");
        }
        Ok(())
    }

    /// What decides the time of a language model's steps: constants fitted to measured services.
    fn engine(&mut self, language: LanguageModel, serving: &Serving) -> Result<(), EstimateError> {
        if language::cache_elements(&language, 1.0).is_some() {
            let element = Assumed::of_factor(Key::CacheElementBytes, factor("kv-cache-element")?);
            self.assumptions.add(Assumed { widens: false, ..element });
        } else {
            let layers = language.layers.unwrap_or_else(|| architectures::layers(&language));
            let element = factor("kv-cache-element")?;
            self.assumptions.add(Assumed::new(
                Key::CacheBytes,
                "KV cache of one token",
                "B",
                Range::exact(Ratio(architectures::cache_elements(layers) * element.value.central.0)),
                format!(
                    "published models keep {} elements a token in each layer, here of {} layers by its size, at 16 bits; {}",
                    crate::format::number(architectures::cache_elements(1.0)),
                    crate::format::number(layers),
                    cited(element)
                ),
            ));
        }
        self.assumptions.add(Assumed::new(
            Key::DataParallel,
            "Ways in which requests are divided, each with attention of its own",
            "count",
            Range::exact(Ratio(1.0)),
            "one engine over all devices, unless you set it".to_owned(),
        ));
        let pictures = if language.takes_inputs() { serving.images.unwrap_or(0.0) } else { 0.0 };
        if let Some(entry) = calibration::entry(Constant::PictureTime) {
            self.assumptions.add(Assumed::new(
                Key::InputSeconds,
                "Time that a request’s pictures or sounds take before its tokens",
                &entry.unit,
                Range::exact(Ratio(entry.value * pictures)),
                format!("{}; {} a picture", fitted(entry), crate::format::number(entry.value)),
            ));
        }
        let (share, start) = Engine::of(self, language, self.assumptions.central()).fitted();
        let fitted_as = |case: &mut Self, key, constant, value: f64| {
            if let Some(entry) = calibration::entry(constant) {
                let span = Range::exact(Ratio(value));
                case.assumptions.add(Assumed::new(key, &entry.label, &entry.unit, span, fitted(entry)));
            }
        };
        fitted_as(self, Key::ComputeShare, Constant::ComputeShare, share);
        fitted_as(
            self,
            Key::BandwidthShare,
            Constant::BandwidthShare,
            Constants::fitted().get(Constant::BandwidthShare),
        );
        fitted_as(self, Key::StartSeconds, Constant::StepStart, start);
        // What the fit itself missed of models and of devices that it had not seen.
        let knows = if language.layers.is_some() { "architecture known" } else { "size alone" };
        let measured = calibration::span(&format!("text on {}", self.device.id), "model").is_some();
        let left_out = if measured { "model" } else { "gpu" };
        let span = calibration::span(knows, left_out).unwrap_or(Range::exact(Ratio(1.0)));
        self.assumptions.add(Assumed::new(
            Key::UnexplainedServing,
            "Energy of served language models that the fit missed",
            "ratio",
            span,
            format!(
                "Measured over estimated energy, 10th and 90th percentile, with each {left_out} left out of the fit in its turn ({knows}); ML.ENERGY benchmark 3"
            ),
        ));
        if !measured {
            self.notes.info(
                &self.device.name,
                "the steps of language models are fitted to measurements on H100 and B200; other devices follow by their peak, bandwidth and TDP",
            );
        }
        Ok(())
    }

    /// The draw that follows from the steps of a language model, to be shown and to be set.
    fn modelled_draw(&mut self) -> Result<(), EstimateError> {
        let (Workload::Serve(serving), Some(_), Some(most)) =
            (&self.scenario.workload, self.language, self.device.most_power())
        else {
            return Ok(());
        };
        let figures = serving::figures(self, serving, self.assumptions.central());
        let hours = figures.get(Figure::WorkingHours);
        let watts = if hours > 0.0 { figures.get(Figure::Accelerators) / hours * 1000.0 } else { most.0 };
        self.assumptions.add(Assumed::new(
            Key::AcceleratorWatts,
            "Draw of a device at work",
            "W",
            Range::exact(Ratio(watts)),
            format!(
                "what the steps draw: a waiting share of the TDP ({}), and what bytes and products cost; fitted to measured services",
                told(self.device.evidence(Field::Tdp))
            ),
        ));
        self.assumptions.set(&self.scenario.set)
    }

    /// In what a served language model's products run.
    pub(crate) fn arithmetic(&self) -> Arithmetic {
        match self.precision.bits() {
            ..8 => Arithmetic::Packed,
            8 => Arithmetic::EightBit,
            _ => Arithmetic::Wide,
        }
    }

    /// The peak of a served language model's products: weights packed in 4 bits are unpacked and multiplied in 16.
    pub(crate) fn serving_peak(&self) -> FlopsPerSecond {
        match self.arithmetic() {
            Arithmetic::Packed => usual_precision(self.device)
                .filter(|precision| precision.bits() >= 16)
                .and_then(|precision| self.device.peak(precision))
                .map_or(self.peak.rate, |peak| peak.rate),
            _ => self.peak.rate,
        }
    }

    /// Says what is taken for the cost of a token where the model does not tell it.
    fn note_tokens(&mut self) {
        match (&self.scenario.workload, self.language) {
            (Workload::Serve(_), Some(language)) if self.model.language.is_none() => {
                let pass = self.model.sample.pass.unwrap_or_default();
                self.notes.warn(
                    "",
                    format!(
                        "a request is taken as one pass over the prompt and one for each further token, from the counted pass of {} tokens: {} MACs with weights a token, and {} of attention for each token of its context",
                        crate::format::whole(pass.tokens),
                        crate::format::count(language.weight_macs_per_token.unwrap_or(0.0)),
                        crate::format::count(language.attention_macs_per_context_token.unwrap_or(0.0)),
                    ),
                );
                if pass.cache_elements_per_token.is_none() {
                    self.notes.warn(
                        "",
                        "the graph has no inputs for a KV cache; one is taken that is as large as its attention products imply. Without a cache each token repeats the pass over all before it",
                    );
                }
            }
            (Workload::Serve(_), Some(language)) if !language.knows_its_architecture() => self.note_size_alone(),
            (Workload::Train(_), Some(language)) if !language.knows_its_architecture() => self.note_size_alone(),
            (Workload::Train(training), None) if training.tokens.is_some() && self.model.sample.tokens().is_none() => {
                self.note_size_alone();
            }
            _ => {}
        }
    }

    /// Says what an encoder reads, and what is not counted of pictures.
    fn note_inputs(&mut self) {
        let Some(language) = self.language else { return };
        let tokens = crate::format::number(language.input_tokens.unwrap_or(0.0));
        let said = match &self.scenario.workload {
            Workload::Serve(_) if language.reads_a_source() => {
                "the prompt is what the encoder reads, once for each request; the decoder starts with one token and attends to it"
            }
            Workload::Serve(_) if language.reads_one_input() => {
                "a request is one input of the encoder’s fixed size and its answer; tokens of a prompt play no part"
            }
            Workload::Train(_) if language.reads_a_source() => {
                "a token of training is one that the decoder writes and one that the encoder reads beside it"
            }
            Workload::Train(_) if language.reads_one_input() => {
                "a token of training is one that the decoder writes; each sequence of them has one input of the encoder’s fixed size"
            }
            Workload::Serve(serving) if language.takes_inputs() => {
                if serving.images.unwrap_or(0.0) > 0.0 {
                    let macs = crate::format::count(language.input_macs.unwrap_or(0.0));
                    let text = format!("each picture adds {tokens} tokens to the prompt and {macs} MACs to read it");
                    self.notes.info("", text);
                } else {
                    let text = format!(
                        "no picture is counted in a request; one would add {tokens} tokens to the prompt and the work of the encoder that reads it; say how many (--images N)"
                    );
                    self.notes.warn("", text);
                }
                return;
            }
            Workload::Train(_) if language.takes_inputs() => {
                let text =
                    "no picture is counted in training: neither the encoder that reads it nor its pass backwards";
                self.notes.warn("", text);
                return;
            }
            _ => return,
        };
        self.notes.info("", said);
    }

    fn note_size_alone(&mut self) {
        self.notes.warn(
            "",
            "operations are approximated as 2 × active parameters for each token: what one costs in this model is not known, and attention products are left out",
        );
    }

    /// What draws power.
    fn power(&mut self) -> Result<(), EstimateError> {
        let device = self.device;
        let most = device.most_power();
        let trains = matches!(self.scenario.workload, Workload::Train(_));
        let fitted = trains.then(|| training::power(self)).flatten();
        let working = match (&fitted, most) {
            (Some(power), _) => Some((power.device, power.device_source.clone())),
            (None, Some(most)) => {
                let share = factor("draw-serving")?;
                let source = format!(
                    "{} of TDP ({}); {}",
                    percent(share.value.central),
                    told(device.evidence(Field::Tdp)),
                    cited(share)
                );
                Some((share.value.map(|share| Watts(most.0 * share.0)), source))
            }
            (None, None) => None,
        };
        // A draw that is not published can be given by the scenario, which then replaces this value.
        let given = self.scenario.set.get(Key::AcceleratorWatts.code()).copied();
        let (watts, source) = match (working, given) {
            (Some(working), _) => working,
            (None, Some(given)) => (Range::exact(Watts(given)), String::new()),
            (None, None) => return Err(EstimateError::UnknownPower { device: device.id.clone() }),
        };
        // Of a language model it follows from its steps.
        if trains || self.language.is_none() || most.is_none() {
            let draw = Assumed::new(Key::AcceleratorWatts, "Draw of a device at work", "W", plain(watts), source);
            self.assumptions.add(draw);
        }

        let ceiling = most.unwrap_or(watts.central);
        let idle = factor("idle-over-tdp")?;
        let (watts, source) = match device.idle {
            Some(own) => (Range::exact(own), told(device.evidence(Field::Idle))),
            None => (idle.value.map(|share| Watts(ceiling.0 * share.0)), cited(idle)),
        };
        self.assumptions.add(Assumed::new(Key::IdleWatts, "Draw of a device that waits", "W", plain(watts), source));
        let host = factor(match device.kind {
            Kind::Gpu | Kind::Npu => "host-over-tdp",
            Kind::Tpu => "host-over-tdp-tpu",
            Kind::Cpu => "host-over-tdp-cpu",
            Kind::Soc | Kind::Mcu => "host-over-tdp-board",
        })?;
        let (watts, source) = match fitted.and_then(|power| power.host) {
            Some(around) => around,
            None => (
                host.value.map(|share| Watts(ceiling.0 * share.0)),
                format!("{} of TDP; {}", percent(host.value.central), cited(host)),
            ),
        };
        self.assumptions.add(Assumed::new(
            Key::HostWatts,
            "Draw of the computer around each device",
            "W",
            plain(watts),
            source,
        ));
        let network = factor("network-share")?;
        // A single server has no switch of its own in the account.
        if self.scenario.hardware.count as f64 > factor("devices-per-server")?.value.central.0 {
            self.assumptions.add(Assumed::of_factor(Key::NetworkShare, network));
        } else {
            self.assumptions.add(Assumed {
                span: Range::exact(Ratio(0.0)),
                source: format!("no network between servers is needed; with it: {}", cited(network)),
                ..Assumed::of_factor(Key::NetworkShare, network)
            });
        }
        Ok(())
    }

    /// What the place adds.
    fn site(&mut self, grid: Option<&'static Grid>) -> Result<(), EstimateError> {
        let site = match self.place {
            Place::Site(site) => Some(site),
            Place::Grid(_) => None,
        };
        // A laptop, a board or a microcontroller stands in no data centre unless one is named.
        let personal = match site {
            Some(site) => site.kind == sites::Kind::Personal,
            None => matches!(self.device.kind, Kind::Soc | Kind::Mcu),
        };
        let usual_pue = match site.map(|site| site.kind) {
            _ if personal => "personal-pue",
            Some(sites::Kind::Cloud | sites::Kind::Fleet) => "hyperscale-pue",
            _ => "default-pue",
        };
        let pue = match site.and_then(|site| site.pue()) {
            Some((pue, scope)) => Assumed::new(
                Key::Pue,
                "Power usage effectiveness",
                "ratio",
                Range::exact(pue.value),
                format!("{}{}", published(&pue.evidence), of_fleet(scope)),
            ),
            None => Assumed {
                name: "Power usage effectiveness".to_owned(),
                ..Assumed::of_factor(Key::Pue, factor(usual_pue)?)
            },
        };
        self.assumptions.add(pue);
        let intensity = self.intensity(grid)?;
        self.assumptions.add(intensity);
        self.account_for()?;
        let wue = match site.and_then(|site| site.wue()) {
            Some((wue, scope)) => Assumed::new(
                Key::Wue,
                "Water used at the site",
                "L/kWh",
                plain(Range::exact(wue.value)),
                format!("{}{}", published(&wue.evidence), of_fleet(scope)),
            ),
            None if personal => Assumed {
                span: Range::exact(Ratio(0.0)),
                source: "a room without a cooling tower".to_owned(),
                ..Assumed::of_factor(Key::Wue, factor("default-wue")?)
            },
            None => Assumed::of_factor(Key::Wue, factor("default-wue")?),
        };
        self.assumptions.add(wue);
        self.assumptions.add(Assumed::of_factor(Key::GridWater, factor("grid-water")?));
        self.assumptions.add(Assumed::of_factor(Key::ElectricityPrice, factor("electricity-price")?));
        // Prices are tabulated by the first word of a device's id: `price-h100-hour`.
        let family = self.device.id.split('-').next().unwrap_or_default();
        match factors::get(&format!("price-{family}-hour")) {
            Some(price) => self.assumptions.add(Assumed::of_factor(Key::RentPrice, price)),
            None => self.assumptions.add(Assumed::new(
                Key::RentPrice,
                "Rent of a device for an hour",
                "USD/h",
                Range::exact(Ratio(0.0)),
                "no price known; set what you pay".to_owned(),
            )),
        }
        Ok(())
    }

    fn intensity(&mut self, grid: Option<&'static Grid>) -> Result<Assumed, EstimateError> {
        let grid = match grid {
            Some(grid) => grid,
            None => {
                let world = grids::get("world").ok_or(EstimateError::MissingFactor { id: "world" })?;
                if !self.scenario.set.contains_key(Key::Intensity.code()) {
                    self.notes.warn(
                        self.place.name(),
                        "this place has no grid of its own; the world’s average stands in until you choose one",
                    );
                }
                world
            }
        };
        let spread = factor("grid-intensity-spread")?;
        let chosen = figure_of(&self.scenario.site, grid)?;
        self.grid = Some(grid);
        self.intensity = Some(chosen);
        let span = if chosen == &grid.intensity {
            plain(grid.span(spread.value))
        } else {
            spread.value.map(|share| Ratio(chosen.value.0 * share.0))
        };
        Ok(Assumed::new(
            Key::Intensity,
            &format!("Carbon intensity of {}", grid.name),
            "g/kWh",
            span,
            format!(
                "{}; {}, {}, location-based. {}",
                published(&chosen.evidence),
                chosen.basis.word(),
                chosen.flow.word(),
                chosen.note
            )
            .trim_end()
            .to_owned(),
        ))
    }

    /// What making the machines costs.
    fn making(&mut self) -> Result<(), EstimateError> {
        let device = self.device;
        // The general figure describes accelerators of data centres; it says nothing about a desktop card or a board.
        let general = ["sxm", "oam", "superchip"].contains(&device.form.as_str()) || device.kind == Kind::Tpu;
        let own = device.embodied;
        if let Some(embodied) = own {
            let (low, high) = (embodied.low, embodied.high);
            let central = (low + high) / 2.0;
            self.assumptions.add(Assumed::new(
                Key::EmbodiedAccelerator,
                "Emissions of making a device",
                "kg",
                plain(Range::new(low, central, high)),
                told(device.evidence(Field::EmbodiedLow)),
            ));
        } else if general {
            self.assumptions.add(Assumed::of_factor(Key::EmbodiedAccelerator, factor("embodied-accelerator")?));
        } else {
            self.notes.warn(&device.name, "the emissions of making it are not published and are not counted");
            return self.lifetime();
        }
        let with_host = own.is_some_and(|embodied| embodied.boundary == Boundary::DeviceAndHost);
        if !with_host && general {
            self.assumptions.add(Assumed::of_factor(Key::EmbodiedHost, factor("embodied-host-per-accelerator")?));
        }
        self.lifetime()
    }

    fn lifetime(&mut self) -> Result<(), EstimateError> {
        self.assumptions.add(Assumed::of_factor(Key::LifetimeYears, factor("lifetime-years")?));
        self.assumptions.add(Assumed::of_factor(Key::LifetimeUse, factor("lifetime-utilisation")?));
        Ok(())
    }
}

/// The figure of a grid that a scenario asks for: its default, or the one of a basis, of a year, or of both.
fn figure_of(site: &crate::scenario::Site, grid: &'static Grid) -> Result<&'static Intensity, EstimateError> {
    let basis = match &site.basis {
        None => None,
        Some(word) => Some(Basis::from_word(word).ok_or_else(|| unknown_basis(word, grid))?),
    };
    match (site.year, basis) {
        (None, None) => Ok(&grid.intensity),
        (None, Some(basis)) => grid.newest(basis).ok_or_else(|| unknown_basis(basis.word(), grid)),
        (Some(year), basis) => grid.of_year(year, basis).ok_or_else(|| {
            let figures = grid.intensities().filter(|figure| basis.is_none_or(|basis| figure.basis == basis));
            let mut offered: Vec<u16> = figures.map(|figure| figure.evidence.year).collect();
            offered.sort_unstable();
            offered.dedup();
            EstimateError::UnknownYear { year, region: grid.id.clone(), offered }
        }),
    }
}

fn unknown_basis(basis: &str, grid: &Grid) -> EstimateError {
    EstimateError::UnknownBasis { basis: crate::notes::clip(basis), region: grid.id.clone() }
}

/// A range of a unit as plain numbers.
fn plain<T: Quantity>(range: Range<T>) -> Range<Ratio> {
    range.map(|value| Ratio(value.amount()))
}

pub(crate) fn percent(share: Ratio) -> String {
    format!("{:.0} %", share.0 * 100.0)
}

/// The source of a fitted constant in one line.
fn fitted(entry: &Entry) -> String {
    format!(
        "fitted to measured services, standard error {} %; {}",
        crate::format::number(entry.standard_error * 100.0),
        entry.source.citation()
    )
}

pub(crate) fn told(evidence: Option<Evidence>) -> String {
    evidence.map_or_else(|| "published".to_owned(), |evidence| published(&evidence))
}

fn published(evidence: &Evidence) -> String {
    format!("{}, for {}, {}", evidence.source.citation(), evidence.year, evidence.certainty.word())
}

fn of_fleet(scope: Scope) -> &'static str {
    match scope {
        Scope::Site => "",
        Scope::Fleet => "; the operator’s average, for this site’s own is not published",
    }
}

fn check(scenario: &Scenario, model: &ModelSummary) -> Result<(), EstimateError> {
    let within = |key: &str, value: f64, least: f64, most: f64| {
        if value.is_finite() && (least..=most).contains(&value) {
            Ok(())
        } else {
            Err(EstimateError::OutOfBounds { key: key.to_owned(), value, bounds: format!("from {least} to {most:e}") })
        }
    };
    within("the number of devices", scenario.hardware.count as f64, 1.0, MOST_DEVICES)?;
    if let Some(language) = model.language {
        within("the number of parameters", language.parameters, 1.0, LARGEST_COUNT)?;
        within("the number of active parameters", language.active_parameters, 1.0, language.parameters)?;
        for (name, count) in [
            ("MACs with weights for a token", language.weight_macs_per_token),
            ("attention MACs for a token of context", language.attention_macs_per_context_token),
            ("attention MACs in a window", language.windowed_attention_macs_per_context_token),
            ("the window", language.window),
            ("MACs of mixing tokens", language.fixed_attention_macs_per_token),
            ("cache elements of a token", language.kv_elements_per_token),
            ("cache elements in a window", language.windowed_kv_elements_per_token),
            ("elements of state", language.state_elements),
            ("parameters of an expert", language.expert_parameters),
            ("the number of experts", language.experts),
            ("experts of a token", language.experts_per_token),
            ("parameters of the input table", language.input_table_parameters),
        ] {
            within(name, count.unwrap_or(0.0), 0.0, LARGEST_COUNT)?;
        }
    }
    match &scenario.workload {
        Workload::Train(training) => {
            within("batch", training.batch as f64, 1.0, LARGEST_COUNT)?;
            method(&training.method, &within)?;
            plan(&training.plan, &within)?;
            match training.tokens {
                Some(tokens) => within("tokens", tokens, SMALLEST_AMOUNT, LARGEST_COUNT),
                None => {
                    within("samples", training.samples, SMALLEST_AMOUNT, LARGEST_COUNT)?;
                    within("epochs", training.epochs, SMALLEST_AMOUNT, LARGEST_COUNT)
                }
            }
        }
        Workload::Serve(serving) => {
            within("requests per day", serving.requests_per_day.unwrap_or(1.0), SMALLEST_AMOUNT, LARGEST_COUNT)?;
            within("days", serving.days, SMALLEST_AMOUNT, 1e6)?;
            within("batch", serving.batch as f64, 1.0, LARGEST_COUNT)?;
            if language_of(scenario, model).is_some() {
                within("prompt tokens", serving.prompt_tokens, 0.0, LARGEST_COUNT)?;
                within("output tokens", serving.output_tokens, 1.0, LARGEST_COUNT)?;
                within("images", serving.images.unwrap_or(0.0), 0.0, LARGEST_COUNT)?;
            }
            Ok(())
        }
    }
}

/// A check of a number by its name and bounds.
type Within<'a> = &'a dyn Fn(&str, f64, f64, f64) -> Result<(), EstimateError>;

fn method(method: &Method, within: Within<'_>) -> Result<(), EstimateError> {
    within("the rank of adapters", method.rank.unwrap_or(1) as f64, 1.0, 1e6)?;
    within("the teacher’s parameters", method.teacher_parameters.unwrap_or(1.0), 1.0, LARGEST_COUNT)?;
    within("answers to a prompt", method.answers.unwrap_or(1.0), 1.0, 1e9)?;
    within("tokens of a prompt", method.prompt_tokens.unwrap_or(1.0), 0.0, 1e9)?;
    within("tokens of an answer", method.answer_tokens.unwrap_or(1.0), 1.0, 1e9)?;
    within("answers at once", method.answer_batch.unwrap_or(1) as f64, 1.0, 1e9)
}

fn plan(plan: &Plan, within: Within<'_>) -> Result<(), EstimateError> {
    within("the stage of ZeRO", f64::from(plan.zero.unwrap_or(0)), 0.0, 3.0)?;
    within("tensor parallelism", plan.tensor_parallel.unwrap_or(1) as f64, 1.0, MOST_DEVICES)?;
    within("pipeline parallelism", plan.pipeline_parallel.unwrap_or(1) as f64, 1.0, MOST_DEVICES)?;
    within("the micro-batch", plan.micro_batch.unwrap_or(1) as f64, 1.0, LARGEST_COUNT)
}

/// The language model that is given, or that a graph amounts to where the service answers prompts with it.
fn language_of(scenario: &Scenario, model: &ModelSummary) -> Option<LanguageModel> {
    model.language.or_else(|| match &scenario.workload {
        Workload::Serve(serving) if language::generates(model.sample.pass, serving) => language::of_graph(model),
        _ => None,
    })
}

fn device(id: &str) -> Result<&'static Device, EstimateError> {
    hardware::device(id).ok_or_else(|| EstimateError::UnknownDevice {
        id: crate::notes::clip(id),
        near: hardware::search(id).iter().take(5).map(|(device, _)| device.id.clone()).collect(),
    })
}

fn place(scenario: &Scenario) -> Result<(Place, Option<&'static Grid>), EstimateError> {
    let unknown = |id: &str| EstimateError::UnknownRegion {
        id: crate::notes::clip(id),
        near: places::search(id).iter().take(5).map(|(place, _)| place.id().to_owned()).collect(),
    };
    let place = places::get(&scenario.site.region).ok_or_else(|| unknown(&scenario.site.region))?;
    let grid = match &scenario.site.grid {
        Some(id) => Some(grids::get(id).ok_or_else(|| unknown(id))?),
        None => place.grid(),
    };
    Ok((place, grid))
}

/// The precision asked for, or the one that the device is usually worked in: 16 bits where it has them.
fn precision(scenario: &Scenario, device: &Device) -> Result<(Precision, Peak), EstimateError> {
    let unknown = |precision: &str| EstimateError::UnknownPrecision {
        precision: crate::notes::clip(precision),
        device: device.id.clone(),
        offered: device.precisions().map(|precision| precision.code().to_owned()).collect(),
    };
    match &scenario.hardware.precision {
        Some(code) => {
            let precision = Precision::from_code(code).ok_or_else(|| unknown(code))?;
            Ok((precision, device.peak(precision).ok_or_else(|| unknown(code))?))
        }
        None => usual_precision(device)
            .and_then(|precision| Some((precision, device.peak(precision)?)))
            .ok_or_else(|| unknown("any precision")),
    }
}

/// The precision that a device is usually worked in: the first it has of BF16, FP16, FP32 and INT8.
pub fn usual_precision(device: &Device) -> Option<Precision> {
    [Precision::Bf16, Precision::Fp16, Precision::Fp32, Precision::Int8]
        .into_iter()
        .find(|precision| device.own_peak(*precision).is_some())
}
