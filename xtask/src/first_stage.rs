//! `cargo xtask bench first-stage`: indexing and BM25 at several sizes, beside bare tantivy and other programs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, anyhow, bail};
use clap::Args;
use plotters::prelude::*;
use serde_json::Value;

use crate::{COLOURS, cargo_program, root, target_dir};

#[derive(Debug, Args)]
pub(crate) struct FirstStageArgs {
    /// Sizes of the corpus in passages
    #[arg(long, value_delimiter = ',', default_values_t = [10_000, 100_000, 1_000_000])]
    passages: Vec<usize>,
    /// Real text besides the generated one: JSON Lines with "text"
    #[arg(long)]
    corpus: Option<PathBuf>,
    /// A Python with bm25s and pyserini (or one of them), to time them on the same passages and queries
    #[arg(long)]
    python: Option<PathBuf>,
}

/// The latency of one side at one size.
struct Point {
    side: String,
    passages: f64,
    p95: f64,
}

pub(crate) fn bench(args: &FirstStageArgs) -> anyhow::Result<()> {
    let folder = target_dir().join("first-stage");
    fs::create_dir_all(&folder)?;
    let mut points = Vec::new();
    println!(
        "| passages | indexed per second | relative to bare tantivy | bytes per passage | memory | open | one replaced | BM25 p50, p95 | tantivy p50, p95 | tantivy / ours, same parameters, p95 |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for size in &args.passages {
        let row = run(*size, None, args.python.is_some().then_some(&folder))?;
        print_row(&row, "made");
        for (side, times) in [("Vizsla", "search_ms"), ("tantivy", "tantivy_ms")] {
            let p95 = row[times]["p95"].as_f64().context("no p95")?;
            points.push(Point { side: side.to_owned(), passages: *size as f64, p95 });
        }
        if let Some(python) = &args.python {
            points.extend(peers(python, &folder, *size)?);
        }
    }
    if let Some(corpus) = &args.corpus {
        print_row(&run(usize::MAX, Some(corpus), None)?, "real");
    }
    let plot = root().join("crates/vizsla/first-stage.svg");
    draw(&points, &plot).map_err(|error| anyhow!("cannot draw {}: {error}", plot.display()))?;
    println!("\n{}", plot.display());
    Ok(())
}

fn run(
    passages: usize,
    corpus: Option<&PathBuf>,
    write: Option<&PathBuf>,
) -> anyhow::Result<Value> {
    let mut command = Command::new(cargo_program());
    command.args(["bench", "--quiet", "--package", "vizsla", "--bench", "first_stage", "--"]);
    command.args(["--passages", &passages.to_string()]);
    if let Some(corpus) = corpus {
        command.arg("--corpus").arg(corpus.canonicalize()?);
    }
    if let Some(folder) = write {
        command.arg("--write").arg(folder);
    }
    let output = command.current_dir(root()).output().context("cannot run the benchmark")?;
    if !output.status.success() {
        bail!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().rev().find(|line| line.starts_with('{')).context("no result")?;
    Ok(serde_json::from_str(line)?)
}

fn print_row(row: &Value, text: &str) {
    let number = |path: [&str; 2]| row[path[0]][path[1]].as_f64().unwrap_or(f64::NAN);
    println!(
        "| {} ({text}) | {:.0} | {:.2} | {:.0} | {:.0} MB | {:.1} ms | {:.0} ms | {:.2}, {:.2} ms | {:.2}, {:.2} ms | {:.2} |",
        row["passages"],
        number(["indexing", "per_second"]),
        number(["indexing", "ratio"]),
        row["bytes_per_passage"].as_f64().unwrap_or(f64::NAN),
        number(["memory_mb", "peak"]),
        row["open_ms"].as_f64().unwrap_or(f64::NAN),
        row["update_ms"].as_f64().unwrap_or(f64::NAN),
        number(["search_ms", "p50"]),
        number(["search_ms", "p95"]),
        number(["tantivy_ms", "p50"]),
        number(["tantivy_ms", "p95"]),
        number(["ratio", "p95"]),
    );
    if row["queries_with_other_hits_than_tantivy"] != 0 {
        println!(
            "queries with other hits than tantivy: {}",
            row["queries_with_other_hits_than_tantivy"]
        );
    }
}

/// Other programs, each in one thread, on what the benchmark left in the folder.
fn peers(python: &Path, folder: &Path, passages: usize) -> anyhow::Result<Vec<Point>> {
    let output = Command::new(python)
        .arg(root().join("xtask/first_stage_peers.py"))
        .arg(folder)
        .output()
        .context("cannot run Python")?;
    if !output.status.success() {
        bail!("the script failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let mut points = Vec::new();
    for line in text.lines().filter(|line| line.starts_with('{')) {
        println!("  {line}");
        let peer: Value = serde_json::from_str(line)?;
        if let (Some(side), Some(p95)) = (peer["peer"].as_str(), peer["p95_ms"].as_f64()) {
            points.push(Point { side: side.to_owned(), passages: passages as f64, p95 });
        }
    }
    Ok(points)
}

fn draw(points: &[Point], to: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let ends = |values: &mut dyn Iterator<Item = f64>| {
        values.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)))
    };
    let (fewest, most) = ends(&mut points.iter().map(|point| point.passages));
    let (fastest, slowest) = ends(&mut points.iter().map(|point| point.p95));
    let area = SVGBackend::new(to, (760, 440)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .margin(16)
        .x_label_area_size(48)
        .y_label_area_size(64)
        .build_cartesian_2d(
            (fewest * 0.9..most * 1.1).log_scale(),
            (fastest * 0.7..slowest * 1.5).log_scale(),
        )?;
    chart
        .configure_mesh()
        .x_desc("passages")
        .y_desc("BM25 top 100, 8 words, p95 in ms")
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(&|y| format!("{y}"))
        .light_line_style(WHITE)
        .draw()?;
    let mut sides: Vec<&str> = points.iter().map(|point| point.side.as_str()).collect();
    sides.sort_unstable();
    sides.dedup();
    for (i, side) in sides.into_iter().enumerate() {
        let colour = COLOURS[i % COLOURS.len()].stroke_width(2);
        let line = points.iter().filter(|point| point.side == side);
        let line: Vec<(f64, f64)> = line.map(|point| (point.passages, point.p95)).collect();
        chart
            .draw_series(LineSeries::new(line, colour).point_size(3))?
            .label(side)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour));
    }
    chart
        .configure_series_labels()
        .background_style(WHITE.mix(0.85))
        .border_style(BLACK.mix(0.3))
        .position(SeriesLabelPosition::UpperLeft)
        .draw()?;
    area.present()?;
    Ok(())
}
