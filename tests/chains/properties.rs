//! What holds for every chain.
