//! Latencies as a picture: how many calls took no longer than so long.

use std::path::Path;

use plotters::prelude::*;

use super::Latencies;
use crate::COLOURS;

pub(super) fn draw(
    lines: &[(&str, &Latencies)],
    to: &Path,
) -> Result<(), Box<dyn std::error::Error>> {
    let ends = lines.iter().flat_map(|(_, latencies)| [latencies.at(1.0), latencies.at(100.0)]);
    let ends = ends.filter(|end| end.is_finite());
    let (least, most) = ends.fold((f64::MAX, f64::MIN), |(a, b), end| (a.min(end), b.max(end)));
    let area = SVGBackend::new(to, (760, 440)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .margin(16)
        .x_label_area_size(48)
        .y_label_area_size(56)
        .build_cartesian_2d((least * 0.8..most * 1.3).log_scale(), 0.0..100.0)?;
    chart
        .configure_mesh()
        .x_desc("milliseconds until the answer")
        .y_desc("% of the calls, or less")
        .x_label_formatter(&|x| format!("{x}"))
        .light_line_style(WHITE)
        .draw()?;
    for (i, (name, latencies)) in lines.iter().enumerate() {
        let colour = COLOURS[i % COLOURS.len()].stroke_width(2);
        let points = (0..=200).map(|n| f64::from(n) / 2.0).map(|p| (latencies.at(p), p));
        let points = points.filter(|(ms, _)| ms.is_finite());
        chart
            .draw_series(LineSeries::new(points, colour))?
            .label(*name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour));
    }
    chart
        .configure_series_labels()
        .background_style(WHITE.mix(0.85))
        .border_style(BLACK.mix(0.3))
        .position(SeriesLabelPosition::LowerRight)
        .draw()?;
    area.present()?;
    Ok(())
}
