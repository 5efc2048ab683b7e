import { spoken } from "../text/index.svelte.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The time, moved on often enough for "5 minutes ago". */
class Now {
  ms = $state(Date.now());

  /** Runs until the page is left. */
  start(): void {
    setInterval(() => (this.ms = Date.now()), 20_000);
    document.addEventListener("visibilitychange", () => (this.ms = Date.now()));
  }
}

export const now = new Now();

/** "2 minutes ago"; dates that are further away than a week by their day. */
export function ago(when: string): string {
  const past = Math.max(0, now.ms - Date.parse(when));
  if (past > 7 * DAY) return day(when);
  const relative = new Intl.RelativeTimeFormat(spoken.language, { numeric: "auto" });
  if (past < MINUTE) return relative.format(0, "second");
  if (past < HOUR) return relative.format(-Math.floor(past / MINUTE), "minute");
  if (past < DAY) return relative.format(-Math.floor(past / HOUR), "hour");
  return relative.format(-Math.floor(past / DAY), "day");
}

/** "24 Nov 2026" */
export function day(when: string): string {
  return new Intl.DateTimeFormat(spoken.language, { dateStyle: "medium" }).format(new Date(when));
}

/** "24 Nov 2026, 14:05" */
export function dayAndTime(when: string): string {
  const format = new Intl.DateTimeFormat(spoken.language, { dateStyle: "medium", timeStyle: "short" });
  return format.format(new Date(when));
}
