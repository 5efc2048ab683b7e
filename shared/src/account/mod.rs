//! Who may use Greenhub, and with which numbers: installations ([`install`], [`agency`], [`events`]),
//! people's sessions ([`session`], [`browser`]) and what they may do ([`auth`]), the [`numbers`] of a workspace, and what
//! its workflows prove themselves by ([`workflow_secret`], for a time also [`common_token`]).
//!
//! Nothing here is on the way of a message: these are the calls that people make, and the events
//! that follow from what they do in GoHighLevel.

pub mod agency;
pub mod audit;
pub mod auth;
pub mod browser;
pub mod code_sender;
pub mod common_token;
pub mod crm_user;
pub mod events;
pub mod install;
pub mod install_state;
pub mod keyring;
pub mod numbers;
pub mod password;
pub mod people;
pub mod second_step;
pub mod session;
pub mod setup;
pub mod sign_in;
pub mod telegram_link;
pub mod uninstall;
pub mod workflow_secret;
