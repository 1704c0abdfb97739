//! The page of plans: what a budget trains, which model is cheapest over its life, and when extra training has paid for itself.

use crate::numbers;
use estimator::format::{self, Readable};
use estimator::range::{Range, Ratio};
use estimator::report::{Life, Lifetime, Plan};

pub const NAME: &str = "Plan";
pub const TITLE: &str = "What a budget trains";
pub const LEDE: &str = "The size and the amount of text that reach the lowest loss for a budget, by Chinchilla’s law in its corrected fit, and the model that costs least energy over its whole life.";
pub const BUDGET: &str = "The budget";
pub const AMOUNT: &str = "Amount";
pub const MEASURE: &str = "Counted in";
pub const MEASURES: [&str; 4] = ["kWh", "kg CO₂e", "US dollars", "Device-hours"];
pub const MACHINES: &str = "Machines and place";
pub const DEVICE: &str = "Device";
pub const COUNT: &str = "How many";
pub const REGION: &str = "Country, city or cloud region";
pub const NO_DEVICE: &str = "No such device";
pub const NO_REGION: &str = "No such place";
pub const LIFE: &str = "Its life";
pub const SERVED: &str = "Tokens served in its life";
pub const SERVED_HELP: &str = "Prompts and answers together; 0 to plan for training alone";
pub const PROMPT: &str = "Tokens of a prompt";
pub const OUTPUT: &str = "Tokens of an answer";
pub const BATCH: &str = "Requests computed together";
pub const NO_PLAN: &str = "There is no plan for this";
pub const RESULT: &str = "Result";
pub const SIZE: &str = "Parameters";
pub const TOKENS: &str = "Tokens";
pub const LOSS: &str = "Loss";
pub const TIME: &str = "Time";
pub const ENERGY: &str = "Energy";
pub const EMISSIONS: &str = "Emissions";
pub const BILL: &str = "Electricity bill";
pub const RENT: &str = "Rent instead";
pub const ISOFLOPS: &str = "Loss over size, at equal compute";
pub const LIFETIME: &str = "Energy over a life, at the same loss";
pub const OVER_LIFE: &str = "Over its life";
pub const SAVE: &str = "Save as JSON";
pub const NOTES: &str = "What to know";
pub const LIFE_COLUMNS: [&str; 6] = ["Model", "Parameters", "Tokens", "Training", "Serving", "In all"];
pub const LIFE_ROWS: [&str; 2] = ["Best for training alone", "Best over its life"];
pub const ACROSS: &str = "Parameters";
pub const UP_LOSS: &str = "Loss";
pub const UP_ENERGY: &str = "kWh";
pub const HEAD: &str = "Line";
pub const LIFE_LINES: [&str; 3] = ["In all", "Training", "Serving"];

pub const BREAK_EVEN: &str = "When has a smaller model paid for itself?";
pub const BREAK_EVEN_LEDE: &str = "Distillation, pruning and quantization cost training first and save with each request. On the device chosen above.";
pub const BEFORE: &str = "Parameters before";
pub const AFTER: &str = "Parameters after";
pub const TUNED: &str = "Tokens of the extra training";
pub const SERVING_DEVICES: &str = "Devices that serve before";
pub const SERVING_DEVICES_AFTER: &str = "Devices that serve after";
pub const PER_DAY: &str = "Requests in a day";
pub const PRECISION: &str = "Number format after";
pub const SAME: &str = "as before";
pub const DISTIL: &str = "The larger model teaches (one forward pass more)";
pub const PAY_COLUMNS: [&str; 6] =
    ["", "Spent once", "A request before", "A request after", "Paid back after", "Which is"];
pub const PAY_ROWS: [&str; 3] = ["Energy", "Emissions", "Money"];
pub const NEVER: &str = "never";

pub fn count(value: f64) -> String {
    format::count(value)
}
pub fn counts(range: Range<Ratio>) -> String {
    format!("{} to {}", format::count(range.low.0), format::count(range.high.0))
}
pub fn headline(plan: &Plan) -> String {
    format!(
        "{} {} train about {} parameters on {} tokens, {} for each parameter.",
        format::number(plan.budget),
        unit(&plan.unit),
        format::count(plan.best.parameters.central.0),
        format::count(plan.best.tokens.central.0),
        format::number(plan.best.tokens_per_parameter)
    )
}
pub fn unit(unit: &str) -> &str {
    match unit {
        "kgCO2e" => "kg CO₂e",
        "USD" => "US dollars",
        unit => unit,
    }
}
pub fn original(parameters: f64, tokens: f64) -> String {
    format!(
        "The original fit of the law would choose {} parameters and {} tokens.",
        format::count(parameters),
        format::count(tokens)
    )
}
pub fn causes(law: f64, low: f64, high: f64) -> String {
    format!(
        "The ranges hold what the law itself leaves open (a factor of {} in size) and what a run may cost (the budget buys {} to {} of the compute).",
        format::number(law),
        numbers::percent(low),
        numbers::percent(high)
    )
}
pub fn by(law: &str) -> String {
    format!("By {law}.")
}
pub fn lifetime(life: &Lifetime) -> String {
    if life.saved_share < 0.005 {
        return format!(
            "For {} served tokens the model that is best for training is also about the cheapest over its life.",
            format::count(life.served_tokens)
        );
    }
    format!(
        "For {} served tokens a model of {} parameters that learns from {} tokens reaches the same loss with {} less energy over its life.",
        format::count(life.served_tokens),
        format::count(life.best.parameters),
        format::count(life.best.tokens),
        numbers::percent(life.saved_share)
    )
}
pub fn size_range(range: Range<Ratio>) -> String {
    format!("With the range of what serving costs, the best size is {}.", counts(range))
}
pub fn total(life: &Life) -> String {
    life.total().readable()
}
pub fn isoflops(best: f64, loss: f64) -> String {
    format!(
        "At the budget’s compute the loss is lowest, {}, at {} parameters; smaller and larger models waste some of it.",
        format::number(loss),
        format::count(best)
    )
}
pub fn life_chart(best: f64) -> String {
    format!("Energy of training and serving together is least at {} parameters.", format::count(best))
}
pub fn curve(flops: &str) -> String {
    flops.to_owned()
}
pub fn amount(range: Range<Ratio>, unit: &str) -> String {
    format!("{} {unit}", format::number(range.central.0))
}
pub fn requests(range: Range<Ratio>) -> String {
    format!("{} requests ({})", format::count(range.central.0), counts(range))
}
pub fn days(range: Range<Ratio>) -> String {
    format!(
        "{} days ({} to {})",
        format::number(range.central.0),
        format::number(range.low.0),
        format::number(range.high.0)
    )
}
