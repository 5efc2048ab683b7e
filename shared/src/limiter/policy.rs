//! The providers' limits, and the rates that keep below them.
//!
//! A provider counts calls when they arrive, in windows whose place we do not know. Calls depart by
//! our schedule and arrive up to J seconds later, J being the spread of the latency, so what
//! departs within a window and J can arrive within the window. With a burst b and a period T that
//! is at most `b + (window + J) / T` calls; every rate here keeps it within the limit.

use super::gcra::Gcra;

/// GREEN-API's calls a second, for each instance and method (its rate limiter page, June 2025).
const GREEN_API: &[(f64, &[&str])] = &[
    (100.0, &["deleteNotification", "receiveNotification"]),
    (
        50.0,
        &[
            "forwardMessages",
            "sendButtons",
            "sendContact",
            "sendFileByUpload",
            "sendFileByUrl",
            "sendLink",
            "sendListMessage",
            "sendLocation",
            "sendMessage",
            "sendPoll",
            "sendTemplate",
            "sendTemplateButtons",
        ],
    ),
    (
        10.0,
        &[
            "addGroupParticipant",
            "archiveChat",
            "checkWhatsapp",
            "deleteMessage",
            "deleteStatus",
            "getAvatar",
            "getMessage",
            "leaveGroup",
            "readChat",
            "removeAdmin",
            "removeGroupParticipant",
            "setGroupAdmin",
            "unarchiveChat",
        ],
    ),
    (
        5.0,
        &[
            "downloadFile",
            "sendMediaStatus",
            "sendTextStatus",
            "sendVoiceStatus",
        ],
    ),
    (3.0, &["qr"]),
    (
        1.0,
        &[
            "clearMessagesQueue",
            "clearWebhooksQueue",
            "createGroup",
            "editMessage",
            "getChatHistory",
            "getContactInfo",
            "getContacts",
            "getDeviceInfo",
            "getGroupData",
            "getIncomingStatuses",
            "getMessagesCount",
            "getOutgoingStatuses",
            "getSettings",
            "getStateInstance",
            "getStatusInstance",
            "getStatusStatistic",
            "getWaSettings",
            "getWebhooksCount",
            "lastIncomingMessages",
            "lastOutgoingMessages",
            "logout",
            "reboot",
            "scanQrCode",
            "setDisappearingChat",
            "setGroupPicture",
            "setSettings",
            "showMessagesQueue",
            "updateGroupName",
        ],
    ),
    (0.1, &["setProfilePicture"]),
];

/// Methods that GREEN-API tells no limit of: what is usual among their neighbours, and far below
/// it for those that send.
const GREEN_API_UNLISTED: &[(f64, &[&str])] = &[
    (
        5.0,
        &[
            "sendInteractiveButtons",
            "sendInteractiveButtonsReply",
            "sendTyping",
            "uploadFile",
        ],
    ),
    (
        1.0,
        &[
            "addContact",
            "deleteContact",
            "editContact",
            "getAuthorizationCode",
            "getChats",
            "getStateInstanceHistory",
            "lastIncomingCalls",
            "lastOutgoingCalls",
            "updateApiToken",
            "updateGroupSettings",
        ],
    ),
];

/// GoHighLevel's calls in ten seconds, for each app and location.
pub const GHL_PER_10_S: u32 = 100;

/// GoHighLevel's calls in a day, for each app and location.
pub const GHL_PER_DAY: u32 = 200_000;

/// How many messages of ours GREEN-API may hold that it has not sent on. Its queue cannot be
/// reordered, recalled or stopped, and ours can.
pub const MAX_UNDRAINED: usize = 3;

const US_PER_S: f64 = 1e6;
const S_PER_DAY: i64 = 86_400;

/// What we use of a limit at most, where nothing better is known.
const MARGIN: f64 = 0.95;

/// GREEN-API's limit of a method in calls a second; 1 for methods that nobody has heard of.
pub fn green_api_ceiling(method: &str) -> f64 {
    GREEN_API
        .iter()
        .chain(GREEN_API_UNLISTED)
        .find(|(_, methods)| methods.contains(&method))
        .map_or(1.0, |(rps, _)| *rps)
}

/// Calls a second, evenly spaced, that never exceed `ceiling` of them in a second wherever that
/// second begins, if latencies are spread by `j_s` seconds.
///
/// For the 50 of the sends it is `49 / (1 + J)`, found by simulation and the formula above: one
/// call at the window's beginning and 49 behind it. Other limits keep a margin of a twentieth. One
/// below 1 counts as one call in `1 / ceiling` seconds.
pub fn effective_rps(ceiling: f64, j_s: f64) -> f64 {
    let j_s = j_s.max(0.0);
    if ceiling == 50.0 {
        49.0 / (1.0 + j_s)
    } else {
        MARGIN * ceiling / (1.0 + j_s * ceiling.min(1.0))
    }
}

/// The schedule of one method of one instance at GREEN-API, without bursts.
pub fn green_api(method: &str, j_s: f64) -> Gcra {
    let rps = effective_rps(green_api_ceiling(method), j_s);
    Gcra {
        period_us: (US_PER_S / rps).ceil() as i64,
        burst: 1,
    }
}

/// The schedule of one location at GoHighLevel: ten at once, so that a quiet location never waits,
/// and then `T = (10 s + J) / (0.95 · 100 - 10)`, so that `10 + (10 s + J) / T` is 95.
pub fn ghl(j_s: f64) -> Gcra {
    let burst = 10;
    let spaced = MARGIN * f64::from(GHL_PER_10_S) - f64::from(burst);
    let period_s = (10.0 + j_s.max(0.0)) / spaced;
    Gcra {
        period_us: (period_s * US_PER_S).ceil() as i64,
        burst,
    }
}

/// The day's budget of one location at GoHighLevel, beside [`ghl`]: 20,000 as fast as that lets
/// them, and then as many as fill 95 % of the limit in any 24 hours.
pub const GHL_DAY: Gcra = Gcra {
    period_us: S_PER_DAY * 1_000_000 / (GHL_PER_DAY as i64 * 95 / 100 - 20_000) + 1,
    burst: 20_000,
};

/// The spread of the latency to Telegram, seconds: nobody measures it, and its limits are wide.
const TELEGRAM_J_S: f64 = 0.5;

/// The schedule of one group or channel in Telegram: three at once, and then as many as fill 95 % of
/// 20 in any minute.
pub fn telegram_group() -> Gcra {
    spaced(60.0, 20.0, 3)
}

/// The schedule of one chat in Telegram: one a second, and "short bursts" of three.
pub fn telegram_chat() -> Gcra {
    Gcra {
        period_us: US_PER_S as i64,
        burst: 3,
    }
}

/// The schedule of the bot as a whole: 95 % of 30 in any second.
pub fn telegram_bot() -> Gcra {
    spaced(1.0, 30.0, 5)
}

/// `burst + (window + J) / T` is 95 % of the limit.
fn spaced(window_s: f64, limit: f64, burst: u32) -> Gcra {
    let period_s = (window_s + TELEGRAM_J_S) / (MARGIN * limit - f64::from(burst));
    Gcra {
        period_us: (period_s * US_PER_S).ceil() as i64,
        burst,
    }
}

/// How fast GREEN-API sends on what it took: one message each `delaySendMessagesMilliseconds`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DrainPace {
    /// From one message to the next, 500 ms to a day.
    delay_ms: i64,
}

impl DrainPace {
    /// The pace of an instance with this setting, kept to what GREEN-API takes as one.
    pub fn new(delay_ms: i64) -> Self {
        DrainPace {
            delay_ms: delay_ms.clamp(500, 86_400_000),
        }
    }

    /// Milliseconds from one message to the next.
    pub fn delay_ms(self) -> i64 {
        self.delay_ms
    }

    /// Its schedule.
    pub fn gcra(self) -> Gcra {
        Gcra {
            period_us: self.delay_ms * 1000,
            burst: 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// The most calls that can arrive in a window, both ends counted.
    fn worst(gcra: Gcra, window_s: f64, j_s: f64) -> i64 {
        let departing_us = ((window_s + j_s) * US_PER_S) as i64;
        i64::from(gcra.burst) + departing_us / gcra.period_us
    }

    // AC 155
    #[test]
    fn no_spread_of_latency_breaks_a_limit() {
        for j_s in [0.0, 0.02, 0.05, 0.1, 0.25, 1.0, 3.0] {
            for (ceiling, methods) in GREEN_API.iter().chain(GREEN_API_UNLISTED) {
                let (window_s, limit) = if *ceiling < 1.0 {
                    (1.0 / ceiling, 1)
                } else {
                    (1.0, *ceiling as i64)
                };
                let worst = worst(green_api(methods[0], j_s), window_s, j_s);
                assert!(
                    worst <= limit,
                    "{}: {worst} of {limit}, J {j_s}",
                    methods[0]
                );
            }
            let worst = worst(ghl(j_s), 10.0, j_s);
            assert!((90..100).contains(&worst), "{worst}, J {j_s}");
        }
        let worst = worst(GHL_DAY, 86_400.0, 60.0);
        assert!((189_000..200_000).contains(&worst), "{worst}");
    }

    #[test]
    fn rates_are_as_high_as_they_can_be() {
        let check = |ceiling: f64, j_s: f64, expect: f64| {
            let got = effective_rps(ceiling, j_s);
            assert!((got - expect).abs() < 0.05, "{ceiling} at J {j_s}: {got}");
        };
        check(50.0, 0.0, 49.0);
        check(50.0, 0.02, 48.0);
        check(50.0, 0.25, 39.2);
        check(50.0, 1.0, 24.5);
        check(50.0, -1.0, 49.0);
        check(50.0, f64::NAN, 49.0);
        check(100.0, 0.0, 95.0);
        check(1.0, 1.0, 0.475);
        check(0.1, 1.0, 0.086);
    }

    #[test]
    fn methods_have_their_limits() {
        let check = |method: &str, expect: f64| {
            assert_eq!(green_api_ceiling(method), expect, "{method}");
        };
        check("sendMessage", 50.0);
        check("sendFileByUrl", 50.0);
        check("uploadFile", 5.0);
        check("setProfilePicture", 0.1);
        check("aMethodOfTomorrow", 1.0);
        let per_method = green_api("sendMessage", 0.0);
        assert_eq!(
            per_method,
            Gcra {
                period_us: 20_409,
                burst: 1
            }
        );
    }

    #[test]
    fn the_drain_is_never_faster_than_the_gateway_allows() {
        let check = |setting: i64, expect: i64| {
            assert_eq!(DrainPace::new(setting).delay_ms(), expect);
            assert_eq!(DrainPace::new(setting).gcra().period_us, expect * 1000);
        };
        check(0, 500);
        check(500, 500);
        check(15_000, 15_000);
        check(i64::MAX, 86_400_000);
    }

    // AC 155
    /// `CORPUS` names a directory with the provider's tables as they were collected.
    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "a test is told of the tables by its environment"
    )]
    fn the_tables_are_those_of_the_corpus() {
        let Ok(corpus) = std::env::var("CORPUS") else {
            return;
        };
        let check = |file: &str, table: &[(f64, &'static [&'static str])]| {
            let path = std::path::Path::new(&corpus).join("green-api").join(file);
            let csv = std::fs::read_to_string(&path).unwrap();
            let expect: BTreeMap<&str, f64> = csv
                .lines()
                .skip(1)
                .map(|line| {
                    let mut cells = line.split(',');
                    (
                        cells.next().unwrap(),
                        cells.next().unwrap().parse().unwrap(),
                    )
                })
                .collect();
            let ours: Vec<(&str, f64)> = table
                .iter()
                .flat_map(|(rps, methods)| methods.iter().map(|method| (*method, *rps)))
                .collect();
            assert_eq!(
                ours.len(),
                expect.len(),
                "{file}: one entry for each method"
            );
            assert_eq!(BTreeMap::from_iter(ours), expect, "{file}");
        };
        check("limits.csv", GREEN_API);
        check("limits-unlisted.csv", GREEN_API_UNLISTED);
    }
}
