import createClient, { type Client } from "openapi-fetch";
import { CallFailed, failureOf, refusalIn } from "./failure.ts";
import type { components, paths } from "./schema.d.ts";

export type Schemas = components["schemas"];
export type Instance = Schemas["Instance"];
export type Workspace = Schemas["Workspace"];
export type TestMessage = Schemas["TestMessage"];
export type RoutingRule = Schemas["Routing"]["order"][number];

/** A function waits 29 seconds at most; nothing comes after that. */
const TIMEOUT_MS = 30_000;

/** Who is let in. */
export interface Bearer {
  /** A token that is good now. */
  token(): Promise<string>;
  /** Another one, after this one was refused. */
  insteadOf(refused: string): Promise<string>;
}

/** How far the server's clock is before ours, from its last answer. */
let aheadMs = 0;

/** The server's time, to a second. */
export function serverNow(): number {
  return Date.now() + aheadMs;
}

/** One call, in time. A clock of ours that is wrong does not matter afterwards. */
async function timely(request: Request): Promise<Response> {
  const limit = AbortSignal.timeout(TIMEOUT_MS);
  const answer = await fetch(request, { signal: AbortSignal.any([request.signal, limit]) });
  const date = Date.parse(answer.headers.get("date") ?? "");
  if (!Number.isNaN(date)) aheadMs = date - Date.now();
  return answer;
}

async function accepted(answer: Response): Promise<Response> {
  if (answer.ok) return answer;
  throw new CallFailed(await refusalIn(answer));
}

/** A client whose calls carry a bearer. A refused one was not carried out, so it is repeated. */
export function clientFor(bearer: Bearer): Client<paths> {
  const call = async (request: Request): Promise<Response> => {
    const again = request.clone();
    const token = await bearer.token();
    request.headers.set("authorization", `Bearer ${token}`);
    const answer = await timely(request);
    if (answer.status !== 401) return accepted(answer);
    again.headers.set("authorization", `Bearer ${await bearer.insteadOf(token)}`);
    return accepted(await timely(again));
  };
  return createClient<paths>({ baseUrl: location.origin, fetch: call });
}

/** A client for open routes. */
export const open = createClient<paths>({
  baseUrl: location.origin,
  fetch: async (request) => accepted(await timely(request)),
});

/** The answer of a client's call, or {@link CallFailed}. */
export async function answerOf<T>(call: Promise<{ data?: T }>): Promise<T> {
  try {
    return (await call).data as T;
  } catch (error) {
    throw new CallFailed(failureOf(error));
  }
}
