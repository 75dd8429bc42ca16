//! `capplan schema`, `completions`, `man` and `init`: the program about itself.

use clap::CommandFactory;

use crate::catalog::{EXAMPLES, example};
use crate::report::result_schema;
use crate::scenario::{json_schema, reference_toml};

use super::args::{Arguments, Completions, Init, Schema, SchemaOf};
use super::exit::{Failure, Status};
use super::output::to_stdout;

pub fn schema(options: &Schema) -> Result<Status, Failure> {
    let schema = match options.of {
        SchemaOf::Scenario => json_schema(),
        SchemaOf::Result => result_schema(),
    };
    to_stdout(&format!("{schema:#}\n"))?;
    Ok(Status::Done)
}

pub fn completions(options: &Completions) -> Result<Status, Failure> {
    let mut bytes = Vec::new();
    clap_complete::generate(options.shell, &mut Arguments::command(), "capplan", &mut bytes);
    to_stdout(&String::from_utf8_lossy(&bytes))?;
    Ok(Status::Done)
}

pub fn man() -> Result<Status, Failure> {
    let mut bytes = Vec::new();
    clap_mangen::Man::new(Arguments::command())
        .render(&mut bytes)
        .map_err(|error| Failure::plain(Status::Fault, "man", error.to_string()))?;
    to_stdout(&String::from_utf8_lossy(&bytes))?;
    Ok(Status::Done)
}

pub fn init(options: &Init) -> Result<Status, Failure> {
    let name = options.example.strip_prefix("example:").unwrap_or(&options.example);
    if name == "reference" {
        to_stdout(&reference_toml())?;
        return Ok(Status::Done);
    }
    match example(name) {
        Some(text) => {
            to_stdout(text)?;
            Ok(Status::Done)
        }
        None => Err(Failure::plain(Status::Usage, "usage", format!("there is no example `{name}`"))
            .suggest(format!("examples: {}, reference", EXAMPLES.join(", ")))),
    }
}
