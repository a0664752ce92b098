//! `cargo xtask bench budget`: the quality of a ranking within a time limit.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::Args;
use plotters::prelude::*;

use crate::judged::{Judged, ndcg10};
use crate::{COLOURS, cargo, root, set_up, target_dir};

const BUDGETS_MS: [u32; 5] = [25, 50, 100, 200, 400];
/// Candidates per query, so that no budget is too large.
const DEPTH: &str = "100";
#[derive(Debug, Args)]
pub(crate) struct BudgetArgs {
    /// Judged collections, as NAME=DIR, or NAME=DIR:RUN to rerank the candidates of a TREC run
    #[arg(required = true, value_name = "NAME=DIR[:RUN]")]
    collections: Vec<Judged>,
    /// Folder for the measurements; existing ones are not repeated
    #[arg(long)]
    results: Option<PathBuf>,
}

/// One collection's nDCG@10, by budget and last without one.
struct Row {
    name: String,
    bm25: f64,
    fused: Vec<f64>,
    read: Vec<f64>,
}

pub(crate) fn bench(args: &BudgetArgs) -> anyhow::Result<()> {
    set_up()?;
    cargo(&["build", "--release", "--package", "vizsla-cli"])?;
    let results = args.results.clone().unwrap_or_else(|| target_dir().join("budget"));
    fs::create_dir_all(&results)?;
    let rows = args
        .collections
        .iter()
        .map(|collection| measure(collection, &results))
        .collect::<anyhow::Result<Vec<_>>>()?;
    print_table(&rows);
    let plot = root().join("crates/vizsla-onnx/budget.svg");
    draw(&rows, &plot).map_err(|error| anyhow!("cannot draw {}: {error}", plot.display()))?;
    println!("\n{}", plot.display());
    Ok(())
}

fn measure(judged: &Judged, results: &Path) -> anyhow::Result<Row> {
    let name = judged.name.clone();
    let mut row = Row { name, bm25: 0.0, fused: Vec::new(), read: Vec::new() };
    let budgets = BUDGETS_MS.map(|ms| format!("{ms}ms"));
    for budget in budgets.iter().map(String::as_str).chain(["unlimited"]) {
        let mut flags = vec!["--depth", DEPTH];
        if budget != "unlimited" {
            flags.extend(["--budget", budget]);
        }
        let evaluation = judged.evaluate(&format!("budget-{budget}"), &flags, results)?;
        row.bm25 = ndcg10(&evaluation, "bm25")?;
        row.fused.push(ndcg10(&evaluation, "fused")?);
        row.read.push(evaluation["read"].as_f64().context("no share of candidates read")?);
    }
    Ok(row)
}

fn print_table(rows: &[Row]) {
    let budgets: String = BUDGETS_MS.iter().map(|ms| format!(" {ms} ms |")).collect();
    println!("\n| nDCG@10, fused (candidates read) | BM25 |{budgets} unlimited |");
    println!("|---|---|{}", "---|".repeat(BUDGETS_MS.len() + 1));
    for row in rows {
        let cells: String = row
            .fused
            .iter()
            .zip(&row.read)
            .map(|(ndcg, read)| format!(" {ndcg:.4} ({:.0} %) |", read * 100.0))
            .collect();
        println!("| {} | {:.4} |{cells}", row.name, row.bm25);
    }
}

/// nDCG@10 over the budget; "unlimited" is one step after the longest.
fn draw(rows: &[Row], to: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let all = || rows.iter().flat_map(|row| row.fused.iter().chain([&row.bm25]).copied());
    let low = (all().fold(1.0, f64::min) * 20.0).floor() / 20.0;
    let high = (all().fold(0.0, f64::max) * 20.0).ceil() / 20.0;
    let steps = BUDGETS_MS.len() + 1;
    let area = SVGBackend::new(to, (760, 440)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .margin(16)
        .margin_right(40)
        .x_label_area_size(48)
        .y_label_area_size(56)
        .build_cartesian_2d(0f64..steps as f64, low..high)?;
    let label = |x: &f64| match x.round() as usize {
        0 => "BM25 only".to_owned(),
        step if step <= BUDGETS_MS.len() => format!("{} ms", BUDGETS_MS[step - 1]),
        _ => "unlimited".to_owned(),
    };
    chart
        .configure_mesh()
        .x_labels(steps + 1)
        .x_label_formatter(&label)
        .y_label_formatter(&|y| format!("{y:.2}"))
        .x_desc("time for retrieving and reranking a query, 100 candidates")
        .y_desc("nDCG@10")
        .light_line_style(WHITE)
        .draw()?;
    for (i, row) in rows.iter().enumerate() {
        let colour = COLOURS[i % COLOURS.len()].stroke_width(2);
        let points: Vec<(f64, f64)> = std::iter::once(row.bm25)
            .chain(row.fused.iter().copied())
            .enumerate()
            .map(|(step, ndcg)| (step as f64, ndcg))
            .collect();
        chart
            .draw_series(LineSeries::new(points.clone(), colour).point_size(3))?
            .label(&row.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour));
    }
    chart
        .configure_series_labels()
        .background_style(WHITE.mix(0.85))
        .border_style(BLACK.mix(0.3))
        .position(SeriesLabelPosition::MiddleRight)
        .draw()?;
    area.present()?;
    Ok(())
}
