//! `capplan list`.

use crate::report::{self, Listing};

use super::args::{List, Shared, What};
use super::exit::{Failure, Status};
use super::input;
use super::output::{table_text, to_stderr, to_stdout};

pub fn run(options: &List, shared: &Shared) -> Result<Status, Failure> {
    let what = match options.what {
        What::Accelerators => Listing::Accelerators,
        What::Instances => Listing::Instances,
        What::Prices => Listing::Prices,
        What::ApiPrices => Listing::ApiPrices,
        What::Managed => Listing::Managed,
        What::Engines => Listing::Engines,
        What::Models => Listing::Models,
        What::Profiles => Listing::Profiles,
        What::Policies => Listing::Policies,
        What::Examples => Listing::Examples,
    };
    let catalog = input::catalog(&options.catalog)?;
    let table = report::list(&catalog, what, &options.filter, options.sort.as_deref())
        .map_err(|error| Failure::plain(Status::Usage, "usage", error.to_string()))?;
    let mut shown = table.clone();
    if options.format == super::args::Format::Table {
        // Citations are long; the other formats hold them.
        shown.columns.retain(|column| column.name != "source");
    }
    to_stdout(&table_text(&shown, options.format))?;
    if !shared.quiet {
        let date = catalog.date().map_or_else(String::new, |day| format!(", newest price of {day}"));
        to_stderr(&format!("{} rows{date}\n", table.height()));
    }
    Ok(Status::Done)
}
