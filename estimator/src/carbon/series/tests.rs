//! What comes out of each layout, and what of files that are broken.

use super::*;

fn one(text: &str) -> Series {
    let mut all = read("t.csv", text, Basis::Lifecycle).unwrap();
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

fn figures(series: &Series) -> Vec<Option<f64>> {
    series.values().map(|value| value.map(|value| (value * 100.0).round() / 100.0)).collect()
}

fn told(series: &Series) -> String {
    series.notes.iter().map(|note| note.text.as_str()).collect::<Vec<_>>().join("\n")
}

fn error(text: &str) -> String {
    read("t.csv", text, Basis::Lifecycle).unwrap_err().to_string()
}

#[test]
fn electricity_maps_now_and_before() {
    let now = "\u{feff}Datetime (UTC),Country,Zone name,Zone id,Carbon intensity gCO₂eq/kWh (direct),Carbon intensity gCO₂eq/kWh (Life cycle),Carbon-free energy percentage (CFE%),Renewable energy percentage (RE%),Data source,Data estimated,Data estimation method\n\
        2024-01-01 00:00:00,France,France,FR,20.5,40.25,95,30,\"RTE, Paris\",False,\n\
        2024-01-01 01:00:00,France,France,FR,21,41,95,30,RTE,True,TIME_SLICER\n";
    let series = one(now);
    assert_eq!((series.zone.as_str(), series.layout, series.signal), ("FR", "Electricity Maps", Signal::Lifecycle));
    assert_eq!(figures(&series), [Some(40.25), Some(41.0)]);
    assert_eq!((series.step_hours(), series.end().to_string().as_str()), (1.0, "2024-01-01T02:00Z"));
    assert!(told(&series).contains("1 of 2 rows are estimates"));
    let direct = read("t.csv", now, Basis::Direct).unwrap();
    assert_eq!((direct[0].signal, figures(&direct[0])), (Signal::Direct, vec![Some(20.5), Some(21.0)]));
    let before = "Datetime (UTC),Country,Zone Name,Zone Id,Carbon Intensity gCO₂eq/kWh (direct),Carbon Intensity gCO₂eq/kWh (LCA),Low Carbon Percentage,Renewable Percentage,Data Source,Data Estimated,Data Estimation Method\r\n\
        2022-01-01 00:00:00,Germany,Germany,DE,200,250,50,40,x,false,\r\n2022-01-01 01:00:00,Germany,Germany,DE,210,260,50,40,x,false,\r\n";
    assert_eq!(figures(&one(before)), [Some(250.0), Some(260.0)]);
    let oldest = "timestamp,datetime,zone_name,carbon_intensity_avg\n1577836800,2020-01-01 00:00:00+00:00,DE,300\n1577840400,2020-01-01 01:00:00+00:00,DE,310\n";
    let series = one(oldest);
    assert_eq!((series.start.to_string().as_str(), series.zone.as_str()), ("2020-01-01T00:00Z", "DE"));
    let json = r#"{"zone": "DE", "history": [{"datetime": "2024-01-01T00:00:00.000Z", "carbonIntensity": 300, "emissionFactorType": "lifecycle"}]}"#;
    assert_eq!(figures(&one(json)), [Some(300.0)]);
}

#[test]
fn several_zones_of_a_file_are_several_series() {
    let text = "Datetime (UTC),Zone id,Carbon intensity gCO₂eq/kWh (direct)\n2024-01-01 00:00,FR,20\n2024-01-01 00:00,DE,200\n2024-01-01 01:00,FR,22\n2024-01-01 01:00,DE,210\n";
    let all = read("t.csv", text, Basis::Lifecycle).unwrap();
    let names: Vec<&str> = all.iter().map(|series| series.zone.as_str()).collect();
    assert_eq!(names, ["FR", "DE"]);
    assert!(all.iter().all(|series| series.signal == Signal::Direct && series.len() == 2));
}

#[test]
fn watttime_is_converted_and_told_apart() {
    for text in [
        "point_time,value,region\n2024-01-01T00:00:00+00:00,1000,CAISO_NORTH\n2024-01-01T00:05:00+00:00,900,CAISO_NORTH\n",
        "timestamp,MOER,MOER version,frequency\n2024-01-01 00:00:00+00:00,1000,3.0,300\n2024-01-01 00:05:00+00:00,900,3.0,300\n",
        r#"{"data": [{"point_time": "2024-01-01T00:00:00+00:00", "value": 1000}, {"point_time": "2024-01-01T00:05:00Z", "value": 900}], "meta": {"region": "CAISO_NORTH", "units": "lbs_co2_per_mwh"}}"#,
    ] {
        let series = one(text);
        assert_eq!((series.layout, series.signal), ("WattTime", Signal::Marginal));
        assert_eq!(figures(&series), [Some(453.59), Some(408.23)]);
        assert!(told(&series).contains("must not be compared"));
    }
}

#[test]
fn great_britain_as_csv_and_as_json() {
    let csv = "Datetime (UTC),Actual Carbon Intensity (gCO2/kWh),Forecast Carbon Intensity (gCO2/kWh),Index\n2024-01-01T00:00Z,100,110,low\n2024-01-01T00:30Z,,120,low\n";
    let series = one(csv);
    assert_eq!((series.zone.as_str(), series.signal, series.step_hours()), ("Great Britain", Signal::Direct, 0.5));
    assert_eq!(figures(&series), [Some(100.0), Some(120.0)]);
    assert!(told(&series).contains("1 of 2 rows have no measured figure"));
    let json = r#"{"data": [
        {"from": "2018-01-20T12:00Z", "to": "2018-01-20T12:30Z", "intensity": {"forecast": 266, "actual": 263, "index": "moderate"}},
        {"from": "2018-01-20T12:30Z", "to": "2018-01-20T13:00Z", "intensity": {"forecast": 260, "actual": null, "index": "moderate"}}]}"#;
    assert_eq!(figures(&one(json)), [Some(263.0), Some(260.0)]);
    let region = r#"{"data": {"regionid": 3, "shortname": "North West England", "data": [
        {"from": "2018-01-20T12:00Z", "to": "2018-01-20T12:30Z", "intensity": {"forecast": 66, "index": "low"}}]}}"#;
    assert_eq!(one(region).zone, "North West England");
    let operator = "DATETIME,GAS,COAL,NUCLEAR,WIND,CARBON_INTENSITY\n2024-01-01 00:00:00,5000,0,4000,9000,120\n2024-01-01 00:30:00,5000,0,4000,9000,118\n";
    assert_eq!(figures(&one(operator)), [Some(120.0), Some(118.0)]);
    let refusal = r#"{"error": {"code": "400 Bad Request", "message": "Please enter a valid start date"}}"#;
    assert!(error(refusal).contains("Please enter a valid start date"));
}

#[test]
fn entso_e_becomes_intensity_by_type() {
    let wide = "\"Area\",\"MTU\",\"Fossil Gas  - Actual Aggregated [MW]\",\"Hydro Pumped Storage  - Actual Aggregated [MW]\",\"Hydro Pumped Storage  - Actual Consumption [MW]\",\"Nuclear  - Actual Aggregated [MW]\",\"Waste  - Actual Aggregated [MW]\"\n\
        \"France (FR)\",\"01.01.2024 00:00 - 01.01.2024 01:00 (CET/CEST)\",\"1000\",\"500\",\"0\",\"3000\",\"100\"\n";
    let utc = one(&wide.replace("(CET/CEST)", "(UTC)"));
    assert_eq!(utc.start.to_string(), "2024-01-01T00:00Z");
    let series = one(wide);
    assert_eq!((series.zone.as_str(), series.start.to_string().as_str()), ("France (FR)", "2023-12-31T23:00Z"));
    assert_eq!(figures(&series), [Some((1000.0 * 490.0 + 3000.0 * 12.0) / 4000.0)]);
    assert!(told(&series).contains("2.44 % of the generation") && told(&series).contains("Central European time"));
    let long = "DateTime(UTC)\tResolutionCode\tAreaCode\tAreaDisplayName\tAreaTypeCode\tAreaMapCode\tProductionType\tActualGenerationOutput[MW]\tActualConsumption[MW]\tUpdateTime(UTC)\n\
        2026-02-01 00:00:00\tPT15M\tx\tAustria (AT)\tBZN\tAT\tFossil Gas\t10\t0\tx\n\
        2026-02-01 00:00:00\tPT15M\tx\tAustria (AT)\tBZN\tAT\tFossil Gas\t100\t0\tx\n\
        2026-02-01 00:00:00\tPT15M\tx\tAustria (AT)\tCTA\tAT\tFossil Gas\t9999\t0\tx\n\
        2026-02-01 00:00:00\tPT15M\tx\tAustria (AT)\tBZN\tAT\tSolar\t300\t0\tx\n\
        2026-02-01 00:15:00\tPT15M\tx\tAustria (AT)\tBZN\tAT\tSolar\t300\t0\tx\n";
    let series = one(long);
    assert_eq!((series.step_hours(), figures(&series)), (0.25, vec![Some((49_000.0 + 14_400.0) / 400.0), Some(48.0)]));
    let newest = "\"MTU (UTC)\",\"Area\",\"Production Type\",\"Generation (MW)\"\n\"01/01/2025 00:00:00 - 01/01/2025 01:00:00\",\"BZN|FR\",\"Nuclear\",\"100\"\n";
    assert_eq!(figures(&one(newest)), [Some(12.0)]);
}

#[test]
fn summer_time_neither_loses_nor_doubles_an_hour() {
    let row = |time: &str, gas: &str| format!("FR,{time},{gas},100\n");
    let mut text =
        "Area,MTU (CET/CEST),Fossil Gas - Actual Aggregated [MW],Nuclear - Actual Aggregated [MW]\n".to_owned();
    for (time, gas) in [("01:00", "0"), ("02:00", "n/e"), ("02:00", "50"), ("02:00", "100"), ("03:00", "0")] {
        // The hour that occurs three times here is one too many: its last row counts.
        text.push_str(&row(&format!("27.10.2024 {time}"), gas));
    }
    let series = one(&text);
    assert_eq!(series.start.to_string(), "2024-10-26T23:00Z");
    assert_eq!(series.len(), 4);
    assert!(told(&series).contains("1 rows name a time"));
    let spring = "Area,MTU (CET/CEST),Nuclear - Actual Aggregated [MW]\nFR,31.03.2024 01:00,100\nFR,31.03.2024 02:00,n/e\nFR,31.03.2024 03:00,100\n";
    let series = one(spring);
    assert_eq!(figures(&series), [Some(12.0), Some(12.0)]);
    assert!(told(&series).contains("hour that clocks skip"));
}

fn plain(rows: &[(&str, &str)]) -> String {
    let rows: String = rows.iter().map(|(time, value)| format!("{time},{value}\n")).collect();
    format!("time,g_per_kwh_lifecycle\n{rows}")
}

#[test]
fn short_gaps_are_bridged_and_long_ones_stay_open() {
    let series = one(&plain(&[
        ("2024-01-01 00:00", "100"),
        ("2024-01-01 01:00", ""),
        ("2024-01-01 02:00", "200"),
        ("2024-01-01 07:00", "300"),
    ]));
    assert_eq!(figures(&series)[..3], [Some(100.0), Some(150.0), Some(200.0)]);
    assert_eq!(figures(&series)[3..], [None, None, None, None, Some(300.0)]);
    assert!(told(&series).contains("1 steps without a figure") && told(&series).contains("4 steps have no figure"));
    assert_eq!(series.mean(), Some(187.5));
}

#[test]
fn a_change_of_resolution_is_followed() {
    let series = one(&plain(&[
        ("2024-01-01 00:00", "100"),
        ("2024-01-01 01:00", "200"),
        ("2024-01-01 01:15", "300"),
        ("2024-01-01 01:30", "400"),
    ]));
    assert_eq!(figures(&series), [100.0, 100.0, 100.0, 100.0, 200.0, 300.0, 400.0].map(Some));
    assert!(told(&series).contains("stand for longer"));
}

#[test]
fn rows_need_no_order_and_may_end_in_any_way() {
    let series = one("time;g_per_kwh_direct;zone\r\n2024-01-01 01:00;2;A\r\n2024-01-01 00:00;1;A\r\n");
    assert_eq!((figures(&series), series.signal), (vec![Some(1.0), Some(2.0)], Signal::Direct));
}

#[test]
fn faults_name_file_line_and_remedy() {
    let head = "time,g_per_kwh_lifecycle\n";
    assert_eq!(error(""), "t.csv: it is empty; expected a header and rows");
    assert!(error("a,b\n1,2\n").starts_with("t.csv, line 1: its header is of no layout that is known; known are"));
    assert!(error(head).contains("no figure in it"));
    assert_eq!(
        error(&format!("{head}2024-01-01 00:00,1\nsoon,2\n")),
        "t.csv, line 3: “soon” is no time; expected for example 2024-03-31 14:00"
    );
    assert!(error(&format!("{head}2024-01-01 00:00,much\n")).contains("line 2: “much” is not a number"));
    assert!(
        error(&format!("{head}2024-01-01 00:00,-3\n")).contains("-3 g/kWh is no carbon intensity")
            || error(&format!("{head}2024-01-01 00:00,-3\n")).contains("is no carbon intensity")
    );
    assert!(error(&format!("{head}2024-01-01 00:00,1e300\n")).contains("is no carbon intensity"));
    assert!(error(&format!("{head}2024-01-01 00:00\n")).contains("1 cells where the header has 2"));
    assert!(error(&format!("{head}1990-01-01 00:00,1\n1990-01-01 00:01,1\n2100-01-01 00:00,1\n")).contains("at most"));
    assert!(error(&format!("{head}2024-01-01 00:00,1\n2024-02-01 00:00,1\n")).contains("months or years"));
    assert!(error(&format!("{head}2024-01-01 00:00,1\n2024-01-01 00:07,1\n")).contains("no day divides into"));
    assert!(error("{\"data\": 3}").contains("no layout") && error("{").contains("no JSON"));
    assert!(
        error(&format!("{head}{}", "2024-01-01 00:00,1\n".repeat(MOST_ROWS + 1))).contains("more than 600000 rows")
    );
}

#[test]
fn a_cut_file_never_panics() {
    let text = "\"Area\",\"MTU\",\"Fossil Gas  - Actual Aggregated [MW]\"\n\"Fränce\",\"01.01.2024 00:00 - 01.01.2024 01:00\",\"1,000\"\n";
    for (end, _) in text.char_indices() {
        let _ = read("t.csv", &text[..end], Basis::Direct);
    }
    for odd in [
        "\"\n\"\n",
        "time,g_per_kwh_direct\n\"2024-01-01,1\n",
        "[[[[",
        "{\"data\":[{\"intensity\":5}]}",
        "time,g_per_kwh_direct\n2024-01-01+é,1\n",
    ] {
        let _ = read("t.csv", odd, Basis::Direct);
    }
}
