//! Exactly what was typed, nothing derived.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

/// Which fleet should do this machine-learning job — one large machine or many cheaper ones — what will it cost, when
/// will it be done, what limits it, and how sure are we?
#[derive(Debug, Parser)]
#[command(name = "capplan", version, about, max_term_width = 100)]
#[command(
    after_help = "Exit status: 0 done, 1 fault of ours, 2 usage, 3 bad scenario, price or observation file, 4 refused by a limit, \
5 file could not be read or written, 6 calibration missing (strict), 10 no fleet is feasible and able to meet the targets, \
11 a --fail-if threshold crossed, 130 interrupted."
)]
pub struct Arguments {
    #[command(flatten)]
    pub shared: Shared,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Args, Clone, Debug)]
pub struct Shared {
    /// When to use colour.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    pub color: Color,
    /// No messages on stderr but errors.
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// More messages on stderr.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Table,
    Csv,
    Json,
    Markdown,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Simulate the fleets of a scenario and compare them.
    Simulate(Simulate),
    /// Validate, resolve and plan a scenario; no simulation.
    Check(Check),
    /// Predict published measurements and report the error.
    Validate(Validate),
    /// Fit profiles of step times.
    #[command(subcommand)]
    Calibrate(Calibrate),
    /// List accelerators, machines, prices, API prices, managed services, engines, models, profiles, policies or examples.
    List(List),
    /// Explain where one figure of a scenario comes from.
    Explain(Explain),
    /// Print the JSON Schema of scenarios, or of results.
    Schema(Schema),
    /// Print shell completions.
    Completions(Completions),
    /// Print the manual page.
    Man,
    /// Print a commented scenario to start from.
    Init(Init),
    /// Open the window, on a scenario where one is named.
    Gui(Gui),
}

/// The window.
#[derive(Args, Clone, Debug)]
pub struct Gui {
    /// Scenario file, or `example:NAME`.
    #[arg(value_name = "SCENARIO")]
    pub scenario: Option<String>,
    /// What draws: glow works in software and remotely, wgpu only in a program built with it.
    #[arg(long, value_enum, default_value_t = Drawing::Glow)]
    pub renderer: Drawing,
    /// Lay the prices, machines and models of a folder over the catalog; may be repeated.
    #[arg(long, value_name = "DIR")]
    pub catalog: Vec<PathBuf>,
    /// What to show instead of what was shown last, as `pareto` or `text`; a second view stands beside the first.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub show: Vec<String>,
    /// Colours of the window; those of last time if left out.
    #[arg(long, value_enum)]
    pub theme: Option<Look>,
    /// Inner size of the window, as `1280x800`; that of last time if left out.
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub size: Option<[u16; 2]>,
    /// Run the scenario, write a picture of the window as PNG, and close it.
    #[arg(long, value_name = "FILE")]
    pub screenshot: Option<PathBuf>,
}

/// Colours of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Look {
    /// As the system.
    System,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// `1280x800`, within what a screen may be.
fn size(text: &str) -> Result<[u16; 2], &'static str> {
    let sides = text
        .split_once(['x', '×'])
        .and_then(|(width, height)| Some([width.trim().parse().ok()?, height.trim().parse().ok()?]));
    sides
        .filter(|sides: &[u16; 2]| sides.iter().all(|side| (320..=8192).contains(side)))
        .ok_or("a size is WIDTHxHEIGHT, each from 320 to 8192 points")
}

/// What draws the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Drawing {
    /// OpenGL: works in software, in virtual machines and remotely.
    Glow,
    /// Vulkan, Metal or DirectX.
    Wgpu,
}

/// A scenario and how it is read.
#[derive(Args, Clone, Debug)]
pub struct ScenarioInput {
    /// Replace one value, as `fleet.NAME.count=4`; may be repeated, later ones win.
    #[arg(long = "set", value_name = "KEY.PATH=VALUE")]
    pub overrides: Vec<String>,
    /// Lay the prices, machines and models of a folder over the catalog; may be repeated.
    #[arg(long, value_name = "DIR")]
    pub catalog: Vec<PathBuf>,
    /// Seed instead of the scenario's.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Threads; the result does not depend on it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
}

#[derive(Args, Clone, Debug)]
pub struct Simulate {
    /// Scenario files, `-` for stdin, or `example:NAME`.
    #[arg(value_name = "SCENARIO", required = true)]
    pub scenarios: Vec<String>,
    #[command(flatten)]
    pub input: ScenarioInput,
    /// Exactly so many replications.
    #[arg(long, value_name = "N", conflicts_with = "precision", value_parser = clap::value_parser!(u32).range(2..=100_000))]
    pub replicas: Option<u32>,
    /// Relative half-width at which to stop replicating [default: 0.05].
    #[arg(long, value_name = "P")]
    pub precision: Option<f64>,
    /// Form of the result on stdout.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// Also write all files into a folder.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Replace files in the folder of --out, and the file of --trace.
    #[arg(long)]
    pub force: bool,
    /// Also write what one replica does when, for Perfetto or chrome://tracing: the recommended fleet's first one.
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// Trace this fleet instead of the recommended one.
    #[arg(long, value_name = "NAME", requires = "trace")]
    pub trace_fleet: Option<String>,
    /// Trace this part of the simulated time, as `10min..20min` [default: all of a job, ten minutes of a service].
    #[arg(long, value_name = "FROM..UNTIL", requires = "trace")]
    pub trace_window: Option<String>,
    /// Exit with 11 when true for any fleet that can run, as `cost_usd > 500` or `deadline_met < 0.9`; may be repeated.
    #[arg(long = "fail-if", value_name = "EXPR")]
    pub fail_if: Vec<String>,
    /// No progress on stderr.
    #[arg(long)]
    pub no_progress: bool,
    /// Refuse figures that are assumed or carried over from other devices (exit 6).
    #[arg(long)]
    pub strict: bool,
}

#[derive(Args, Clone, Debug)]
pub struct Check {
    /// Scenario file, `-` for stdin, or `example:NAME`.
    pub scenario: String,
    #[command(flatten)]
    pub input: ScenarioInput,
    /// Print every value with its origin.
    #[arg(long)]
    pub resolved: bool,
    /// Form of the result on stdout.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

#[derive(Args, Clone, Debug)]
pub struct Validate {
    /// Observation tables in the public schema, instead of the shipped one; may be repeated.
    #[arg(long, value_name = "FILE")]
    pub observations: Vec<PathBuf>,
    /// Also write the report, its rows and a scatter plot into a folder.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Replace files in the folder of --out.
    #[arg(long)]
    pub force: bool,
    /// Schema of the tables; by their headers when not given.
    #[arg(long, value_enum)]
    pub schema: Option<ObservationSchema>,
    /// Form of the result on stdout.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

/// What to calibrate from.
#[derive(Debug, Subcommand)]
pub enum Calibrate {
    /// Fit the parameters of transformers' steps to a table of measurements; the shipped profile is its output.
    Fit(Fit),
    /// Measure training steps of small models on this machine: forward, backward and optimizer apart.
    #[cfg(feature = "calibrate")]
    Train(Compute),
    /// Measure forward passes of small models on this machine: prefill and decode apart.
    #[cfg(feature = "calibrate")]
    Infer(Compute),
    /// Measure the input pipeline of this machine: a data set is written, read cold and warm, decoded, and removed.
    #[cfg(feature = "calibrate")]
    Input(InputPipeline),
    /// Refit what other tools have measured: vLLM, guidellm, AIPerf, MLPerf logs, tables of step times.
    #[cfg(feature = "calibrate")]
    Import(Import),
    /// Measure sizes that a profile has not seen and a short real training job, and compare both with what it says.
    #[cfg(feature = "calibrate")]
    Verify(Verify),
    /// One run in a process of its own, for the others.
    #[cfg(feature = "calibrate")]
    #[command(hide = true)]
    Worker(Worker),
}

/// How a measurement is taken and kept.
#[cfg(feature = "calibrate")]
#[derive(Args, Clone, Debug)]
pub struct Measuring {
    /// All the time there is, as `2m` or `60 s`; the most telling sizes come first. As long as it takes if left out.
    #[arg(long, value_name = "TIME")]
    pub budget: Option<String>,
    /// Keep the profile although the machine is noisy or throttles.
    #[arg(long)]
    pub accept_noise: bool,
    /// Profile to write; sections of an existing one of this machine are replaced, the others stay. A stopped
    /// calibration goes on from PROFILE.partial.
    #[arg(long, value_name = "PROFILE")]
    pub out: Option<PathBuf>,
    /// Name of the profile; by the processor if left out.
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Drop what a stopped calibration had measured.
    #[arg(long)]
    pub restart: bool,
    /// Replace a profile of another machine, or a file that is none.
    #[arg(long)]
    pub force: bool,
    /// No progress on stderr.
    #[arg(long)]
    pub no_progress: bool,
    /// Form of the result on stdout.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

#[cfg(feature = "calibrate")]
#[derive(Args, Clone, Debug)]
pub struct Compute {
    /// Models to measure, of gpt, cnn, recommender; all if left out.
    #[arg(long, value_name = "MODEL", value_delimiter = ',')]
    pub model: Vec<String>,
    /// Device that computes: cpu, cuda, cuda:N or metal.
    #[arg(long, value_name = "DEVICE", default_value = "cpu")]
    pub device: String,
    /// Name of the device in the catalog, so that its fleets may use the profile.
    #[arg(long, value_name = "NAME")]
    pub accelerator: Option<String>,
    #[command(flatten)]
    pub measuring: Measuring,
}

#[cfg(feature = "calibrate")]
#[derive(Args, Clone, Debug)]
pub struct InputPipeline {
    /// Folder to write the temporary data set of some 150 MB into, as one on the disk that training reads from; the
    /// system's if left out. It is removed afterwards, whatever happens.
    #[arg(long, value_name = "DIR")]
    pub folder: Option<PathBuf>,
    #[command(flatten)]
    pub measuring: Measuring,
}

#[cfg(feature = "calibrate")]
#[derive(Args, Clone, Debug)]
pub struct Import {
    /// Files of one format; several as when each holds one concurrency or batch.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Format, instead of the recognised one.
    #[arg(long, value_enum)]
    pub from: Option<ImportedFrom>,
    /// Name of the model, instead of the one in the files; the catalog's id where fleets shall use the profile.
    #[arg(long, value_name = "MODEL")]
    pub model: Option<String>,
    /// Name of the device in the catalog.
    #[arg(long, value_name = "NAME")]
    pub accelerator: Option<String>,
    /// Accelerators of the run, where an MLPerf log does not tell them.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub accelerators: Option<u64>,
    /// Profile to write.
    #[arg(long, value_name = "PROFILE")]
    pub out: Option<PathBuf>,
    /// Name of the profile; that of the first file if left out.
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Replace the file of --out.
    #[arg(long)]
    pub force: bool,
    /// Form of the result on stdout.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

#[cfg(feature = "calibrate")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ImportedFrom {
    /// JSON of vLLM's or SGLang's serving benchmark.
    Vllm,
    /// JSON report of guidellm.
    Guidellm,
    /// JSON export of AIPerf or genai-perf.
    GenaiPerf,
    /// Log of an MLPerf training run.
    Mllog,
    /// CSV of step times with the columns batch, accelerators and seconds.
    Steps,
}

#[cfg(feature = "calibrate")]
#[derive(Args, Clone, Debug)]
pub struct Verify {
    /// Profile that was measured on this machine.
    #[arg(value_name = "PROFILE")]
    pub profile: PathBuf,
    /// All the time there is for sizes, as `2m` or `60 s`.
    #[arg(long, value_name = "TIME")]
    pub budget: Option<String>,
    /// Folder to write the temporary data set into, the one that the profile was measured in; the system's if left out.
    #[arg(long, value_name = "DIR")]
    pub folder: Option<PathBuf>,
    /// Form of the result on stdout.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

#[cfg(feature = "calibrate")]
#[derive(Args, Clone, Debug)]
pub struct Worker {
    /// Section: train, infer or together.
    pub section: String,
    /// Models, or the folder of the data set.
    pub models: String,
    /// Cores that the plan is made for.
    pub cores: usize,
}

#[derive(Args, Clone, Debug)]
pub struct Fit {
    /// Observation table in the public training schema, instead of the shipped one.
    #[arg(long, value_name = "FILE")]
    pub observations: Option<PathBuf>,
    /// Write the profile into a folder.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Replace the file in the folder of --out.
    #[arg(long)]
    pub force: bool,
    /// Form of the result on stdout.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// Lay the accelerators and models of a folder over the catalog; may be repeated.
    #[arg(long, value_name = "DIR")]
    pub catalog: Vec<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ObservationSchema {
    Training,
    Inference,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum What {
    Accelerators,
    Instances,
    Prices,
    /// Prices of models behind an API, by the token.
    ApiPrices,
    /// Managed services: endpoints, batch jobs, clusters.
    Managed,
    /// Serving engines with their scheduling rules.
    Engines,
    Models,
    Profiles,
    Policies,
    Examples,
}

#[derive(Args, Clone, Debug)]
pub struct List {
    /// What to list.
    #[arg(value_enum)]
    pub what: What,
    /// Keep rows, as `memory_gib>=80`, `provider=gcp`, `instance~a3`; may be repeated.
    #[arg(long, value_name = "FILTER")]
    pub filter: Vec<String>,
    /// Sort by a column, descending with `-` in front.
    #[arg(long, value_name = "COLUMN", allow_hyphen_values = true)]
    pub sort: Option<String>,
    /// Form of the result on stdout.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// Lay the prices, machines and models of a folder over the catalog; may be repeated.
    #[arg(long, value_name = "DIR")]
    pub catalog: Vec<PathBuf>,
}

#[derive(Args, Clone, Debug)]
pub struct Explain {
    /// Scenario file, `-` for stdin, or `example:NAME`.
    pub scenario: String,
    /// Name of a fleet.
    pub fleet: String,
    /// Figure to explain: time_s, cost_usd, samples_per_s, bound, memory, step, price, deadline_met, budget_met.
    pub metric: String,
    #[command(flatten)]
    pub input: ScenarioInput,
}

#[derive(Args, Clone, Debug)]
pub struct Schema {
    /// `result` for the result contract; the scenario's if left out.
    #[arg(value_enum, default_value_t = SchemaOf::Scenario)]
    pub of: SchemaOf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    Scenario,
    Result,
}

#[derive(Args, Clone, Debug)]
pub struct Completions {
    /// Shell.
    pub shell: Shell,
}

#[derive(Args, Clone, Debug)]
pub struct Init {
    /// Name of an embedded example; the reference of all keys with `reference`.
    #[arg(default_value = "daily-recommender")]
    pub example: String,
}

impl Arguments {
    /// Whether errors are to be one JSON object.
    pub fn wants_json(&self) -> bool {
        let format = match &self.command {
            Command::Simulate(options) => options.format,
            Command::Check(options) => options.format,
            Command::Validate(options) => options.format,
            Command::List(options) => options.format,
            Command::Calibrate(Calibrate::Fit(options)) => options.format,
            #[cfg(feature = "calibrate")]
            Command::Calibrate(Calibrate::Verify(options)) => options.format,
            #[cfg(feature = "calibrate")]
            Command::Calibrate(Calibrate::Train(options) | Calibrate::Infer(options)) => {
                options.measuring.format
            }
            #[cfg(feature = "calibrate")]
            Command::Calibrate(Calibrate::Input(options)) => options.measuring.format,
            #[cfg(feature = "calibrate")]
            Command::Calibrate(Calibrate::Import(options)) => options.format,
            _ => return false,
        };
        format == Format::Json
    }
}
