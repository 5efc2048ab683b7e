//! The panel's API in-process, over tables in memory.

mod document;
mod import;
mod telegram;
