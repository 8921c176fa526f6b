//! JSON documents: strict parsing, and input whose every problem is reported by field.

pub mod input;
pub mod named;
pub mod strict;
