//! What a line of the table tells.

pub struct Measured {
    pub here: f64,
    pub bare: f64,
}

/// The one in the middle of some.
pub fn middle(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}
