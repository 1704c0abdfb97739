//! What the page knows: the scenario, the model that is shown, and what is being read; and how each thing that happens changes it.
//!
//! The estimate and everything drawn are functions of this state; see [`crate::derive`].

use crate::derive;
use crate::protocol::Fault;
use estimator::report::Inspection;
use estimator::scenario::{Compression, Hardware, ModelRef, ModelSummary, Scenario, Serving, Site, Training, Workload};
use std::ops::Deref;
use std::rc::Rc;
use yew::Reducible;
use yew::html::ImplicitClone;

/// A model's counts, shared: two are equal when they are the same ones, since comparing ten thousand layers at every touch would be felt.
#[derive(Clone, Debug)]
pub struct Counts(Rc<Inspection>);

impl PartialEq for Counts {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Deref for Counts {
    type Target = Inspection;
    fn deref(&self) -> &Inspection {
        &self.0
    }
}

impl ImplicitClone for Counts {}

/// A model on its way.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// The model, which takes the place of the one shown when it is there.
    pub model: ModelRef,
    /// What to call it.
    pub name: String,
    /// The byte reached, of how many; unknown at first.
    pub progress: Option<(u64, u64)>,
}

/// Everything the page knows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// What is being estimated.
    pub scenario: Scenario,
    /// The shown model's counts; absent before the first was read, and for a file that only its summary stands for.
    pub inspection: Option<Counts>,
    /// Which model `inspection` is of.
    pub inspected: Option<ModelRef>,
    /// The model being read.
    pub reading: Option<Reading>,
    /// The file that was read, where it was chosen among several.
    pub leading: String,
    /// Why the last model could not be read.
    pub fault: Option<Fault>,
    /// Why the address could not be understood.
    pub bad_link: Option<String>,
    /// Whether the reader, or the link, chose the work; it then stays when another model is opened.
    pub chose_work: bool,
    /// The other workload's settings, for when the reader comes back to it.
    put_aside: Option<Workload>,
}

/// What can happen.
#[derive(Clone, Debug)]
pub enum Action {
    /// Another address was gone to.
    Link(Box<Scenario>),
    /// The address made no sense, in these words.
    BadLink(String),
    /// The reader asked for a model.
    Open(ModelRef, String),
    /// The reader described a language model by its size: all parameters, and those that one token uses.
    Describe(f64, Option<f64>),
    /// The worker has come so far.
    Progress(u64, u64),
    /// The worker has counted.
    Read(Box<Inspection>),
    /// Of several files, this one was read.
    Led(String),
    /// The worker could not.
    Failed(Fault),
    /// The reader stopped it.
    Cancel,
    /// The reader has read what went wrong.
    Dismiss,
    /// Another number for a dimension.
    Dim(String, u64),
    /// Training instead of serving, with the settings it had last.
    ToTraining,
    /// Serving instead of training, with the settings it had last.
    ToServing,
    /// Other settings of the training run.
    Training(Training),
    /// Other settings of the service.
    Serving(Serving),
    /// Other machines.
    Hardware(Hardware),
    /// Another place.
    Site(Site),
    /// An assumption set, or given back to its default.
    Assume(String, Option<f64>),
    /// All assumptions given back.
    AssumeNothing,
    /// Another change of the model to look at, or none.
    Compress(Option<Compression>),
}

impl State {
    /// The state that an address describes.
    pub fn from_fragment(fragment: &str) -> Self {
        match scenario_of(fragment) {
            Ok(scenario) => Self { chose_work: scenario.workload != Workload::default(), scenario, ..Self::default() },
            Err(why) => Self { bad_link: Some(crate::text::intake::bad_link_at_start(&why)), ..Self::default() },
        }
    }

    /// Whether the shown counts are those of the scenario's model.
    pub fn is_current(&self) -> bool {
        self.inspected.as_ref().is_some_and(|inspected| same_model(inspected, &self.scenario.model))
    }

    /// What an estimate needs to know of the scenario's model, as far as it is known.
    pub fn summary(&self) -> Option<ModelSummary> {
        let counts = self.inspection.as_ref().filter(|_| self.is_current());
        counts.map(|counts| ModelSummary::from_inspection(counts)).or_else(|| self.scenario.model.summary())
    }

    /// Another model is there than the one before: work that nobody chose becomes what is usual for it.
    fn follow_model(&mut self, before: Option<ModelSummary>) {
        let Some(model) = self.summary() else { return };
        let Some(usual) = derive::usual(&model, &self.scenario.hardware) else { return };
        // A run of so many tokens means nothing to a picture, nor one of so many pictures to a language model.
        let other_kind = before.is_some_and(|before| before.is_language() != model.is_language());
        let usual = match &self.scenario.workload {
            Workload::Train(_) => Workload::Train(usual.training),
            Workload::Serve(_) => Workload::Serve(usual.serving),
        };
        let is_run = matches!(usual, Workload::Train(_));
        if !self.chose_work || (other_kind && is_run) {
            self.scenario.workload = usual;
            self.chose_work = false;
            self.put_aside = None;
        } else {
            // A link that holds what is usual was made before anything was chosen.
            self.chose_work = self.scenario.workload != usual;
            if other_kind {
                self.put_aside = None;
            }
        }
    }

    /// Goes from one kind of work to the other: to what was set there last, else to what is usual.
    fn turn_to(&mut self, serve: bool) {
        let usual = self.summary().and_then(|model| derive::usual(&model, &self.scenario.hardware));
        let devices = usual.as_ref().map_or(1, |usual| usual.serving_devices);
        let other = self.put_aside.take().unwrap_or_else(|| match (serve, usual) {
            (true, Some(usual)) => Workload::Serve(usual.serving),
            (true, None) => Workload::Serve(Serving::default()),
            (false, Some(usual)) => Workload::Train(usual.training),
            (false, None) => Workload::Train(Training::default()),
        });
        self.put_aside = Some(std::mem::replace(&mut self.scenario.workload, other));
        // A run and a service start with numbers of devices of their own; one that was chosen stays.
        let all = Hardware::default().count;
        let count = &mut self.scenario.hardware.count;
        if serve && *count == all {
            *count = devices;
        } else if !serve && *count == devices {
            *count = all;
        }
    }

    /// What to call the scenario's model where no better name is known.
    pub fn model_name(&self) -> String {
        match &self.scenario.model {
            ModelRef::Gallery { id } => id.clone(),
            ModelRef::Url { url } => url.rsplit('/').next().unwrap_or(url).to_owned(),
            ModelRef::File { name, .. } => name.clone(),
            ModelRef::Counts { parameters, active_parameters } => {
                crate::text::model::by_size(*parameters, *active_parameters)
            }
        }
    }
}

/// The scenario that an address describes.
///
/// # Errors
/// Why it describes none, for people: a value that makes no sense, or nothing in it that this page knows.
/// A newer page's link may hold keys that are unknown here; a link in which all are is more likely a slip.
pub fn scenario_of(fragment: &str) -> Result<Scenario, String> {
    let scenario = Scenario::from_fragment(fragment).map_err(|error| error.to_string())?;
    let mut keys =
        fragment.split('&').filter(|pair| !pair.is_empty()).filter_map(|pair| pair.split('=').next()).peekable();
    let is_part = crate::text::page::LINKS.iter().any(|(part, _)| *part == fragment);
    if scenario != Scenario::default() || is_part || keys.peek().is_none() || keys.any(is_key) {
        return Ok(scenario);
    }
    Err(crate::text::intake::NOTHING_KNOWN.to_owned())
}

/// Whether links know this key: an unknown one is passed over whatever its value, a known one changes something or minds.
fn is_key(key: &str) -> bool {
    Scenario::from_fragment(&format!("{key}=~")).map_or(true, |scenario| scenario != Scenario::default())
}

/// Whether two references mean one model; the summary of a file plays no part.
pub fn same_model(a: &ModelRef, b: &ModelRef) -> bool {
    match (a, b) {
        (ModelRef::File { name: a, .. }, ModelRef::File { name: b, .. }) => a == b,
        _ => a == b,
    }
}

impl Reducible for State {
    type Action = Action;

    fn reduce(self: Rc<Self>, action: Action) -> Rc<Self> {
        let mut state = (*self).clone();
        match action {
            Action::Link(scenario) => {
                state.bad_link = None;
                if !same_model(&scenario.model, &state.scenario.model) {
                    state.inspection = None;
                    state.inspected = None;
                }
                state.chose_work = scenario.workload != Workload::default();
                state.scenario = *scenario;
            }
            Action::BadLink(why) => state.bad_link = Some(why),
            Action::Open(model, name) => {
                state.fault = None;
                state.reading = Some(Reading { model, name, progress: None });
            }
            Action::Describe(parameters, active_parameters) => {
                state.fault = None;
                state.reading = None;
                state.inspection = None;
                state.inspected = None;
                if !matches!(state.scenario.model, ModelRef::Counts { .. }) {
                    state.scenario.dims.clear();
                }
                let active_parameters = active_parameters.filter(|active| *active < parameters);
                state.scenario.model = ModelRef::Counts { parameters, active_parameters };
                state.follow_model(self.summary());
            }
            Action::Progress(at, of) => {
                if let Some(reading) = &mut state.reading {
                    reading.progress = Some((at, of));
                }
            }
            // Counted for a model that is shown no more.
            Action::Read(_) if state.reading.is_none() && matches!(state.scenario.model, ModelRef::Counts { .. }) => {}
            Action::Read(inspection) => {
                if let Some(reading) = state.reading.take() {
                    // Numbers for the old model's dimensions mean nothing to the new one.
                    if !same_model(&reading.model, &state.scenario.model) {
                        state.scenario.dims.clear();
                    }
                    state.scenario.model = reading.model;
                }
                if let ModelRef::File { summary, .. } = &mut state.scenario.model {
                    *summary = Some(Box::new(ModelSummary::from_inspection(&inspection)));
                }
                state.fault = None;
                state.leading.clear();
                state.inspected = Some(state.scenario.model.clone());
                state.inspection = Some(Counts(Rc::from(inspection)));
                state.follow_model(self.summary());
            }
            Action::Led(leading) => state.leading = leading,
            Action::Failed(why) => {
                state.reading = None;
                state.fault = Some(why);
            }
            Action::Cancel => state.reading = None,
            Action::Dismiss => {
                state.fault = None;
                state.bad_link = None;
            }
            Action::Dim(name, size) => {
                state.scenario.dims.insert(name, size);
            }
            Action::ToTraining => {
                if !matches!(state.scenario.workload, Workload::Train(_)) {
                    state.turn_to(false);
                }
            }
            Action::ToServing => {
                if !matches!(state.scenario.workload, Workload::Serve(_)) {
                    state.turn_to(true);
                }
            }
            Action::Training(training) => {
                state.chose_work = true;
                state.scenario.workload = Workload::Train(training);
            }
            Action::Serving(serving) => {
                state.chose_work = true;
                state.scenario.workload = Workload::Serve(serving);
            }
            Action::Hardware(hardware) => {
                // What was set for one device is not true of another.
                if hardware.device != state.scenario.hardware.device {
                    state.scenario.set.retain(|key, _| !OF_THE_DEVICE.contains(&key.as_str()));
                }
                state.scenario.hardware = hardware;
            }
            Action::Site(site) => {
                if site.region != state.scenario.site.region {
                    state.scenario.set.retain(|key, _| !OF_THE_SITE.contains(&key.as_str()));
                }
                state.scenario.site = site;
            }
            Action::Assume(key, Some(value)) => {
                state.scenario.set.insert(key, value);
            }
            Action::Assume(key, None) => {
                state.scenario.set.remove(&key);
            }
            Action::AssumeNothing => state.scenario.set.clear(),
            Action::Compress(change) => state.scenario.compression = change,
        }
        if state == *self { self } else { Rc::new(state) }
    }
}

/// Parameters that the description of a model starts with: a size that many know.
pub const FIRST_SIZE: f64 = 8e9;
/// Assumptions that describe the device, so that another device brings its own.
const OF_THE_DEVICE: &[&str] = &["accelerator-watts", "idle-watts", "embodied-accelerator", "rent-price", "mfu"];
/// Assumptions that describe the place.
const OF_THE_SITE: &[&str] =
    &["grid-intensity", "market-intensity", "transmission-loss", "grid-water", "pue", "wue", "electricity-price"];

#[cfg(test)]
mod tests {
    use super::*;

    fn after(state: State, action: Action) -> State {
        (*Rc::new(state).reduce(action)).clone()
    }

    fn gallery(id: &str) -> ModelRef {
        ModelRef::Gallery { id: id.to_owned() }
    }

    fn fault() -> Fault {
        Fault { name: "x.onnx".to_owned(), what: "empty".to_owned(), remedy: String::new() }
    }

    #[test]
    fn a_model_that_cannot_be_read_leaves_everything_as_it_was() {
        let before = after(State::default(), Action::Dim("batch".to_owned(), 8));
        let reading = after(before.clone(), Action::Open(gallery("bert-base"), "BERT".to_owned()));
        let failed = after(reading, Action::Failed(fault()));
        assert_eq!(failed.scenario, before.scenario);
        assert!(failed.fault.is_some() && failed.reading.is_none());
        assert_eq!(after(failed, Action::Dismiss), before);
    }

    #[test]
    fn a_model_that_was_read_takes_its_place_and_its_dimensions_start_anew() {
        let mut state = after(State::default(), Action::Dim("batch".to_owned(), 8));
        state = after(state, Action::Open(gallery("bert-base"), "BERT".to_owned()));
        state = after(state, Action::Read(Box::default()));
        assert_eq!(state.scenario.model, gallery("bert-base"));
        assert!(state.scenario.dims.is_empty() && state.is_current());
    }

    #[test]
    fn counting_again_keeps_the_dimensions() {
        let mut state = after(State::default(), Action::Read(Box::default()));
        state = after(state, Action::Dim("batch".to_owned(), 8));
        state = after(state, Action::Read(Box::default()));
        assert_eq!(state.scenario.dims.get("batch"), Some(&8));
    }

    #[test]
    fn a_file_carries_its_summary_into_the_link() {
        let file = ModelRef::File { name: "a.onnx".to_owned(), summary: None };
        let mut state = after(State::default(), Action::Open(file, "a.onnx".to_owned()));
        let inspection = Inspection { parameters: Some(7), ..Inspection::default() };
        state = after(state, Action::Read(Box::new(inspection)));
        let back = State::from_fragment(&state.scenario.to_fragment());
        assert_eq!(back.scenario.model.summary().and_then(|summary| summary.parameters), Some(7));
    }

    #[test]
    fn what_was_typed_for_training_is_there_after_a_look_at_serving() {
        let training = Training { epochs: 3.0, ..Training::default() };
        let mut state = after(State::default(), Action::Training(training.clone()));
        state = after(state, Action::ToServing);
        assert!(matches!(state.scenario.workload, Workload::Serve(_)));
        state = after(state, Action::ToTraining);
        assert_eq!(state.scenario.workload, Workload::Train(training));
    }

    #[test]
    fn work_that_nobody_chose_follows_the_model_and_chosen_work_stays() {
        let described = after(State::default(), Action::Describe(8e9, None));
        let tokens = |state: &State| match &state.scenario.workload {
            Workload::Train(training) => training.tokens,
            Workload::Serve(_) => None,
        };
        assert_eq!(tokens(&described), Some(160e9));
        assert_eq!(tokens(&after(described.clone(), Action::Describe(1e9, None))), Some(20e9));
        let run = Training { tokens: Some(15e12), ..Training::default() };
        let chosen = after(described.clone(), Action::Training(run));
        assert_eq!(tokens(&after(chosen, Action::Describe(1e9, None))), Some(15e12));
        // Tokens mean nothing to a picture.
        let opened = after(described, Action::Open(gallery("resnet50"), "ResNet-50".to_owned()));
        assert_eq!(tokens(&after(opened, Action::Read(Box::default()))), None);
        // A link that holds what is usual goes on following.
        let link = State::from_fragment("params=8e9&tokens=160e9&samples=160e9&epochs=1");
        assert!(link.chose_work);
        assert_eq!(tokens(&after(link, Action::Describe(1e9, None))), Some(160e9));
    }

    #[test]
    fn a_service_starts_with_one_device_unless_a_number_was_chosen() {
        let described = after(State::default(), Action::Describe(8e9, None));
        let served = after(described.clone(), Action::ToServing);
        assert_eq!(served.scenario.hardware.count, 1);
        let Workload::Serve(serving) = &served.scenario.workload else { panic!("it serves") };
        assert!(serving.requests_per_day.is_some_and(|rate| rate >= 1.0));
        assert_eq!(after(served, Action::ToTraining).scenario.hardware.count, 8);
        let two = Hardware { count: 2, ..Hardware::default() };
        let served = after(after(described, Action::Hardware(two)), Action::ToServing);
        assert_eq!(served.scenario.hardware.count, 2);
    }

    #[test]
    fn the_assumptions_that_change_with_device_and_place_exist() {
        let model = ModelSummary {
            parameters: Some(1),
            macs: Some(1),
            weight_bytes: Some(4),
            batch: 1,
            ..ModelSummary::default()
        };
        // A residual mix is known of some grids only.
        let site = Site { region: "de".to_owned(), ..Site::default() };
        let serving = Scenario { workload: Workload::Serve(Serving::default()), site, ..Scenario::default() };
        let mut known = Vec::new();
        for scenario in [Scenario::default(), serving] {
            let estimate = crate::derive::estimate(&scenario, &model).unwrap();
            known.extend(estimate.assumptions.into_iter().map(|assumption| assumption.key));
        }
        for key in OF_THE_DEVICE.iter().chain(OF_THE_SITE) {
            assert!(known.iter().any(|known| known == key), "{key} is not among {known:?}");
        }
    }

    #[test]
    fn a_link_that_makes_no_sense_opens_the_example_and_says_so() {
        for odd in ["epochs=many", "garbage", "%%%&&=", "colour=red&x=1"] {
            let state = State::from_fragment(odd);
            assert_eq!(state.scenario, Scenario::default());
            assert!(state.bad_link.is_some(), "{odd}");
        }
    }

    #[test]
    fn a_link_in_which_anything_is_known_is_followed() {
        for link in ["", "v=1", "v=9&colour=red", "epochs=90", "dim.batch=1&colour=red", "layers", "do=train"] {
            assert_eq!(State::from_fragment(link).bad_link, None, "{link}");
        }
    }

    #[test]
    fn a_described_model_takes_the_place_of_the_one_shown() {
        let state = after(State::default(), Action::Read(Box::default()));
        let state = after(state, Action::Describe(8e9, Some(8e9)));
        assert_eq!(state.scenario.model, ModelRef::Counts { parameters: 8e9, active_parameters: None });
        assert!(state.inspection.is_none());
        let state = after(state, Action::Describe(8e9, Some(2e9)));
        assert_eq!(state.scenario.model, ModelRef::Counts { parameters: 8e9, active_parameters: Some(2e9) });
    }
}
