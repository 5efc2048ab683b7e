//! Smoothing: nobody refuses a call of ours because there were too many.
//!
//! [`gcra`] is the arithmetic, [`policy`] the providers' limits and what we make of them, and
//! [`lease`] shares one schedule among all workers through a row of the runtime table. [`drain`] is
//! the row of a number's queue at GREEN-API, which is shared the same way. [`spread`] measures what
//! the policy allows for. The other way round, [`window`] sends browsers away that ask too often.

pub mod drain;
pub mod gcra;
pub mod lease;
pub mod policy;
pub mod spread;
pub mod window;
