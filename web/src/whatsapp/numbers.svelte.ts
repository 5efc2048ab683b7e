import { answerOf, type Instance, type Workspace } from "../api/client.ts";
import { type Failure, failureOf } from "../api/failure.ts";
import type { Session } from "../crm/session.svelte.ts";
import { type Finding, type Pace, Poll } from "../lib/poll.ts";

const PACE: Pace = { quickMs: 4_000, calmMs: 10_000, idleMs: 30_000 };
/** The installation is looked at with every so many polls. */
const SESSION_EVERY = 6;
/** What happens on the numbers is asked for with every so many polls: it costs more than the rest. */
const ACTIVITY_EVERY = 3;

/** The numbers of a workspace, and what is set for all of them; kept fresh while it is looked at. */
export class Numbers {
  /** Newest first; null before the first answer. */
  list = $state.raw<readonly Instance[] | null>(null);
  workspace = $state.raw<Workspace | null>(null);
  /** Why the last refresh failed. What was there before stays. */
  failure = $state.raw<Failure | null>(null);

  readonly #session: Session;
  readonly #poll: Poll;
  /** Grows with what is changed here: an older answer must not undo it. */
  #changes = 0;
  #polls = 0;

  constructor(session: Session) {
    this.#session = session;
    this.#poll = new Poll(() => this.#load(), PACE, () => this.#unsettled);
  }

  start(): void {
    this.#poll.start();
  }

  stop(): void {
    this.#poll.stop();
  }

  refresh(): Promise<void> {
    return this.#poll.now();
  }

  /** A number as an answer has just told it. */
  put(instance: Instance): void {
    this.#changes += 1;
    const others = this.list ?? [];
    const known = others.some((other) => other.id === instance.id);
    const told = this.#withKnownActivity(instance);
    this.list = known
      ? others.map((other) => (other.id === instance.id ? told : other))
      : [told, ...others];
    void this.refresh();
  }

  drop(id: string): void {
    this.#changes += 1;
    this.list = (this.list ?? []).filter((other) => other.id !== id);
    void this.refresh();
  }

  putWorkspace(workspace: Workspace): void {
    this.#changes += 1;
    this.workspace = workspace;
    void this.refresh();
  }

  /** Conversations that wait for the CRM. */
  get waitingForCrm(): number {
    return (this.list ?? []).reduce((sum, number) => sum + (number.activity?.waiting.crm ?? 0), 0);
  }

  get #unsettled(): boolean {
    return (this.list ?? []).some((number) => number.state === "starting" || !number.configured);
  }

  /** An answer without what happens on the number says nothing about it. */
  #withKnownActivity(instance: Instance): Instance {
    if (instance.activity) return instance;
    const before = this.list?.find((other) => other.id === instance.id)?.activity;
    return before ? { ...instance, activity: before } : instance;
  }

  async #load(): Promise<Finding> {
    const { api } = this.#session;
    const before = this.#changes;
    const lookAtSession = this.#polls % SESSION_EVERY === SESSION_EVERY - 1;
    const query = { activity: this.#polls % ACTIVITY_EVERY === 0 };
    this.#polls += 1;
    try {
      const [{ instances }, workspace] = await Promise.all([
        answerOf(api.GET("/api/instances", { params: { query } })),
        this.workspace ?? answerOf(api.GET("/api/workspace")),
        lookAtSession ? this.#session.look() : undefined,
      ]);
      this.failure = null;
      if (before !== this.#changes) return "changed";
      const told = instances.map((instance) => this.#withKnownActivity(instance));
      const same = JSON.stringify(told) === JSON.stringify(this.list);
      if (!same) this.list = told;
      this.workspace = workspace;
      return same ? "same" : "changed";
    } catch (error) {
      this.failure = failureOf(error);
      return "failed";
    }
  }
}
