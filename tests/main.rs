//! Everything that capplan promises, one module per behaviour, in one binary: each further one links polars and egui again.

mod cli;
mod docs;
mod gui;
mod house;
mod promises {
    mod allocation;
    mod calibration;
    mod catalog;
    mod engine_speed;
    mod fleets;
    mod importing;
    mod layout_keys;
    mod layouts;
    mod measured_profiles;
    mod measuring;
    mod models;
    mod node_steps;
    mod ordinary;
    mod services;
    mod serving;
    mod serving_keys;
    mod serving_speed;
    mod shared_replicas;
    mod timelines;
    mod traffic;
    mod transformer_steps;
    mod watching;
}
mod published;
mod theory;
