//! The table, and the machine it is about.

use std::fs;

use anyhow::Context as _;

/// The head of the table.
pub fn head() {
    println!("\n| what | log | against | ratio or limit | goal |\n| --- | --- | --- | --- | --- |");
}

/// A row of the table.
pub fn row(what: &str, log: &str, against: &str, ratio: &str, goal: &str) {
    println!("| {what} | {log} | {against} | {ratio} | {goal} |");
}

/// Processor, cores, memory and system.
pub fn machine() -> anyhow::Result<String> {
    let field = |file: &str, name: &str| -> anyhow::Result<String> {
        let text = fs::read_to_string(file).with_context(|| format!("failed to read {file}"))?;
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        Ok(line.split_once(':').map_or("unknown", |(_, value)| value.trim()).to_owned())
    };
    let system = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let cores = std::thread::available_parallelism()?;
    let (model, memory) = (field("/proc/cpuinfo", "model name")?, field("/proc/meminfo", "MemTotal")?);
    Ok(format!("{cores} cores of {model}, {memory}, Linux {}", system.trim()))
}

/// The middle one of some measurements.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
