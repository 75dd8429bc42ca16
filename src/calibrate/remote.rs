//! Work in a process of its own: a fresh start for every run, with as many threads as it asks for. The processor's
//! threads are set for good when a process begins, so no other way changes them.
//!
//! The two ends speak in lines: `start TASK SIZE` and `sample` are answered by `ok`, `skip REASON`, `fault REASON` or
//! `values V…`.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::bench::{Bench, BenchError};
use super::compute::Work;

/// Runs each size in a process of its own.
pub struct RemoteBench {
    program: PathBuf,
    arguments: Vec<OsString>,
    threads: Threads,
    worker: Option<Worker>,
}

/// Threads that a worker's process computes with.
enum Threads {
    /// As the work at hand asks for.
    OfWork(Vec<Work>),
    /// Always as many.
    Same(usize),
}

struct Worker {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Drop for Worker {
    fn drop(&mut self) {
        // One that is gone already cannot be killed; both ways it is gone.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl RemoteBench {
    /// A bench whose workers are `program` called with `arguments`, which must lead it to [`serve_worker`] on a bench of
    /// the same works.
    #[must_use]
    pub fn new(program: PathBuf, arguments: Vec<OsString>, works: Vec<Work>) -> Self {
        Self { program, arguments, threads: Threads::OfWork(works), worker: None }
    }

    /// The same with a bench of any kind at the other end, and always so many threads.
    #[must_use]
    pub fn with_threads(program: PathBuf, arguments: Vec<OsString>, threads: usize) -> Self {
        Self { program, arguments, threads: Threads::Same(threads), worker: None }
    }

    fn spawn(&self, threads: usize) -> Result<Worker, BenchError> {
        let fault = |error| BenchError::Io { path: self.program.clone(), error };
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        if threads > 0 {
            let threads = threads.to_string();
            command.env("RAYON_NUM_THREADS", &threads).env("CANDLE_NUM_THREADS", &threads);
        }
        let mut child = command.spawn().map_err(fault)?;
        let no_pipe = || fault(io::Error::other("the worker has no pipes"));
        let input = child.stdin.take().ok_or_else(no_pipe)?;
        let output = BufReader::new(child.stdout.take().ok_or_else(no_pipe)?);
        Ok(Worker { child, input, output })
    }

    fn ask(&mut self, request: &str) -> Result<Vec<f64>, BenchError> {
        let Some(worker) = &mut self.worker else {
            return Err(BenchError::Skip { reason: "nothing was started".to_owned() });
        };
        let answer =
            worker.ask(request).map_err(|error| BenchError::Io { path: self.program.clone(), error })?;
        let (word, rest) = answer.trim_end().split_once(' ').unwrap_or((answer.trim_end(), ""));
        match word {
            "ok" => Ok(Vec::new()),
            "skip" => Err(BenchError::Skip { reason: rest.to_owned() }),
            "values" => {
                let values: Result<Vec<f64>, _> = rest.split(' ').map(str::parse).collect();
                values.map_err(|error| BenchError::Device(Box::new(error)))
            }
            "fault" => Err(BenchError::Device(rest.to_owned().into())),
            // The line ended with the worker: out of memory, or interrupted with everybody else.
            _ => {
                Err(BenchError::Skip { reason: "the worker was killed, as when memory runs out".to_owned() })
            }
        }
    }
}

impl Worker {
    fn ask(&mut self, request: &str) -> io::Result<String> {
        let mut line = String::new();
        // A worker that was killed breaks the pipe: the empty line tells.
        match writeln!(self.input, "{request}").and_then(|()| self.input.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(error),
            _ => {}
        }
        self.output.read_line(&mut line)?;
        Ok(line)
    }
}

impl Bench for RemoteBench {
    fn start(&mut self, task: usize, size: f64) -> Result<(), BenchError> {
        // The former worker goes first: its memory and its threads.
        self.worker = None;
        let threads = match &self.threads {
            Threads::OfWork(works) => works.get(task).map_or(0, |work| work.threads_at(size)),
            Threads::Same(threads) => *threads,
        };
        self.worker = Some(self.spawn(threads)?);
        self.ask(&format!("start {task} {size}")).map(|_| ())
    }

    fn sample(&mut self) -> Result<Vec<f64>, BenchError> {
        self.ask("sample")
    }
}

/// Answers the other end on `bench` until it hangs up.
///
/// # Errors
/// When the pipes break.
pub fn serve_worker(bench: &mut dyn Bench, input: impl BufRead, mut output: impl Write) -> io::Result<()> {
    for line in input.lines() {
        let answer = match answer(bench, &line?) {
            Ok(values) if values.is_empty() => "ok".to_owned(),
            Ok(values) => {
                let values: Vec<String> = values.iter().map(|value| format!("{value:e}")).collect();
                format!("values {}", values.join(" "))
            }
            Err(BenchError::Skip { reason }) => format!("skip {}", one_line(&reason)),
            Err(error) => format!("fault {}", one_line(&error.to_string())),
        };
        writeln!(output, "{answer}")?;
        output.flush()?;
    }
    Ok(())
}

fn answer(bench: &mut dyn Bench, line: &str) -> Result<Vec<f64>, BenchError> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let unknown = || BenchError::Skip { reason: format!("`{line}` is not understood") };
    match words[..] {
        ["start", task, size] => {
            let task = task.parse().map_err(|_| unknown())?;
            let size = size.parse().ok().filter(|size: &f64| size.is_finite() && *size > 0.0);
            bench.start(task, size.ok_or_else(unknown)?).map(|()| Vec::new())
        }
        ["sample"] => bench.sample(),
        _ => Err(unknown()),
    }
}

fn one_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}
