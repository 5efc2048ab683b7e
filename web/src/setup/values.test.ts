import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { isPublic, SCOPES, valuesOf } from "./values.ts";

const source = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");

test("the portal is told every scope that the functions ask for, and in the guide as well", () => {
  const list = /pub const SCOPES[^[]*\[&str; \d+\] = \[([^\]]*)\]/.exec(source("shared/src/ghl/oauth.rs"));
  const asked = [...(list?.[1] ?? "").matchAll(/"([^"]+)"/g)].map(([, scope]) => scope);
  expect(SCOPES).toEqual(asked);
  const guide = source("docs/marketplace.md");
  for (const scope of SCOPES) expect(guide).toContain(`\`${scope}\``);
});

test("each address is a route of ours", () => {
  const values = valuesOf("https://wa.example");
  const document = JSON.parse(source("web/openapi.json")) as { paths: Record<string, object> };
  const { redirect, webhook, delivery, deliverySms, action, page } = values;
  for (const address of [redirect, webhook, delivery, deliverySms, action]) {
    expect(address.startsWith("https://wa.example/")).toBe(true);
    expect(Object.keys(document.paths)).toContain(new URL(address).pathname);
  }
  expect(page).toBe("https://wa.example/app/whatsapp");
});

test("the guide names the headers of actions as they are copied", () => {
  const { headerSecret, headerLocation, headerPhone } = valuesOf("https://wa.example");
  const guide = source("docs/workflow-actions.md");
  for (const value of [headerSecret, headerLocation, headerPhone]) expect(guide).toContain(`\`${value}\``);
});

test("what the portal refuses is noticed", () => {
  const check = (origin: string, expected: boolean): void => expect(isPublic(origin)).toBe(expected);
  check("https://wa.example", true);
  check("https://d111.cloudfront.net", true);
  check("http://wa.example", false);
  check("http://localhost:3000", false);
  check("https://localhost", false);
});
