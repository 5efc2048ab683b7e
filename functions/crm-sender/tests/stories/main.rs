//! The way of a message from end to end, told as stories.

mod faults;
mod inbound;
mod outbound;
mod tokens;
mod world;
