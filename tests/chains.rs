//! The trust verdict: every cell of the table, the real chains, and what nobody may ever get past it.

mod chains {
    mod choices;
    mod command;
    mod hostile;
    mod model;
    mod places;
    mod properties;
    mod questions;
    mod real;
    mod repeats;
    mod routes;
    mod signatures;
    mod table;
    mod world;
}
