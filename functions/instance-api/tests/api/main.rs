//! The function in this process, against tables in memory and the sandbox's GREEN-API and
//! GoHighLevel.

mod numbers;
mod removal;
mod routes;
mod sessions;
mod support;
