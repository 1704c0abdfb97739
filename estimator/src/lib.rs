//! Greenprint's estimator: bytes of a model file in, cost of running it out.

pub mod tables;
