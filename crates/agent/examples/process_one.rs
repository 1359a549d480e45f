//! The least program that can be process 1 of a sandbox: what the tests of this crate start instead of `stoa` itself.

use std::process::ExitCode;

#[allow(clippy::print_stderr)]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.split_first() {
        Some((arm, stages)) if arm == "init" => stoa_agent::init::run(stages),
        _ => Err("only init is known here".to_owned()),
    };
    match outcome {
        Ok(status) => ExitCode::from(status),
        Err(sentence) => {
            eprintln!("{sentence}");
            ExitCode::from(125)
        }
    }
}
