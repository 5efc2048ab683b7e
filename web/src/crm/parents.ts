import { answerOf, open, type Schemas } from "../api/client.ts";

let known: Promise<Schemas["PageConfig"]> | undefined;

/** Who may show this page in a frame, and where the app is installed. Fetched once. */
export function pageConfig(): Promise<Schemas["PageConfig"]> {
  known ??= answerOf(open.GET("/api/page-config")).catch((error: unknown) => {
    known = undefined;
    throw error;
  });
  return known;
}

/**
 * Whether messages from `origin` are listened to. The same list is in the policy of the page
 * (`frame-ancestors`), so that nobody else can show it to begin with; a message says who sent it all
 * the same.
 */
export function isAllowed(origin: string, parents: readonly string[]): boolean {
  return parents.includes(origin);
}
