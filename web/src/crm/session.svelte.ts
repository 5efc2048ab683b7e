import type { Client } from "openapi-fetch";
import { answerOf, type Bearer, clientFor, open, type Schemas } from "../api/client.ts";
import { CallFailed, type Failure, failureOf } from "../api/failure.ts";
import type { paths } from "../api/schema.d.ts";
import { HandshakeError, userContext } from "./handshake.ts";

/** Who is there, without the token. */
export type Person = Schemas["Session"];

/** What part of a session's time is used before the next one is asked for. */
const RENEW_AFTER = 0.8;
/** A session that is about to end is no longer given out. */
const LEAST_MS = 10_000;

/**
 * A session of ours for the user that the CRM's page names. Its token is in this object and
 * nowhere else: no storage, no cookie, no address.
 */
export class Session implements Bearer {
  /** Who is there; stays while a session is renewed. */
  person = $state.raw<Person | null>(null);
  /** Why there is no session, when one was wanted. */
  trouble = $state.raw<Failure | null>(null);
  /** A session is being asked for. */
  busy = $state(false);

  readonly api: Client<paths> = clientFor(this);

  #token = "";
  #endsAt = 0;
  #renewal: ReturnType<typeof setTimeout> | undefined;
  #running: Promise<string> | undefined;

  /** Asks for a session; what becomes of it is in the fields. */
  async start(): Promise<void> {
    await this.#renewed().catch(() => undefined);
  }

  async token(): Promise<string> {
    if (this.#token && Date.now() < this.#endsAt - LEAST_MS) return this.#token;
    return this.#renewed();
  }

  async insteadOf(refused: string): Promise<string> {
    // Somebody else may have renewed it meanwhile.
    if (this.#token && this.#token !== refused) return this.#token;
    this.#endsAt = 0;
    return this.#renewed();
  }

  /** What the server says about the person and the installation now. */
  async look(): Promise<void> {
    const seen = await answerOf(this.api.GET("/api/session"));
    this.person = seen;
  }

  /** Many calls may find out at once that the session is over; one handshake serves them all. */
  #renewed(): Promise<string> {
    this.#running ??= this.#exchange().finally(() => (this.#running = undefined));
    return this.#running;
  }

  async #exchange(): Promise<string> {
    this.busy = true;
    clearTimeout(this.#renewal);
    try {
      const encryptedData = await userContext();
      const made = await answerOf(open.POST("/api/session/ghl", { body: { encryptedData } }));
      const { token, ...person } = made;
      this.#token = token;
      this.#endsAt = Date.now() + made.expiresIn * 1000;
      this.person = person;
      this.trouble = null;
      this.#renewLater(made.expiresIn * 1000 * RENEW_AFTER);
      return token;
    } catch (error) {
      const failure = troubleOf(error);
      // A renewal ahead of time that fails is tried again while the old one is good.
      if (Date.now() < this.#endsAt - LEAST_MS) this.#renewLater(LEAST_MS);
      else {
        this.#token = "";
        this.trouble = failure;
      }
      throw new CallFailed(failure);
    } finally {
      this.busy = false;
    }
  }

  /** A page that nobody looks at lets its session end; the next call asks for another. */
  #renewLater(ms: number): void {
    this.#renewal = setTimeout(() => {
      if (!document.hidden) void this.#renewed().catch(() => undefined);
    }, ms);
  }
}

function troubleOf(error: unknown): Failure {
  if (error instanceof HandshakeError) {
    return { kind: "handshake", trouble: error.trouble, origin: error.origin };
  }
  return failureOf(error);
}
