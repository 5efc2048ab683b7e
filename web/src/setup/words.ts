import { Part } from "../text/part.svelte.ts";
import type { SetupTexts } from "./text/en.ts";

/** The texts of this page alone; those of all pages are `spoken`'s. */
export const words = new Part<SetupTexts>({
  en: async () => (await import("./text/en.ts")).en,
  ru: async () => (await import("./text/ru.ts")).ru,
  es: async () => (await import("./text/es.ts")).es,
  pt: async () => (await import("./text/pt.ts")).pt,
});
