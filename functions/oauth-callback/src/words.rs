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
    pub(crate) agency: Words,
    pub(crate) no_location: Words,
    pub(crate) provider_down: Words,
    pub(crate) our_fault: Words,
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
    agency: Words {
        title: "The app was installed for an agency",
        text: "GoHighLevel's answer is for a whole agency: the location id is missing in it. This version can only be installed in single sub-accounts. Switch to the sub-account and install the app there as one of its users. Nothing was stored.",
    },
    no_location: Words {
        title: "The location id is missing",
        text: "GoHighLevel accepted the installation but did not say for which sub-account, so nothing was stored. Remove the app from the sub-account and install it again.",
    },
    provider_down: Words {
        title: "GoHighLevel does not answer",
        text: "The installation could not be completed, and nothing was stored. Wait a few minutes, then start the installation again.",
    },
    our_fault: Words {
        title: "The installation could not be stored",
        text: "Something went wrong on our side. Wait a few minutes, then remove the app from the sub-account and install it again.",
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
    agency: Words {
        title: "Приложение установлено для агентства",
        text: "Ответ GoHighLevel относится ко всему агентству: в нём нет идентификатора субаккаунта (location id). Эту версию можно установить только в отдельный субаккаунт. Перейдите в субаккаунт и установите приложение от имени его пользователя. Ничего не сохранено.",
    },
    no_location: Words {
        title: "Нет идентификатора субаккаунта (location id)",
        text: "GoHighLevel принял установку, но не сообщил, для какого субаккаунта, поэтому ничего не сохранено. Удалите приложение из субаккаунта и установите его заново.",
    },
    provider_down: Words {
        title: "GoHighLevel не отвечает",
        text: "Завершить установку не удалось, ничего не сохранено. Подождите несколько минут и начните установку заново.",
    },
    our_fault: Words {
        title: "Не удалось сохранить установку",
        text: "Произошла ошибка на нашей стороне. Подождите несколько минут, удалите приложение из субаккаунта и установите его заново.",
    },
};
