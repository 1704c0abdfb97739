//! Where the machines stand.

use estimator::carbon::grids::Intensity;
use estimator::carbon::places::Place;
use estimator::format;

pub const TITLE: &str = "The place";
pub const REGION: &str = "Country, city or cloud region";
pub const NONE: &str = "No such place. Try a country, a city such as Dublin, or a cloud region such as us-east-1.";

pub const YEAR: &str = "Year of the carbon intensity";
pub const PRICES: &str = "Prices";
pub fn newest(figure: &Intensity) -> String {
    format!("{}, as usual", self::figure(figure))
}
pub fn figure(figure: &Intensity) -> String {
    format!("{}, {}, {} g/kWh", figure.evidence.year, figure.basis.word(), format::number(figure.value.0))
}
pub fn detail(place: Place) -> String {
    let intensity = place.grid().map(|grid| format!("{} g/kWh", format::number(grid.intensity.value.0)));
    let intensity = intensity.unwrap_or_default();
    match place {
        Place::Grid(_) => intensity,
        Place::Site(site) if site.region.is_empty() => intensity,
        Place::Site(site) => format!("{} · {intensity}", site.region),
    }
}
pub fn facts(place: Place) -> String {
    let Some(grid) = place.grid() else { return String::new() };
    let intensity = &grid.intensity;
    format!(
        "{} gCO₂e/kWh, {} ({}, {})",
        format::number(intensity.value.0),
        intensity.basis.word(),
        intensity.evidence.source.publisher,
        intensity.evidence.year
    )
}
