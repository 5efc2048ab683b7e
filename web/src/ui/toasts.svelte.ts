import type { Failure } from "../api/failure.ts";

/** What became of something that the person did and is no longer looking at. */
export type Toast =
  | { id: number; kind: "done"; text: string }
  /** Stays until it is put away: nobody is to miss it by looking elsewhere. */
  | { id: number; kind: "failed"; failure: Failure };

class Toasts {
  list = $state.raw<readonly Toast[]>([]);
  #next = 0;

  done(text: string): void {
    this.list = [...this.list, { id: this.#next++, kind: "done", text }];
  }

  failed(failure: Failure): void {
    this.list = [...this.list, { id: this.#next++, kind: "failed", failure }];
  }

  dismiss(id: number): void {
    this.list = this.list.filter((toast) => toast.id !== id);
  }
}

export const toasts = new Toasts();
