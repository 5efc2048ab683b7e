import type { Instance } from "../api/client.ts";
import type { Texts } from "../text/en.ts";

export type Tone = "good" | "warn" | "bad" | "busy" | "plain";

/** How a number is, for people. */
export interface Condition {
  tone: Tone;
  name: string;
  /** What can be done about it; empty if nothing has to be. */
  todo: string;
  /** RFC 3339 */
  since: string;
  /** Linking a phone would help. */
  wantsLink: boolean;
}

const TONES: Record<keyof Texts["states"], Tone> = {
  authorized: "good",
  notAuthorized: "warn",
  pendingCode: "warn",
  starting: "busy",
  yellowCard: "warn",
  blocked: "bad",
  suspended: "bad",
  sleepMode: "warn",
  unknown: "plain",
};

const WANT_LINK: readonly string[] = ["notAuthorized", "pendingCode", "blocked"];

function isKnown<T extends object>(word: string, of: T): word is string & keyof T {
  return Object.hasOwn(of, word);
}

/** What keeps a number from working comes before its state: the state is old then. */
export function conditionOf(number: Instance, t: Texts): Condition {
  const { pause, state, stateSince } = number;
  if (pause) {
    const words = isKnown(pause.reason, t.pauses)
      ? t.pauses[pause.reason]
      : { name: pause.reason, todo: pause.text };
    return { ...words, tone: "bad", since: pause.since, wantsLink: false };
  }
  const wantsLink = WANT_LINK.includes(state);
  if (isKnown(state, t.states)) {
    return { ...t.states[state], tone: TONES[state], since: stateSince, wantsLink };
  }
  // A state that GREEN-API made after this page was made.
  const other = { name: t.states.unknown.name, todo: t.stateOther(state) };
  return { ...other, tone: "plain", since: stateSince, wantsLink };
}
