import { answerOf, open, type Schemas } from "../api/client.ts";

let known: Promise<Schemas["PageConfig"]> | undefined;

/**
 * Whose messages are listened to, and where the app is installed. Fetched once.
 *
 * The same origins are in the page's policy (`frame-ancestors`), so that nobody else can show it to
 * begin with; a message says who sent it all the same.
 */
export function pageConfig(): Promise<Schemas["PageConfig"]> {
  known ??= fetched().catch((error: unknown) => {
    known = undefined;
    throw error;
  });
  return known;
}

async function fetched(): Promise<Schemas["PageConfig"]> {
  const config = await answerOf(open.GET("/api/page-config"));
  // It becomes a link, and a link can be more than an address.
  const isAddress = /^https?:\/\//i.test(config.installUrl);
  return isAddress ? config : { ...config, installUrl: "" };
}
