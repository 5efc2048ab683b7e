import { expect, test } from "vitest";
import { number } from "../../tests/support/mock.ts";
import { en } from "../text/en.ts";
import { conditionOf } from "./condition.ts";

test("a number's condition is in words, whatever its provider calls it", () => {
  const check = (members: Parameters<typeof number>[0], expected: object): void =>
    expect(conditionOf(number(members), en)).toMatchObject(expected);
  check({ state: "authorized" }, { tone: "good", name: "Connected", todo: "", wantsLink: false });
  check({ state: "notAuthorized" }, { tone: "warn", name: "Needs linking", wantsLink: true });
  check({ state: "toString" }, { tone: "plain", todo: "GREEN-API reports: toString", wantsLink: false });
  const pause = { reason: "quota", text: "", since: "2026-11-20T10:00:00.000Z" };
  check({ state: "notAuthorized", pause }, { tone: "bad", name: "Quota used up", since: pause.since, wantsLink: false });
  check({ pause: { ...pause, reason: "made_later", text: "Their words" } }, { name: "made_later", todo: "Their words" });
});
