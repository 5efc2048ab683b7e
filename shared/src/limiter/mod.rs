//! Smoothing: nobody refuses a call of ours because there were too many.
//!
//! [`gcra`] is the arithmetic, [`policy`] the providers' limits and what we make of them, and
//! [`lease`] shares one schedule among all workers through a row of the runtime table. The other
//! way round, [`window`] sends browsers away that ask too often.

pub mod gcra;
pub mod lease;
pub mod policy;
pub mod window;
