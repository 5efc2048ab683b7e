import { expect, test } from "vitest";
import { number } from "../../tests/support/mock.ts";
import { changes, draftOf, secondsToMs } from "./settings.ts";

test("seconds are taken as people type them", () => {
  const check = (typed: string, expected: number | null): void => expect(secondsToMs(typed)).toBe(expected);
  check("0.5", 500);
  check("0,5", 500);
  check(" 1,25 ", 1250);
  check("86400", 86_400_000);
  check("0.4", null);
  check("86401", null);
  check("", null);
  check("-1", null);
  check("1e3", null);
  check("1.2.3", null);
});

test("only what differs is sent", () => {
  const sales = number({ name: "Sales" });
  const check = (members: Partial<ReturnType<typeof draftOf>>, expected: object): void =>
    expect(changes(sales, { ...draftOf(sales), ...members })).toEqual(expected);
  check({}, { instance: null, isDefault: false });
  check({ name: " Sales " }, { instance: null, isDefault: false });
  check({ name: "Support" }, { instance: { name: "Support" }, isDefault: false });
  check({ delay: "0,50" }, { instance: null, isDefault: false });
  check(
    { markRead: false, delay: "2" },
    {
      instance: { settings: { markIncomingMessagesReadedOnReply: false, delaySendMessagesMilliseconds: 2000 } },
      isDefault: false,
    },
  );
  check({ isDefault: true }, { instance: null, isDefault: true });
});
