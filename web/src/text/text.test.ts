import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { explain } from "../api/explain.ts";
import type { Failure } from "../api/failure.ts";
import { en as enSetup } from "../setup/text/en.ts";
import { es as esSetup } from "../setup/text/es.ts";
import { pt as ptSetup } from "../setup/text/pt.ts";
import { ru as ruSetup } from "../setup/text/ru.ts";
import { en as enLater } from "../whatsapp/text/en.ts";
import { es as esLater } from "../whatsapp/text/es.ts";
import { pt as ptLater } from "../whatsapp/text/pt.ts";
import { ru as ruLater } from "../whatsapp/text/ru.ts";
import { en } from "./en.ts";
import { es } from "./es.ts";
import { preferred } from "./index.svelte.ts";
import { plural } from "./plural.ts";
import { pt } from "./pt.ts";
import { ru } from "./ru.ts";

/** With the texts that one page has, or that are fetched later. */
const EVERYTHING = {
  en: { ...en, later: enLater, setup: enSetup },
  ru: { ...ru, later: ruLater, setup: ruSetup },
  es: { ...es, later: esLater, setup: esSetup },
  pt: { ...pt, later: ptLater, setup: ptSetup },
};

/** Every text of a catalogue; those with parts get parts that are easily found again. */
function texts(catalogue: object, path = ""): [path: string, text: string][] {
  return Object.entries(catalogue).flatMap(([key, value]: [string, unknown]) => {
    const here = `${path}.${key}`;
    if (typeof value === "string") return [[here, value] as [string, string]];
    if (typeof value === "function") {
      const text: unknown = value(5, 5);
      return [[here, String(text)] as [string, string]];
    }
    return texts(value as object, here);
  });
}

test("no text is empty but where nothing has to be done, and none is left in English", () => {
  const english = new Map(texts(EVERYTHING.en));
  for (const [language, catalogue] of Object.entries(EVERYTHING)) {
    for (const [path, text] of texts(catalogue)) {
      if (path !== ".states.authorized.todo") expect(text, `${language}${path}`).not.toBe("");
      const isWords = (text.match(/\p{L}{3,}/gu) ?? []).length > 2;
      if (language !== "en" && isWords) expect(text, `${language}${path}`).not.toBe(english.get(path));
    }
  }
});

test("the CRM's own name is never said", () => {
  for (const [language, catalogue] of Object.entries(EVERYTHING)) {
    for (const [path, text] of texts(catalogue)) {
      expect(text, `${language}${path}`).not.toMatch(/high\s*level|\bGHL\b|lead\s*connector/i);
    }
  }
});

test("a text shows everything that it is told", () => {
  for (const [language, { number, crm, later }] of Object.entries(EVERYTHING)) {
    const { add, link, remove } = later;
    for (const say of [number.instance, number.since, number.restarted, add.takeOver, link.title, remove.title, remove.type, crm.okText]) {
      expect(say("‹part›"), language).toContain("‹part›");
    }
  }
});

test("numbers take their forms", () => {
  const days = { one: "# день", few: "# дня", many: "# дней", other: "# дня" };
  const check = (count: number, expected: string): void => expect(plural("ru")(count, days)).toBe(expected);
  check(1, "1 день");
  check(2, "2 дня");
  check(5, "5 дней");
  check(21, "21 день");
  check(1.5, "1,5 дня");
  expect(plural("en")(1, { one: "# day", other: "# days" })).toBe("1 day");
  expect(plural("en")(12_345, { one: "# day", other: "# days" })).toBe("12,345 days");
});

test("the browser's first known language is spoken", () => {
  const check = (languages: string[], expected: string): void => expect(preferred(languages)).toBe(expected);
  check(["ru-RU", "en"], "ru");
  check(["de", "pt-BR", "en"], "pt");
  check(["de"], "en");
  check([], "en");
  check(["toString"], "en");
});

/** The addresses that the pages call, as the API's document writes them. */
function calledPaths(): Set<string> {
  const source = new URL("../", import.meta.url);
  const files = readdirSync(source, { recursive: true, encoding: "utf8" });
  const ours = files.filter((file) => /\.(ts|svelte)$/.test(file) && !/schema\.d\.ts$|\.test\.ts$/.test(file));
  const texts = ours.map((file) => readFileSync(new URL(file, source), "utf8"));
  return new Set(texts.flatMap((text) => [...text.matchAll(/"(\/api\/[^"]+)"/g)].map(([, path = ""]) => path)));
}

test("every code that the API documents for what the pages call has its words", () => {
  const document = JSON.parse(readFileSync(new URL("../../openapi.json", import.meta.url), "utf8")) as {
    paths: Record<string, Record<string, { responses?: Record<string, { description?: string }> }>>;
  };
  const called = calledPaths();
  const codes = new Set<string>();
  for (const [path, item] of Object.entries(document.paths)) {
    if (!called.has(path)) continue;
    for (const operation of Object.values(item)) {
      for (const [status, { description = "" }] of Object.entries(operation.responses ?? {})) {
        if (Number(status) < 400) continue;
        // What stands in brackets is about a code: its members, and how to agree to it.
        for (const [, code = ""] of description.replace(/\([^)]*\)/g, "").matchAll(/`([a-z_]+)`/g)) codes.add(code);
      }
    }
  }
  expect(codes.size).toBeGreaterThan(0);
  const silent = [...codes].filter((code) => !Object.hasOwn(en.problems, code));
  expect(silent).toEqual([]);
});

test("a failure is explained, whatever it is", () => {
  const problem = (code: string, members = {}): Failure => ({
    kind: "problem",
    problem: { type: "", status: 400, code, title: "A title", ...members },
    reference: "r1",
  });
  const check = (failure: Failure, expected: object): void => expect(explain(failure, en)).toMatchObject(expected);
  check({ kind: "network" }, { what: en.network });
  check({ kind: "timeout" }, { what: en.timeout });
  check({ kind: "part" }, { what: en.part });
  check({ kind: "strange", status: 502, reference: "r1" }, { detail: "HTTP 502", reference: "r1" });
  check(problem("not_now", { detail: "Theirs" }), { what: en.problems.not_now, detail: "Theirs", reference: "r1" });
  check(problem("instance_unusable", { reason: "expired" }), { detail: en.pauses.expired.todo });
  check(problem("instance_unusable", { reason: "new" }), { detail: "" });
  // Words of ours in English help nobody who reads another language.
  check(problem("try_again", { detail: "Ours" }), { detail: "" });
  check(problem("too_many_requests", { retryAfter: 1 }), { what: "Too many requests. Try again in 1 second." });
  check(problem("not_made_yet"), { what: en.problemOther, detail: "A title (not_made_yet)" });
  check(problem("constructor"), { what: en.problemOther });
  check({ kind: "handshake", trouble: "stranger", origin: "https://x.example" }, { what: en.start.stranger("https://x.example") });
});
