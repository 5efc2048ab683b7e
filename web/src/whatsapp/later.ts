import { Part } from "../text/part.svelte.ts";
import type { LaterTexts } from "./text/en.ts";

/** Fetched together with the dialogs. */
export const later = new Part<LaterTexts>({
  en: async () => (await import("./text/en.ts")).en,
  ru: async () => (await import("./text/ru.ts")).ru,
  es: async () => (await import("./text/es.ts")).es,
  pt: async () => (await import("./text/pt.ts")).pt,
});
