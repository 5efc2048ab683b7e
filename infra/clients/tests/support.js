/** A running Greenhub with its sandbox; `infra/local/tests/stories` starts one and says where. */
export const sandbox = process.env.SANDBOX_URL ?? "http://localhost:3100";

/** One call of the sandbox's control interface. */
export async function control(method, path, body) {
  const answer = await fetch(`${sandbox}/_sandbox${path}`, {
    method,
    headers: { "content-type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return JSON.parse(text);
}

/** Ids, keys and secrets of the sandbox's providers. */
export const accounts = await control("GET", "/accounts");

/** Where Greenhub is. */
export const app = accounts.appUrl.replace(/\/$/, "");

/** A sub-account that has the app. */
export const location =
  process.env.LOCATION ?? accounts.ghl.locations.find((one) => one.installed && one.active).locationId;
