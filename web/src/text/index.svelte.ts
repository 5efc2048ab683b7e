import { remember, remembered } from "../lib/storage.ts";
import type { Texts } from "./en.ts";
import type { Part } from "./part.svelte.ts";

/** The languages by their own names; each is fetched when it is wanted. */
export const LANGUAGES = {
  en: "English",
  ru: "Русский",
  es: "Español",
  pt: "Português",
} as const;
export type Language = keyof typeof LANGUAGES;

const CATALOGUES: Record<Language, () => Promise<Texts>> = {
  en: async () => (await import("./en.ts")).en,
  ru: async () => (await import("./ru.ts")).ru,
  es: async () => (await import("./es.ts")).es,
  pt: async () => (await import("./pt.ts")).pt,
};

function isLanguage(value: string | null | undefined): value is Language {
  return value != null && Object.hasOwn(LANGUAGES, value);
}

/** The first of the browser's languages that there is a catalogue for. */
export function preferred(languages: readonly string[]): Language {
  const found = languages.map((tag) => tag.toLowerCase().split("-")[0]).find(isLanguage);
  return found ?? "en";
}

class Spoken {
  language = $state<Language>("en");
  #texts = $state.raw<Texts | null>(null);
  readonly #parts = new Set<Part<object>>();

  /** The texts of the language. Nothing is shown before there are some. */
  get t(): Texts {
    if (!this.#texts) throw new Error("no language is spoken yet");
    return this.#texts;
  }

  async start(): Promise<void> {
    const kept = remembered("language");
    await this.#speak(isLanguage(kept) ? kept : preferred(navigator.languages));
  }

  async choose(language: Language): Promise<void> {
    await this.#speak(language);
    remember("language", language);
  }

  /** Fetches further texts in the language that is spoken; they change with it from then on. */
  async add(part: Part<object>): Promise<void> {
    if (this.#parts.has(part)) return;
    const { language } = this;
    (await part.fetch(language))();
    this.#parts.add(part);
    // Another one was chosen meanwhile.
    if (language !== this.language) await this.#speak(this.language);
  }

  /** Rejects when a catalogue cannot be had; then the language stays as it was. */
  async #speak(language: Language): Promise<void> {
    const parts = [...this.#parts].map((part) => part.fetch(language));
    const [texts, ...speaks] = await Promise.all([CATALOGUES[language](), ...parts]);
    this.#texts = texts;
    for (const speak of speaks) speak();
    this.language = language;
    document.documentElement.lang = language;
    document.title = texts.title;
  }
}

export const spoken = new Spoken();
