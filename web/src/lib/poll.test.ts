import { expect, test } from "vitest";
import { pause } from "./poll.ts";

const PACE = { quickMs: 1, calmMs: 10, idleMs: 30 };

test("a poll slows down while nothing happens, and backs off while it fails", () => {
  const check = (quick: boolean, same: number, failed: number, expected: number): void =>
    expect(pause(PACE, quick, same, failed)).toBe(expected);
  check(false, 0, 0, 10);
  check(true, 0, 0, 1);
  check(true, 100, 0, 1);
  check(false, 11, 0, 10);
  check(false, 12, 0, 30);
  check(true, 0, 1, 2_000);
  check(true, 0, 3, 8_000);
  check(false, 0, 50, 60_000);
});
