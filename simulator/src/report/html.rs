//! A report as one page that needs nothing else: figures, latency over time, and latency by percentile.

use std::fmt::Write as _;

use super::{Quantiles, Report, Series};

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 70.0;
const BOTTOM: f64 = 30.0;
const COLOURS: [&str; 3] = ["#1b6ca8", "#2e8b57", "#c0392b"];

/// The page.
#[must_use]
pub fn page(report: &Report, title: &str) -> String {
    let title = escape(title);
    let mut html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>\
         <style>body{{font:15px sans-serif;max-width:900px;margin:2em auto;color:#222}}\
         td,th{{padding:.2em .8em;text-align:right}}th:first-child,td:first-child{{text-align:left}}\
         svg{{display:block;margin:1em 0;background:#fafafa}}text{{font-size:11px;fill:#555}}</style>\
         <h1>{title}</h1>"
    );
    let counts = [
        ("published", report.published),
        ("acknowledged", report.acknowledged),
        ("recorded", report.recorded),
        ("seen", report.seen),
        ("lost", report.lost),
        ("duplicated", report.duplicated),
    ];
    html += "<table>";
    counts.iter().for_each(|(name, count)| add(&mut html, format_args!("<tr><td>{name}<td>{count}")));
    html += "</table><h2>Latency from the intended moment, in milliseconds</h2>\
             <table><tr><th><th>p50<th>p90<th>p99<th>p99.9<th>max";
    let latencies = [report.press_to_puback_us, report.press_to_receipt_us, report.press_to_console_us];
    for (series, latency) in report.series.iter().zip(latencies) {
        let Quantiles { p50, p90, p99, p999, max } = latency;
        add(&mut html, format_args!("<tr><td>{}", series.name));
        [p50, p90, p99, p999, max].iter().for_each(|us| add(&mut html, format_args!("<td>{:.2}", ms(*us))));
    }
    html += "</table><h2>Over time: 99th percentile of each second</h2>";
    html += &over_time(&report.series);
    html += "<h2>By percentile</h2>";
    html += &by_percentile(&report.series);
    html
}

fn over_time(series: &[Series]) -> String {
    let seconds = || series.iter().flat_map(|series| &series.seconds);
    let last = seconds().map(|(second, _)| *second).max().unwrap_or(0).max(1);
    let lines = series.iter().map(|series| {
        let points = series.seconds.iter();
        points.map(|(second, waits)| (*second as f64 / last as f64, waits.p99)).collect()
    });
    let ticks =
        (0..=5).map(|tick| (f64::from(tick) / 5.0, format!("{:.0} s", last as f64 * f64::from(tick) / 5.0)));
    plot(series, lines.collect(), &ticks.collect::<Vec<_>>())
}

/// The axis stretches the end: each step to the right is half as many presses that waited longer.
fn by_percentile(series: &[Series]) -> String {
    let place = |quantile: f64| (-(1.0 - quantile).max(1e-4).log10() / 4.0).min(1.0);
    let lines = series
        .iter()
        .map(|series| series.quantiles.iter().map(|(quantile, us)| (place(*quantile), *us)).collect());
    let ticks =
        [0.0, 0.9, 0.99, 0.999, 0.9999].map(|quantile| (place(quantile), format!("{}", quantile * 100.0)));
    plot(series, lines.collect(), &ticks)
}

/// Lines of places from 0 to 1 and microseconds.
fn plot(series: &[Series], lines: Vec<Vec<(f64, u64)>>, ticks: &[(f64, String)]) -> String {
    let most = lines.iter().flatten().map(|(_, us)| *us).max().unwrap_or(1).max(1);
    let x = |place: f64| LEFT + place * (WIDTH - LEFT - 20.0);
    let y = |us: f64| HEIGHT - BOTTOM - us / most as f64 * (HEIGHT - BOTTOM - 20.0);
    let mut svg = format!("<svg width=\"{WIDTH}\" height=\"{HEIGHT}\" role=\"img\">");
    for tick in 0..=4 {
        let us = most as f64 * f64::from(tick) / 4.0;
        let (from, to, at) = (x(0.0), x(1.0), y(us));
        add(&mut svg, format_args!("<path d=\"M{from} {at}H{to}\" stroke=\"#ddd\"/>"));
        add(&mut svg, format_args!("<text x=\"4\" y=\"{}\">{:.2} ms</text>", at + 4.0, us / 1_000.0));
    }
    for (place, label) in ticks {
        let (x, y) = (x(*place) - 10.0, HEIGHT - 10.0);
        add(&mut svg, format_args!("<text x=\"{x:.1}\" y=\"{y}\">{label}</text>"));
    }
    for ((line, series), colour) in lines.iter().zip(series).zip(COLOURS.iter().cycle()) {
        let points = line.iter().map(|(place, us)| format!("{:.1},{:.1}", x(*place), y(*us as f64)));
        let points = points.collect::<Vec<_>>().join(" ");
        add(
            &mut svg,
            format_args!(
                "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\" points=\"{points}\">"
            ),
        );
        add(&mut svg, format_args!("<title>{}</title></polyline>", series.name));
    }
    for (number, (series, colour)) in series.iter().zip(COLOURS).enumerate() {
        let x = LEFT + 10.0 + number as f64 * 150.0;
        add(
            &mut svg,
            format_args!("<text x=\"{x}\" y=\"14\" style=\"fill:{colour}\">{}</text>", series.name),
        );
    }
    svg + "</svg>"
}

fn add(text: &mut String, more: std::fmt::Arguments<'_>) {
    // Writing to a string never fails.
    let _written = text.write_fmt(more).is_ok();
}

fn ms(us: u64) -> f64 {
    us as f64 / 1_000.0
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
