//! What a person sees while waiting: one line per step with the time it took. On a terminal the
//! step that runs has a running clock; elsewhere each line is plain and final.

use std::{
    io::{self, IsTerminal as _, Write as _},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::Instant;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Quiet,
    Plain,
    Terminal,
}

/// Shows steps on standard error.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Progress(Manner);

impl Progress {
    pub(crate) fn new(quiet: bool) -> Self {
        Self(match (quiet, io::stderr().is_terminal()) {
            (true, _) => Manner::Quiet,
            (false, true) => Manner::Terminal,
            (false, false) => Manner::Plain,
        })
    }

    pub(crate) fn is_quiet(self) -> bool {
        self.0 == Manner::Quiet
    }

    /// Starts a step that prints nothing by itself.
    pub(crate) fn step(self, name: &str) -> Step {
        let mut step = self.loud_step(name);
        if self.0 == Manner::Terminal {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
                bar.set_style(style);
            }
            bar.set_message(name.to_owned());
            bar.enable_steady_tick(Duration::from_millis(120));
            step.bar = Some(bar);
        }
        step
    }

    /// Starts a step whose program writes to the terminal itself.
    pub(crate) fn loud_step(self, name: &str) -> Step {
        if self.0 == Manner::Plain {
            line(&format!("... {name}"));
        }
        Step {
            manner: self.0,
            name: name.to_owned(),
            started: Instant::now(),
            bar: None,
        }
    }
}

/// A step that runs. Dropping it without [`Step::done`] leaves its name standing as the one that
/// did not end.
#[derive(Debug)]
pub(crate) struct Step {
    manner: Manner,
    name: String,
    started: Instant,
    bar: Option<ProgressBar>,
}

impl Step {
    /// Says what the step is doing at this moment.
    pub(crate) fn detail(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(format!("{}: {text}", self.name)),
            None if self.manner == Manner::Plain => line(&format!("    {text}")),
            None => {}
        }
    }

    /// Ends the step; `result` may be empty.
    pub(crate) fn done(mut self, result: &str) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        if self.manner != Manner::Quiet {
            let seconds = self.started.elapsed().as_secs_f64();
            let result = if result.is_empty() {
                String::new()
            } else {
                format!(", {result}")
            };
            line(&format!("ok  {}{result} ({seconds:.1} s)", self.name));
        }
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.abandon();
        }
    }
}

fn line(text: &str) {
    // Nobody is there to tell when standard error is closed.
    let _ = writeln!(io::stderr(), "{text}");
}
