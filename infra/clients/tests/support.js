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

/** A sub-account that has the app, and the instance of a number that it has. */
export const location =
  process.env.LOCATION ?? accounts.ghl.locations.find((one) => one.installed && one.active).locationId;
export const instance =
  process.env.INSTANCE ?? accounts.greenApi.instances.find((one) => one.stateInstance === "authorized").idInstance;

/** What `look` gives, as soon as it gives something. */
export async function until(what, look) {
  const ends = Date.now() + 60_000;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > ends) throw new Error(`never came: ${what}`);
    await new Promise((go) => setTimeout(go, 200));
  }
}
