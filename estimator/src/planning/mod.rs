//! Planning before training: what a budget buys, which model is cheapest over its life, and when extra training has paid for itself.
//!
//! A published scaling law says what loss a size and an amount of text reach; what they cost is asked of [`crate::energy`], for training and for serving.
//! No formula of energy or time is repeated here, and nothing is said about a particular task: loss is loss on text like that of the law.

mod break_even;
mod budget;
mod green;
mod law;
mod least;
mod lifetime;

pub use break_even::break_even;
pub use budget::{Budget, Measure, PlanError, Request, Served, plan};
pub use green::green;
pub use law::{Law, Optimum, corrected, laws, original};
