//! `cargo xtask bench plan`: the quality of a ranking against how much the reranker reads.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::Args;
use plotters::prelude::*;

use crate::judged::{Judged, ndcg10};
use crate::{COLOURS, release_program, root, set_up, target_dir};

/// How much is read and how both rankings are combined: a label, an effort and a fusion.
const PLANS: [(&str, &str, &str); 5] = [
    ("full, linear:0.7", "full", "linear:0.7"),
    ("full", "full", "log-odds"),
    ("thorough", "thorough", "log-odds"),
    ("balanced", "balanced", "log-odds"),
    ("quick", "quick", "log-odds"),
];

#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// Judged collections, as NAME=DIR, or NAME=DIR:RUN to rerank the candidates of a TREC run
    #[arg(required = true, value_name = "NAME=DIR[:RUN]")]
    collections: Vec<Judged>,
    /// Names of collections whose queries are documents, which are not to be counted
    #[arg(long, value_name = "NAME")]
    drop_query_document: Vec<String>,
    /// Only the first so many queries of each
    #[arg(long, value_name = "N")]
    queries: Option<usize>,
    /// Folder for the measurements; existing ones are not repeated
    #[arg(long)]
    results: Option<PathBuf>,
}

/// One collection under one plan.
struct Point {
    bm25: f64,
    alone: f64,
    fused: f64,
    tokens: f64,
    /// Median milliseconds of a query.
    ms: f64,
}

pub(crate) fn bench(args: &PlanArgs) -> anyhow::Result<()> {
    set_up()?;
    release_program(None)?;
    let results = args.results.clone().unwrap_or_else(|| target_dir().join("plan"));
    fs::create_dir_all(&results)?;
    let rows = PLANS
        .iter()
        .map(|(_, effort, fusion)| {
            let flags = ["--effort", effort, "--fusion", fusion];
            args.collections.iter().map(|judged| measure(args, judged, &flags, &results)).collect()
        })
        .collect::<anyhow::Result<Vec<Vec<Point>>>>()?;
    print_table(args, &rows);
    for (file, what, of) in [
        (
            "reading-tokens.svg",
            "tokens read for a query",
            (|point| point.tokens) as fn(&Point) -> f64,
        ),
        ("reading-ms.svg", "median milliseconds of a query", |point| point.ms),
    ] {
        let plot = root().join("docs").join(file);
        draw(&rows, (what, of), &plot)
            .map_err(|error| anyhow!("cannot draw {}: {error}", plot.display()))?;
        println!("{}", plot.display());
    }
    Ok(())
}

fn measure(
    args: &PlanArgs,
    judged: &Judged,
    flags: &[&str; 4],
    results: &Path,
) -> anyhow::Result<Point> {
    let queries = args.queries.map(|count| count.to_string());
    let mut flags = flags.to_vec();
    if let Some(queries) = &queries {
        flags.extend(["--queries", queries]);
    }
    if args.drop_query_document.contains(&judged.name) {
        flags.push("--drop-query-document");
    }
    let label = flags.concat().replace("--", "-");
    let evaluation = judged.evaluate(&format!("plan{label}"), &flags, results)?;
    Ok(Point {
        bm25: ndcg10(&evaluation, "bm25")?,
        alone: ndcg10(&evaluation, "rerank")?,
        fused: ndcg10(&evaluation, "fused")?,
        tokens: evaluation["tokens"].as_f64().context("no tokens")?,
        ms: evaluation["latency"]["p50_ms"].as_f64().context("no latency")?,
    })
}

fn mean(points: &[Point], of: impl Fn(&Point) -> f64) -> f64 {
    points.iter().map(of).sum::<f64>() / points.len() as f64
}

fn print_table(args: &PlanArgs, rows: &[Vec<Point>]) {
    let names: String =
        args.collections.iter().map(|judged| format!(" {} |", judged.name)).collect();
    println!("\n| nDCG@10, alone / fused |{names} mean | tokens | ms |");
    println!("|---|{}---|---|---|", "---|".repeat(args.collections.len()));
    if let Some(points) = rows.first() {
        let cells: String = points.iter().map(|point| format!(" {:.4} |", point.bm25)).collect();
        println!("| BM25 |{cells} {:.4} | 0 | |", mean(points, |point| point.bm25));
    }
    for ((label, ..), points) in PLANS.iter().zip(rows) {
        let cells: String = points
            .iter()
            .map(|point| format!(" {:.4} / {:.4} |", point.alone, point.fused))
            .collect();
        println!(
            "| {label} |{cells} {:.4} / {:.4} | {:.0} | {:.0} |",
            mean(points, |point| point.alone),
            mean(points, |point| point.fused),
            mean(points, |point| point.tokens),
            mean(points, |point| point.ms),
        );
    }
}

/// The mean nDCG@10 of each plan, over what it costs.
fn draw(
    rows: &[Vec<Point>],
    (what, of): (&str, fn(&Point) -> f64),
    to: &Path,
) -> Result<(), Box<dyn std::error::Error>> {
    let fused: Vec<f64> = rows.iter().map(|points| mean(points, |point| point.fused)).collect();
    let costs: Vec<f64> = rows.iter().map(|points| mean(points, of)).collect();
    let low = (fused.iter().copied().fold(1.0, f64::min) * 100.0 - 0.5).floor() / 100.0;
    let high = (fused.iter().copied().fold(0.0, f64::max) * 100.0 + 0.5).ceil() / 100.0;
    let most = costs.iter().copied().fold(0.0, f64::max) * 1.25;
    let area = SVGBackend::new(to, (760, 440)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .margin(16)
        .x_label_area_size(48)
        .y_label_area_size(56)
        .build_cartesian_2d(0f64..most, low..high)?;
    chart
        .configure_mesh()
        .x_desc(what)
        .y_desc("nDCG@10, mean over the collections")
        .y_label_formatter(&|y| format!("{y:.3}"))
        .light_line_style(WHITE)
        .draw()?;
    for (i, (label, ..)) in PLANS.iter().enumerate() {
        let (at, colour) = ((costs[i], fused[i]), COLOURS[i % COLOURS.len()]);
        chart.draw_series(std::iter::once(Circle::new(at, 5, colour.filled())))?;
        let text = Text::new((*label).to_owned(), (at.0 + most / 90.0, at.1), ("sans-serif", 15));
        chart.draw_series(std::iter::once(text))?;
    }
    area.present()?;
    Ok(())
}
