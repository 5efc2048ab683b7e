import { remember, remembered } from "./storage.ts";

export const THEMES = ["light", "dark", "system"] as const;
export type Theme = (typeof THEMES)[number];

function isTheme(value: string | null): value is Theme {
  return THEMES.some((theme) => theme === value);
}

class ThemeChoice {
  /** The CRM is light and gives no sign of anything else, so that is what the page begins with. */
  current = $state<Theme>("light");

  start(): void {
    const kept = remembered("theme");
    this.#apply(isTheme(kept) ? kept : "light");
  }

  choose(theme: Theme): void {
    remember("theme", theme);
    this.#apply(theme);
  }

  #apply(theme: Theme): void {
    this.current = theme;
    document.documentElement.dataset["theme"] = theme;
  }
}

export const theme = new ThemeChoice();
