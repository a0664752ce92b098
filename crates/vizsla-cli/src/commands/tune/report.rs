//! The report of `vizsla tune`: one self-contained HTML file.

use std::fmt::Write;

use anyhow::anyhow;
use plotters::prelude::*;
use vizsla::{Fusion, FusionPolicy, SearchSettings};
use vizsla_eval::{SecondSetting, SecondStage, Trials};

use super::Tuned;
use super::text::{first_name, second_name};

/// Okabe and Ito's colours, which people with colour blindness can distinguish.
const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(100, 100, 100),
];

/// A line of a plot.
struct Line {
    name: String,
    points: Vec<(f64, f64)>,
}

pub(super) fn html(tuned: &Tuned, settings: &SearchSettings) -> anyhow::Result<String> {
    let second = &tuned.second;
    let plots = [
        ("Quality by depth", plot("candidates read", &by_depth(second))?),
        (
            "Quality by the reranker's weight",
            plot("weight of the reranker", &by_weight(&second.trials))?,
        ),
        (
            "Quality against latency",
            plot("median query time, ms, on this machine", &by_latency(second))?,
        ),
    ];
    let mut page = String::from(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>vizsla tune</title>\n<style>\nbody{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;\
         color:#222}\ntable{border-collapse:collapse}td,th{padding:.2rem .8rem;border-bottom:1px solid #ddd;text-align:left}\n\
         td+td,th+th{text-align:right}pre{background:#f5f5f5;padding:1rem;overflow:auto}svg{max-width:100%;height:auto}\n</style>\n\
         <h1>Tuning</h1>\n",
    );
    let _ = write!(page, "<h2>Result</h2>\n<pre>{}</pre>\n", escaped(&tuned.text()));
    let _ = write!(
        page,
        "<h2>Settings</h2>\n<pre>{}</pre>\n",
        escaped(&serde_json::to_string_pretty(settings)?)
    );
    for (title, svg) in plots {
        let _ =
            write!(page, "<h2>{title}</h2>\n<p>nDCG@10, each collection by itself.</p>\n{svg}\n");
    }
    page.push_str(&best(&tuned.first, "The best settings of BM25", first_name));
    page.push_str(&best(&second.trials, "The best depths and fusions", second_name));
    page.push_str("</html>\n");
    Ok(page)
}

fn by_depth(second: &SecondStage) -> Vec<Line> {
    let trials = &second.trials;
    let depths = second.milliseconds.iter().map(|(depth, _)| *depth);
    lines(trials, |collection, fusion| {
        let points = depths.clone().filter_map(|depth| {
            let setting = SecondSetting::new(depth, fusion);
            let at = trials.settings().iter().position(|other| *other == setting)?;
            Some((depth as f64, trials.mean(at, collection)))
        });
        points.collect()
    })
}

fn by_latency(second: &SecondStage) -> Vec<Line> {
    let mut lines = by_depth(second);
    for line in &mut lines {
        for (point, (_, ms)) in line.points.iter_mut().zip(&second.milliseconds) {
            point.0 = *ms;
        }
    }
    lines
}

/// The chosen fusion and the reranker alone, for each collection.
fn lines(
    trials: &Trials<SecondSetting>,
    points: impl Fn(usize, FusionPolicy) -> Vec<(f64, f64)>,
) -> Vec<Line> {
    let chosen = trials.selected().fusion;
    let mut lines = Vec::new();
    for (collection, name) in trials.names().iter().enumerate() {
        lines.push(Line { name: format!("{name}, {chosen}"), points: points(collection, chosen) });
        if trials.names().len() == 1 && chosen != Fusion::Rerank.into() {
            lines.push(Line {
                name: "reranker alone".to_owned(),
                points: points(collection, Fusion::Rerank.into()),
            });
        }
    }
    lines
}

/// Linear fusion at the chosen depth, by weight.
fn by_weight(trials: &Trials<SecondSetting>) -> Vec<Line> {
    let depth = trials.selected().depth;
    let of_collection = |(collection, name): (usize, &String)| {
        let at_depth = trials.settings().iter().enumerate().filter(|(_, s)| s.depth == depth);
        let points = at_depth.filter_map(|(at, setting)| match setting.fusion {
            FusionPolicy::Fixed(Fusion::Linear { rerank_weight }) => {
                Some((f64::from(rerank_weight), trials.mean(at, collection)))
            }
            _ => None,
        });
        Line { name: format!("{name}, linear"), points: points.collect() }
    };
    trials.names().iter().enumerate().map(of_collection).collect()
}

fn best<S: Copy + PartialEq>(
    trials: &Trials<S>,
    title: &str,
    name: impl Fn(S) -> String,
) -> String {
    let mut order: Vec<usize> = (0..trials.settings().len()).collect();
    order.sort_by(|a, b| trials.overall(*b).total_cmp(&trials.overall(*a)));
    order.truncate(10);
    if !order.contains(&trials.default_setting()) {
        order.push(trials.default_setting());
    }
    let mut text = format!("<h2>{title}</h2>\n<table>\n<tr><th>setting</th>");
    for collection in trials.names() {
        let _ = write!(text, "<th>{}</th>", escaped(collection));
    }
    text.push_str("<th>mean</th></tr>\n");
    for setting in order {
        let note = if setting == trials.default_setting() { " (default)" } else { "" };
        let _ = write!(text, "<tr><td>{}{note}</td>", escaped(&name(trials.settings()[setting])));
        for collection in 0..trials.names().len() {
            let _ = write!(text, "<td>{:.4}</td>", trials.mean(setting, collection));
        }
        let _ = writeln!(text, "<td>{:.4}</td></tr>", trials.overall(setting));
    }
    text + "</table>\n"
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Lines as SVG.
fn plot(x_name: &str, lines: &[Line]) -> anyhow::Result<String> {
    let mut svg = String::new();
    draw(&mut svg, x_name, lines).map_err(|error| anyhow!("cannot draw a plot: {error}"))?;
    Ok(svg)
}

fn draw(svg: &mut String, x_name: &str, lines: &[Line]) -> Result<(), Box<dyn std::error::Error>> {
    let points = || lines.iter().flat_map(|line| line.points.iter().copied());
    let span = |values: &mut dyn Iterator<Item = f64>, margin: f64| {
        let (low, high) =
            values.fold((f64::MAX, f64::MIN), |(low, high), v| (low.min(v), high.max(v)));
        let room = (high - low).max(1e-3) * margin;
        low - room..high + room
    };
    if points().next().is_none() {
        return Ok(());
    }
    let (x, y) = (span(&mut points().map(|p| p.0), 0.03), span(&mut points().map(|p| p.1), 0.15));
    let area = SVGBackend::with_string(svg, (760, 400)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .margin(16)
        .x_label_area_size(44)
        .y_label_area_size(60)
        .build_cartesian_2d(x, y)?;
    chart
        .configure_mesh()
        .x_desc(x_name)
        .y_desc("nDCG@10")
        .y_label_formatter(&|y| format!("{y:.3}"))
        .light_line_style(WHITE)
        .draw()?;
    for (i, line) in lines.iter().enumerate() {
        let colour = COLOURS[i % COLOURS.len()].stroke_width(2);
        chart
            .draw_series(LineSeries::new(line.points.clone(), colour).point_size(3))?
            .label(&line.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour));
    }
    chart
        .configure_series_labels()
        .background_style(WHITE.mix(0.85))
        .border_style(BLACK.mix(0.3))
        .position(SeriesLabelPosition::LowerRight)
        .draw()?;
    area.present()?;
    drop(chart);
    Ok(())
}
