//! `greenprint whatif` and `greenprint levers`: what a change of a model would save, and which one to make first.

use crate::arguments::{Levers, Service, WhatIf};
use crate::job::{Start, machines, needs_device, refusal, start};
use crate::print;
use crate::{Failure, Output, json, model};
use estimator::compression::{self, Subject, levers};
use estimator::report::Inspection;
use estimator::scenario::compression::Compression;
use estimator::scenario::{ModelSummary, Serving, Workload};

/// Puts the arguments about the service into the scenario that was started.
fn serve(start: &mut Start, service: &Service, is_from_file: bool) {
    machines(&mut start.scenario, &service.place, is_from_file);
    let usual = match (&start.scenario.workload, is_from_file) {
        (Workload::Serve(serving), true) => serving.clone(),
        _ => Serving::default(),
    };
    start.scenario.workload = Workload::Serve(Serving {
        requests_per_day: service.requests_per_day.or(usual.requests_per_day),
        days: service.days.unwrap_or(usual.days),
        batch: service.batch.unwrap_or(usual.batch),
        prompt_tokens: service.prompt_tokens.unwrap_or(usual.prompt_tokens),
        output_tokens: service.output_tokens.unwrap_or(usual.output_tokens),
        generates: (service.prompt_tokens.is_some() || service.output_tokens.is_some())
            .then_some(true)
            .or(usual.generates),
        ..usual
    });
}

/// `greenprint whatif`.
pub(crate) fn what_if(asked: &WhatIf) -> Result<Output, Failure> {
    needs_device(&asked.service.choice, &asked.service.place)?;
    let mut start = start(&asked.service.choice)?;
    serve(&mut start, &asked.service, asked.service.choice.scenario.is_some());
    let mut change = start.scenario.compression.clone().unwrap_or_default();
    change.quantize = asked.quantize.or(change.quantize);
    change.group = asked.group.or(change.group);
    change.prune = asked.prune.or(change.prune);
    change.software = asked.software.or(change.software);
    change.keep.extend(asked.keep.iter().cloned());
    let mut student: Option<(ModelSummary, Inspection)> = None;
    if let Some(text) = &asked.distil {
        match text.parse() {
            Ok(distil) => change.distil = Some(distil),
            Err(fault) => {
                let file = std::path::Path::new(text);
                if !file.exists() {
                    return Err(Failure::Use(format!("--distil: {fault}, or the config.json or file of the student")));
                }
                let inspection = model::inspect(file, &asked.service.choice.shapes)?;
                student = Some((ModelSummary::from_inspection(&inspection), inspection));
            }
        }
    }
    if change.is_none() && student.is_none() {
        return Err(Failure::Use(
            "nothing is changed; use --quantize, --prune, --distil or --software (`greenprint whatif --help` says how)"
                .to_owned(),
        ));
    }
    if change == (Compression { keep: change.keep.clone(), ..Compression::default() })
        && !change.keep.is_empty()
        && student.is_none()
    {
        return Err(Failure::Use("--keep leaves layers out of --quantize or --prune, which are not given".to_owned()));
    }
    let subject = Subject { summary: &start.summary, inspection: start.inspection.as_ref() };
    let student = student.as_ref().map(|(summary, inspection)| Subject { summary, inspection: Some(inspection) });
    let found = compression::what_if(&start.scenario, subject, &change, student).map_err(refusal)?;
    if asked.service.place.json {
        let said = start.notes.iter().map(print::note).collect();
        return Ok(Output { text: json(&found)?, said, status: 0 });
    }
    Ok(print::what_if(&start.scenario, &found, &start.notes).into())
}

/// `greenprint levers`.
pub(crate) fn levers(asked: &Levers) -> Result<Output, Failure> {
    needs_device(&asked.service.choice, &asked.service.place)?;
    let mut start = start(&asked.service.choice)?;
    let trains = asked.service.choice.scenario.is_some() && matches!(start.scenario.workload, Workload::Train(_));
    match trains {
        true => machines(&mut start.scenario, &asked.service.place, true),
        false => serve(&mut start, &asked.service, asked.service.choice.scenario.is_some()),
    }
    let subject = Subject { summary: &start.summary, inspection: start.inspection.as_ref() };
    let found = levers::of(&start.scenario, subject).map_err(refusal)?;
    if asked.service.place.json {
        let said = start.notes.iter().map(print::note).collect();
        return Ok(Output { text: json(&found)?, said, status: 0 });
    }
    Ok(print::levers(&start.scenario, &found, &start.notes).into())
}
