import { answerOf, type Instance, type Schemas, serverNow } from "../api/client.ts";
import { type Failure, failureOf } from "../api/failure.ts";
import type { Session } from "../crm/session.svelte.ts";
import { type Finding, Poll } from "../lib/poll.ts";

/** A code is shown for so long before somebody has to ask for another. */
export const PATIENCE_MS = 3 * 60_000;

/** What linking a phone has come to. */
export type Linking =
  | { at: "preparing" }
  /** `until` is in milliseconds of the server's time. */
  | { at: "code"; image: string; until: number; renewals: number }
  | { at: "wait"; reason: string }
  /** A phone was linked before anything was shown here. */
  | { at: "already"; phone: string | null }
  | { at: "linked"; phone: string | null }
  | { at: "timed-out" };

/** The codes of one number, followed until a phone is linked, or nobody has scanned one in time. */
export class CodeWatch {
  state = $state.raw<Linking>({ at: "preparing" });
  /** Why the last question has no answer; asking goes on. */
  failure = $state.raw<Failure | null>(null);
  /** The time, for a countdown. */
  nowMs = $state(serverNow());

  readonly #session: Session;
  readonly #number: string;
  readonly #onlinked: () => void;
  #poll: Poll;
  #clock: ReturnType<typeof setInterval> | undefined;
  #began = Date.now();
  /** Something was shown that a phone can have scanned. */
  #offered = false;

  constructor(session: Session, number: Instance, onlinked: () => void) {
    this.#session = session;
    this.#number = number.id;
    this.#onlinked = onlinked;
    this.#poll = this.#newPoll();
  }

  start(): void {
    this.#began = Date.now();
    this.#offered = false;
    this.failure = null;
    this.state = { at: "preparing" };
    this.#poll.stop();
    this.#poll = this.#newPoll();
    this.#poll.start();
    clearInterval(this.#clock);
    this.#clock = setInterval(() => (this.nowMs = serverNow()), 250);
  }

  stop(): void {
    this.#poll.stop();
    clearInterval(this.#clock);
  }

  /** A code to be typed was shown: from now on a linked phone is this person's doing. */
  offered(): void {
    this.#offered = true;
    this.#began = Date.now();
  }

  /** Seconds that the code is good for. */
  get secondsLeft(): number {
    if (this.state.at !== "code") return 0;
    return Math.max(0, Math.ceil((this.state.until - this.nowMs) / 1000));
  }

  #newPoll(): Poll {
    // The server asks GREEN-API once per two seconds, however many people look.
    const pace = { quickMs: 2_000, calmMs: 2_000, idleMs: 2_000 };
    return new Poll(() => this.#ask(), pace);
  }

  async #ask(): Promise<Finding> {
    if (Date.now() - this.#began > PATIENCE_MS) {
      this.stop();
      this.state = { at: "timed-out" };
      return "same";
    }
    try {
      const params = { path: { id: this.#number } };
      this.#take(await answerOf(this.#session.api.GET("/api/instances/{id}/qr", { params })));
      this.failure = null;
      return "changed";
    } catch (error) {
      this.failure = failureOf(error);
      return "failed";
    }
  }

  #take(answer: Schemas["Qr"]): void {
    switch (answer.status) {
      case "code":
        this.#offered = true;
        this.#show(answer.image, Date.parse(answer.expiresAt));
        break;
      case "wait":
        // What was shown stays until there is something new: a code may be about to be renewed.
        if (this.state.at !== "code") this.state = { at: "wait", reason: answer.reason };
        break;
      case "linked":
        this.stop();
        this.state = { at: this.#offered ? "linked" : "already", phone: answer.phone ?? null };
        if (this.#offered) this.#onlinked();
        break;
    }
  }

  #show(image: string, until: number): void {
    // A picture and nothing else, whatever the provider says.
    if (!image.startsWith("data:image/png;base64,")) return;
    const { state } = this;
    if (state.at !== "code") this.state = { at: "code", image, until, renewals: 0 };
    else if (state.image !== image) {
      this.state = { at: "code", image, until, renewals: state.renewals + 1 };
    }
  }
}
