import type { Texts } from "../text/en.ts";
import type { Failure } from "./failure.ts";

/** A failure in words. */
export interface Words {
  what: string;
  /** The provider's or the server's own words, if they say more. */
  detail: string;
  /** Leads to a line in the log. */
  reference: string;
}

/** What a refusal's `detail` adds is said by the provider, and in English. */
const WITH_DETAIL = new Set(["refused_by_provider", "not_now", "bad_settings"]);

export function explain(failure: Failure, t: Texts): Words {
  const plain = (what: string, reference = ""): Words => ({ what, detail: "", reference });
  switch (failure.kind) {
    case "network":
      return plain(t.network);
    case "timeout":
      return plain(t.timeout);
    case "part":
      return plain(t.part);
    case "handshake":
      return plain(handshakeWords(failure, t));
    case "strange":
      return { ...plain(t.problemOther, failure.reference), detail: `HTTP ${failure.status}` };
    case "problem": {
      const { code, title, detail, reason, retryAfter } = failure.problem;
      if (!isKnown(code, t)) {
        return { what: t.problemOther, detail: `${title} (${code})`, reference: failure.reference };
      }
      const wait = retryAfter === undefined ? "" : ` ${t.tooManyWait(retryAfter)}`;
      return {
        what: t.problems[code] + wait,
        detail: WITH_DETAIL.has(code) ? (detail ?? "") : pauseWords(reason, t),
        reference: failure.reference,
      };
    }
  }
}

/** What to do about a number that its provider stopped. */
function pauseWords(reason: string | undefined, t: Texts): string {
  const isOurs = reason !== undefined && Object.hasOwn(t.pauses, reason);
  return isOurs ? t.pauses[reason as keyof Texts["pauses"]].todo : "";
}

function isKnown(code: string, t: Texts): code is keyof Texts["problems"] {
  return Object.hasOwn(t.problems, code);
}

function handshakeWords(failure: Failure & { kind: "handshake" }, t: Texts): string {
  switch (failure.trouble) {
    case "alone":
      return t.start.alone;
    case "silent":
      return t.start.silent;
    case "stranger":
      return t.start.stranger(failure.origin);
    case "unreachable":
      return t.start.unreachable;
  }
}
