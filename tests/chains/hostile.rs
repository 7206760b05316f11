//! Chains that nobody sends by accident.
