//! `greenprint whatif` and `greenprint levers`: what a change of a model would save, and which one to make first.

use crate::arguments::{Levers, WhatIf};
use crate::job::{machines, needs_device, refusal, serve, start};
use crate::print;
use crate::{Failure, Output, json, model};
use estimator::compression::{self, Subject, levers};
use estimator::report::Inspection;
use estimator::scenario::compression::Compression;
use estimator::scenario::{ModelSummary, Workload};

/// `greenprint whatif`.
pub(crate) fn what_if(asked: &WhatIf) -> Result<Output, Failure> {
    needs_device(&asked.service.choice, &asked.service.place)?;
    let mut start = start(&asked.service.choice)?;
    serve(&mut start, &asked.service);
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
        false => serve(&mut start, &asked.service),
    }
    let subject = Subject { summary: &start.summary, inspection: start.inspection.as_ref() };
    let found = levers::of(&start.scenario, subject).map_err(refusal)?;
    if asked.service.place.json {
        let said = start.notes.iter().map(print::note).collect();
        return Ok(Output { text: json(&found)?, said, status: 0 });
    }
    Ok(print::levers(&start.scenario, &found, &start.notes).into())
}
