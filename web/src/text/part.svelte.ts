import type { Language } from "./index.svelte.ts";

/** Texts that not every page needs, or not at once: `spoken.add` has them change with all others. */
export class Part<T extends object> {
  #texts = $state.raw<T | null>(null);
  readonly #catalogues: Record<Language, () => Promise<T>>;

  constructor(catalogues: Record<Language, () => Promise<T>>) {
    this.#catalogues = catalogues;
  }

  get t(): T {
    if (!this.#texts) throw new Error("these texts are not fetched yet");
    return this.#texts;
  }

  /** Fetches a language; it is spoken once what is returned is called. */
  async fetch(language: Language): Promise<() => T> {
    const texts = await this.#catalogues[language]();
    return () => (this.#texts = texts);
  }
}
