//! What leaves the estimator: plain serialisable records, the same for the page, the command line and the exports.
//!
//! Nothing is computed here that another room could compute; records are filled from `cost` and `energy` and printed.

mod accounting;
mod estimate;
mod fusion;
mod inspection;
mod levers;
mod measured;
mod plan;
mod schedule;
mod transformer;
mod what_if;

pub use accounting::{Account, Accounting, Losses, OffsetCost};
pub use estimate::{
    Alternative, Assumption, EnergyParts, Equivalent, Estimate, MemoryFit, MemoryPart, Obstacle, Sensitivity, Service,
    Step,
};
pub use fusion::{Execution, Fusion, KernelTerms};
pub use inspection::{Difference, Inspection, Layer, NotCounted, Port, ToolCount};
pub use levers::{Lever, Levers};
pub use measured::{
    Adjustment, Beside, BesideDifference, BesideRow, Boundary, DeviceRole, Epoch, Extrapolation, Items, Measured,
    MeasuredDevice, MeasuredParts, MeasuredRun, Method, Profile, ProfileBeside, ProfileRow, ProfiledLayer, Stage,
};
pub use plan::{Best, BreakEven, Cost, Green, IsoFlop, Life, Lifetime, PayBack, Plan, Point};
pub use schedule::{OverTheSeries, RegionPlan, Run, Schedule, Stretch};
pub use transformer::Transformer;
pub use what_if::{Outcome, PublishedEffect, Ratios, WhatIf};
