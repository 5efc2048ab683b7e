import { answerOf, open, type Schemas } from "../api/client.ts";

let known: Promise<Schemas["PageConfig"]> | undefined;

/**
 * Whose messages are listened to, and where the app is installed. Fetched once.
 *
 * The same origins are in the page's policy (`frame-ancestors`), so that nobody else can show it to
 * begin with; a message says who sent it all the same.
 */
export function pageConfig(): Promise<Schemas["PageConfig"]> {
  known ??= answerOf(open.GET("/api/page-config")).catch((error: unknown) => {
    known = undefined;
    throw error;
  });
  return known;
}
