//! The pages' texts.

use greenhub::domain::text::Lang;

/// One page.
pub(crate) struct Words {
    pub(crate) title: &'static str,
    pub(crate) text: &'static str,
}

/// All pages.
pub(crate) struct Catalogue {
    pub(crate) installed: Words,
    pub(crate) no_code: Words,
    pub(crate) refused: Words,
    pub(crate) no_location: Words,
    pub(crate) no_company: Words,
    pub(crate) provider_down: Words,
    pub(crate) our_fault: Words,
    pub(crate) report: ReportWords,
}

/// The page about an agency's sub-accounts.
pub(crate) struct ReportWords {
    /// Nothing is known of any yet.
    pub(crate) title_empty: &'static str,
    /// All of them work.
    pub(crate) title_all: &'static str,
    /// So many work, of so many.
    pub(crate) title_some: fn(usize, usize) -> String,
    /// What to do with one that works.
    pub(crate) done: &'static str,
    /// There are none.
    pub(crate) none: &'static str,
    /// Some wait for their turn.
    pub(crate) working: &'static str,
    /// The list is not complete.
    pub(crate) reading: &'static str,
    /// Some failed and are tried again.
    pub(crate) retried: &'static str,
    /// Some failed for good.
    pub(crate) given_up: &'static str,
    /// Leads to the page as it is then.
    pub(crate) again: &'static str,
    pub(crate) succeeded: &'static str,
    pub(crate) failed: &'static str,
    pub(crate) waiting: &'static str,
    pub(crate) rate: &'static str,
    /// So many are not shown.
    pub(crate) rest: fn(usize) -> String,
    pub(crate) paused: &'static str,
    pub(crate) no_answer: &'static str,
    pub(crate) no_agency_token: &'static str,
    /// What GoHighLevel said follows.
    pub(crate) refused: &'static str,
}

/// The texts in a language.
pub(crate) fn of(lang: Lang) -> &'static Catalogue {
    match lang {
        Lang::En => &EN,
        Lang::Ru => &RU,
    }
}

/// The language for `lang="…"`.
pub(crate) fn tag(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "en",
        Lang::Ru => "ru",
    }
}

const EN: Catalogue = Catalogue {
    installed: Words {
        title: "WhatsApp is connected to your sub-account",
        text: "Open the app in the left menu of GoHighLevel and add your first number there. You can close this tab.",
    },
    no_code: Words {
        title: "There is nothing to complete here",
        text: "This page ends an installation, and its address has no code of one. Install the app from the GoHighLevel marketplace.",
    },
    refused: Words {
        title: "GoHighLevel did not accept the installation",
        text: "A code works once and for a few minutes. If the app is already in the left menu of GoHighLevel, all is well. Otherwise start the installation again.",
    },
    no_location: Words {
        title: "The location id is missing",
        text: "GoHighLevel accepted the installation but did not say for which sub-account, so nothing was stored. Remove the app from the sub-account and install it again.",
    },
    no_company: Words {
        title: "The agency's id is missing",
        text: "GoHighLevel accepted the installation but did not say for which agency, so nothing was stored. Remove the app from the agency and install it again.",
    },
    provider_down: Words {
        title: "GoHighLevel does not answer",
        text: "The installation could not be completed, and nothing was stored. Wait a few minutes, then start the installation again.",
    },
    our_fault: Words {
        title: "The installation could not be stored",
        text: "Something went wrong on our side. Wait a few minutes, then remove the app and install it again.",
    },
    report: ReportWords {
        title_empty: "The app is installed for your agency",
        title_all: "WhatsApp is connected to all your sub-accounts",
        title_some: |n, of| format!("{n} of {of} sub-accounts are connected to WhatsApp"),
        done: "Open the app in the left menu of a sub-account and add its first number there. Sub-accounts that get the app later are connected by themselves.",
        none: "No sub-account has the app yet. Those that get it are connected by themselves.",
        working: "More sub-accounts are being connected. That goes on in the background, and you can close this tab.",
        reading: "GoHighLevel has not told all sub-accounts yet. They are asked for in the background, and the lists here may grow.",
        retried: "Failed sub-accounts are tried again in the background.",
        given_up: "Some failed too often and are not tried again. Install the app again to have them tried.",
        again: "Show how far it is now",
        succeeded: "Connected",
        failed: "Failed",
        waiting: "Waiting",
        rate: "Success rate",
        rest: |n| format!("and {n} more"),
        paused: "The sub-account is paused in GoHighLevel.",
        no_answer: "GoHighLevel did not answer.",
        no_agency_token: "The agency has to install the app again.",
        refused: "GoHighLevel refused:",
    },
};

const RU: Catalogue = Catalogue {
    installed: Words {
        title: "WhatsApp подключён к вашему субаккаунту",
        text: "Откройте приложение в левом меню GoHighLevel и добавьте там первый номер. Эту вкладку можно закрыть.",
    },
    no_code: Words {
        title: "Здесь нечего завершать",
        text: "Эта страница завершает установку, но в её адресе нет кода. Установите приложение из маркетплейса GoHighLevel.",
    },
    refused: Words {
        title: "GoHighLevel не принял установку",
        text: "Код действует один раз и несколько минут. Если приложение уже есть в левом меню GoHighLevel, всё в порядке. Если нет, начните установку заново.",
    },
    no_location: Words {
        title: "Нет идентификатора субаккаунта (location id)",
        text: "GoHighLevel принял установку, но не сообщил, для какого субаккаунта, поэтому ничего не сохранено. Удалите приложение из субаккаунта и установите его заново.",
    },
    no_company: Words {
        title: "Нет идентификатора агентства",
        text: "GoHighLevel принял установку, но не сообщил, для какого агентства, поэтому ничего не сохранено. Удалите приложение из агентства и установите его заново.",
    },
    provider_down: Words {
        title: "GoHighLevel не отвечает",
        text: "Завершить установку не удалось, ничего не сохранено. Подождите несколько минут и начните установку заново.",
    },
    our_fault: Words {
        title: "Не удалось сохранить установку",
        text: "Произошла ошибка на нашей стороне. Подождите несколько минут, удалите приложение и установите его заново.",
    },
    report: ReportWords {
        title_empty: "Приложение установлено для вашего агентства",
        title_all: "WhatsApp подключён ко всем вашим субаккаунтам",
        title_some: |n, of| format!("К WhatsApp подключено субаккаунтов: {n} из {of}"),
        done: "Откройте приложение в левом меню субаккаунта и добавьте там его первый номер. Субаккаунты, которые получат приложение позже, подключатся сами.",
        none: "Ни в одном субаккаунте пока нет приложения. Те, что его получат, подключатся сами.",
        working: "Остальные субаккаунты подключаются. Это продолжается в фоновом режиме, вкладку можно закрыть.",
        reading: "GoHighLevel сообщил ещё не обо всех субаккаунтах. Мы запрашиваем их в фоновом режиме, и списки здесь могут вырасти.",
        retried: "Попытки для неудавшихся субаккаунтов повторяются в фоновом режиме.",
        given_up: "Часть субаккаунтов не удалось подключить слишком много раз, и попытки прекращены. Установите приложение заново, чтобы повторить их.",
        again: "Показать текущее состояние",
        succeeded: "Подключено",
        failed: "Не удалось",
        waiting: "В очереди",
        rate: "Доля успешных",
        rest: |n| format!("и ещё {n}"),
        paused: "Субаккаунт приостановлен в GoHighLevel.",
        no_answer: "GoHighLevel не ответил.",
        no_agency_token: "Агентство должно установить приложение заново.",
        refused: "GoHighLevel отказал:",
    },
};
