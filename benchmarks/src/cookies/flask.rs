//! Flask's session interface in a Python process that is controlled by lines on its input.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use super::{Contestant, Work};
use crate::flask;

/// The process is ended on drop.
pub struct Flask {
    process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Flask {
    pub fn start(payload: &str) -> Self {
        let script = flask::source("cookies/flask_cookie.py");
        let mut command = Command::new(flask::python());
        command.arg(script).arg(payload).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("Python starts");
        let questions = process.stdin.take().expect("its input is piped");
        let answers = BufReader::new(process.stdout.take().expect("its output is piped"));
        Self { process, questions, answers }
    }
}

impl Contestant for Flask {
    fn run(&mut self, work: Work, slice: Duration) -> f64 {
        let mut answer = String::new();
        writeln!(self.questions, "{work:?} {}", slice.as_secs_f64()).expect("Python listens");
        self.answers.read_line(&mut answer).expect("Python answers");
        answer.trim().parse().unwrap_or_else(|_| panic!("Python answered {answer:?}"))
    }
}

impl Drop for Flask {
    fn drop(&mut self) {
        let _ended = self.process.kill().and_then(|()| self.process.wait());
    }
}
