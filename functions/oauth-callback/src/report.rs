//! The page about an agency's sub-accounts.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use greenhub::account::agency::{Entry, Report};
use greenhub::domain::text::Lang;
use greenhub::store::agency::MemberProblem;

use crate::page::{STYLE, respond};
use crate::words::{self, ReportWords};

/// How many sub-accounts of a kind are shown; failed ones come first.
const MOST_SHOWN: usize = 1_000;

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    lang: &'a str,
    style: &'a str,
    tone: &'a str,
    title: &'a str,
    texts: Vec<&'a str>,
    problem: Option<&'a str>,
    again: Option<&'a str>,
    figures: Vec<(&'a str, String)>,
    lists: Vec<List<'a>>,
}

struct List<'a> {
    title: &'a str,
    entries: Vec<Item<'a>>,
    rest: Option<String>,
}

struct Item<'a> {
    name: &'a str,
    id: &'a str,
    address: Option<&'a str>,
    reason: Option<String>,
}

/// The page, as things stand.
pub(crate) fn page(report: &Report, lang: Lang) -> Response {
    let words = &words::of(lang).report;
    let title = title(report, words);
    let page = Page {
        lang: words::tag(lang),
        style: STYLE,
        tone: tone(report),
        title: &title,
        texts: texts(report, words),
        problem: report.problem.as_deref(),
        again: (!report.is_settled()).then_some(words.again),
        figures: figures(report, words),
        lists: [
            (words.failed, &report.failed),
            (words.waiting, &report.waiting),
            (words.succeeded, &report.succeeded),
        ]
        .into_iter()
        .filter(|(_, entries)| !entries.is_empty())
        .map(|(title, entries)| list(title, entries, words))
        .collect(),
    };
    respond(&page, StatusCode::OK, &title, lang)
}

/// Some failed ones among many that work are no disaster.
fn tone(report: &Report) -> &'static str {
    match (report.failed.is_empty(), report.succeeded.is_empty()) {
        (true, _) => "good",
        (false, false) => "mixed",
        (false, true) => "bad",
    }
}

fn title(report: &Report, words: &ReportWords) -> String {
    let n_all = report.succeeded.len() + report.failed.len() + report.waiting.len();
    if n_all == 0 {
        return words.title_empty.to_owned();
    }
    if report.succeeded.len() == n_all && !report.is_reading {
        return words.title_all.to_owned();
    }
    (words.title_some)(report.succeeded.len(), n_all)
}

/// What is true of the report, and nothing else.
fn texts<'a>(report: &Report, words: &'a ReportWords) -> Vec<&'a str> {
    let is_tried_again = |entry: &Entry| entry.next_ms.is_some();
    let is_empty =
        report.succeeded.is_empty() && report.failed.is_empty() && report.waiting.is_empty();
    [
        (is_empty && !report.is_reading, words.none),
        (report.is_reading, words.reading),
        (!report.waiting.is_empty(), words.working),
        (report.failed.iter().any(is_tried_again), words.retried),
        (
            report.failed.iter().any(|entry| !is_tried_again(entry)),
            words.given_up,
        ),
        (!report.succeeded.is_empty(), words.done),
    ]
    .into_iter()
    .filter_map(|(is_true, text)| is_true.then_some(text))
    .collect()
}

fn figures<'a>(report: &Report, words: &'a ReportWords) -> Vec<(&'a str, String)> {
    let mut figures = vec![
        (words.succeeded, report.succeeded.len().to_string()),
        (words.failed, report.failed.len().to_string()),
    ];
    if !report.waiting.is_empty() {
        figures.push((words.waiting, report.waiting.len().to_string()));
    }
    figures.extend(report.rate().map(|rate| (words.rate, format!("{rate} %"))));
    figures
}

fn list<'a>(title: &'a str, entries: &'a [Entry], words: &ReportWords) -> List<'a> {
    let n_rest = entries.len().saturating_sub(MOST_SHOWN);
    List {
        title,
        entries: entries
            .iter()
            .take(MOST_SHOWN)
            .map(|entry| Item {
                name: entry.name.as_deref().unwrap_or(entry.location.as_str()),
                id: entry.location.as_str(),
                address: entry.address.as_deref(),
                reason: entry.problem.as_ref().map(|it| reason(it, words)),
            })
            .collect(),
        rest: (n_rest > 0).then(|| (words.rest)(n_rest)),
    }
}

fn reason(problem: &MemberProblem, words: &ReportWords) -> String {
    match problem {
        MemberProblem::Paused => words.paused.to_owned(),
        MemberProblem::NoAnswer => words.no_answer.to_owned(),
        MemberProblem::NoAgencyToken => words.no_agency_token.to_owned(),
        MemberProblem::Refused { said } => format!("{} {said}", words.refused),
    }
}
