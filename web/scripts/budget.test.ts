import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { type Chunk, languages, weight } from "./budget.ts";

const chunk = (fileName: string, imports: string[] = []): Chunk => ({
  name: fileName,
  fileName,
  isEntry: false,
  imports,
  code: fileName.repeat(50),
  facadeModuleId: null,
});
const bytes = (...names: string[]): number =>
  names.reduce((sum, name) => sum + gzipSync(name.repeat(50), { level: 9 }).length, 0);

test("what is fetched first is counted once", () => {
  const all = [chunk("entry.js", ["a.js", "b.js"]), chunk("a.js", ["b.js"]), chunk("b.js"), chunk("ru.js", ["b.js"]), chunk("later.js")];
  const chunks = new Map(all.map((part) => [part.fileName, part]));
  const check = (roots: string[], expected: number): void =>
    expect(weight(roots.flatMap((name) => chunks.get(name) ?? []), chunks)).toBe(expected);
  check(["entry.js"], bytes("entry.js", "a.js", "b.js"));
  check(["entry.js", "ru.js"], bytes("entry.js", "a.js", "b.js", "ru.js"));
});

test("a page's texts are found by their folders", () => {
  const at = (path: string): Chunk => ({ ...chunk(path), facadeModuleId: path });
  const paths = ["/w/src/text/en.ts", "/w/src/text/ru.ts", "/w/src/own/text/ru.ts", "/w/src/text/plural.ts", "/w/en.ts"];
  const found = (...texts: string[]): string[][] =>
    languages(paths.map(at), texts).map((parts) => parts.map(({ fileName }) => fileName));
  expect(found("src/text")).toEqual([["/w/src/text/en.ts"], ["/w/src/text/ru.ts"]]);
  expect(found("src/text", "src/own/text")).toEqual([["/w/src/text/en.ts"], ["/w/src/text/ru.ts", "/w/src/own/text/ru.ts"]]);
  expect(found("src/none")).toEqual([]);
});
