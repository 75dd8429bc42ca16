//! What the program predicts beside what was published.

mod step_times;
