//! The tables: what is kept, and under which keys.

pub mod db;
pub mod history;
pub mod kept;
pub mod keys;
pub mod row;

pub mod agency;
pub mod chats;
pub mod directory;
pub mod find;
pub mod operation;
pub mod people;
pub mod people_runtime;
pub mod runtime;
pub mod system;
pub mod team;
pub mod telegram;

pub mod dynamo;
#[cfg(any(test, feature = "testing"))]
pub mod memory;
