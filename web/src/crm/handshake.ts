import { pageConfig } from "./config.ts";

/** How long the surrounding page has for its answer (AC 30). */
export const ANSWER_MS = 10_000;
/** It may not listen yet when it is asked first. */
const ASK_AGAIN_MS = 2_000;

const ASK = { message: "REQUEST_USER_DATA" } as const;
const ANSWER = "REQUEST_USER_DATA_RESPONSE";

/** Why there is no user context. */
export type HandshakeTrouble =
  /** The page is not in a frame. */
  | "alone"
  /** The surrounding page did not answer in time. */
  | "silent"
  /** It answered, but nobody allowed it to. */
  | "stranger"
  /** The list of allowed origins cannot be had. */
  | "unreachable";

export class HandshakeError extends Error {
  readonly trouble: HandshakeTrouble;
  /** The origin of the stranger. */
  readonly origin: string;

  constructor(trouble: HandshakeTrouble, origin = "") {
    super(trouble);
    this.trouble = trouble;
    this.origin = origin;
  }
}

function isAnswer(data: unknown): data is { message: string; payload: string } {
  return (
    typeof data === "object" &&
    data !== null &&
    "message" in data &&
    data.message === ANSWER &&
    "payload" in data &&
    typeof data.payload === "string"
  );
}

/** Asks the surrounding page who is there. Gives the encrypted user context. */
export async function userContext(): Promise<string> {
  if (window.parent === window) throw new HandshakeError("alone");
  // The listener comes first: an answer may be as quick as the question.
  const answers = listen();
  const ask = (): void => window.parent.postMessage(ASK, "*");
  const again = setInterval(ask, ASK_AGAIN_MS);
  const limit = new Promise<"late">((end) => setTimeout(end, ANSWER_MS, "late"));
  ask();
  try {
    const parents = pageConfig().then(
      (config) => config.parentOrigins,
      () => Promise.reject(new HandshakeError("unreachable")),
    );
    const list = await Promise.race([parents, limit]);
    if (list === "late") throw new HandshakeError("unreachable");
    let stranger = "";
    for (;;) {
      const answer = await Promise.race([answers.next(), limit]);
      if (answer === "late") {
        throw stranger ? new HandshakeError("stranger", stranger) : new HandshakeError("silent");
      }
      if (list.includes(answer.origin)) return answer.payload;
      stranger = answer.origin;
    }
  } finally {
    clearInterval(again);
    answers.stop();
  }
}

interface Heard {
  origin: string;
  payload: string;
}

/** What the parent window says from now on, in order; what others say is dropped. */
function listen(): { next(): Promise<Heard>; stop(): void } {
  const heard: Heard[] = [];
  let wake: (() => void) | undefined;
  const hear = (event: MessageEvent<unknown>): void => {
    if (event.source !== window.parent || !isAnswer(event.data)) return;
    heard.push({ origin: event.origin, payload: event.data.payload });
    wake?.();
  };
  window.addEventListener("message", hear);
  return {
    async next() {
      for (;;) {
        const first = heard.shift();
        if (first) return first;
        await new Promise<void>((resolve) => (wake = resolve));
      }
    },
    stop() {
      window.removeEventListener("message", hear);
    },
  };
}
