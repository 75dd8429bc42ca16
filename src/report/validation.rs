//! A validation report as a table.
