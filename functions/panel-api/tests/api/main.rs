//! The panel's API in-process, over tables in memory.

mod codes;
mod document;
mod import;
mod people;
mod realtime;
mod routes;
mod sessions;
mod setup;
mod sign_in;
mod support;
mod telegram;
