/** What a poll found. */
export type Finding = "changed" | "same" | "failed";

export interface Pace {
  /** Between two polls while something may change any moment. */
  quickMs: number;
  /** Between two polls otherwise. */
  calmMs: number;
  /** After many polls that found nothing new. */
  idleMs: number;
}

/** Findings of "same" in a row after which nothing is expected. */
const CALM_POLLS = 12;
const RETRY_MS = 2_000;
const LONGEST_RETRY_MS = 60_000;

/** How long to wait after a poll. */
export function pause(pace: Pace, quick: boolean, same: number, failed: number): number {
  if (failed > 0) return Math.min(RETRY_MS * 2 ** (failed - 1), LONGEST_RETRY_MS);
  if (quick) return pace.quickMs;
  return same < CALM_POLLS ? pace.calmMs : pace.idleMs;
}

/**
 * Repeats something while the page is looked at and there is a network: nobody pays for a page in
 * the background. It slows down while nothing changes and while it fails, and is at once there when
 * the page is looked at again.
 */
export class Poll {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running = false;
  #stopped = true;
  #same = 0;
  #failed = 0;

  readonly #work: () => Promise<Finding>;
  readonly #pace: Pace;
  readonly #quick: () => boolean;

  constructor(work: () => Promise<Finding>, pace: Pace, quick: () => boolean = () => false) {
    this.#work = work;
    this.#pace = pace;
    this.#quick = quick;
  }

  start(): void {
    this.#stopped = false;
    document.addEventListener("visibilitychange", this.#look);
    window.addEventListener("online", this.#look);
    void this.now();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    document.removeEventListener("visibilitychange", this.#look);
    window.removeEventListener("online", this.#look);
  }

  /** Something was done here: the next news are expected soon. */
  async now(): Promise<void> {
    clearTimeout(this.#timer);
    this.#same = 0;
    await this.#run();
  }

  readonly #look = (): void => {
    if (document.hidden) clearTimeout(this.#timer);
    else void this.now();
  };

  async #run(): Promise<void> {
    if (this.#running || this.#stopped) return;
    this.#running = true;
    const finding = await this.#work();
    this.#running = false;
    this.#same = finding === "same" ? this.#same + 1 : 0;
    this.#failed = finding === "failed" ? this.#failed + 1 : 0;
    // It may have been stopped or hidden meanwhile; both begin it anew.
    if (this.#stopped || document.hidden) return;
    const wait = pause(this.#pace, this.#quick(), this.#same, this.#failed);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#run(), wait);
  }
}
