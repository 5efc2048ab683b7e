import { mkdir } from "node:fs/promises";
import type { FrameLocator, Page } from "playwright-core";
import { afterAll, expect, test } from "vitest";
import { browser, closeBrowser } from "../support/browser.ts";

/** Where the system runs; infra/local/tests/page.rs starts one and says so. */
const sandbox = process.env["SANDBOX_URL"] ?? "http://localhost:3100";
const pictures = "screens/first-hour";
const PIXEL =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABh6FO1AAAAABJRU5ErkJggg==";
const CUSTOMER = "79001230077";

interface Account {
  idInstance: string | number;
  apiTokenInstance: string;
  stateInstance: string;
}
interface Accounts {
  appUrl: string;
  greenApi: { instances: Account[] };
  ghl: { clientId: string; locations: { locationId: string; name: string; installed: boolean }[] };
}
interface Shown {
  message: string;
  direction: string;
  status: string;
  altId?: string;
  attachments?: string[];
}

async function control<T>(method: string, path: string, body?: object): Promise<T> {
  const init = body && { headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const answer = await fetch(`${sandbox}/_sandbox${path}`, { method, ...init });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as T;
}

async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const ends = Date.now() + 60_000;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > ends) throw new Error(`never came: ${what}`);
    await new Promise((go) => setTimeout(go, 250));
  }
}

async function picture(page: Page, name: string): Promise<void> {
  await mkdir(pictures, { recursive: true });
  await page.screenshot({ path: `${pictures}/${name}.png` });
}

afterAll(closeBrowser);

/** An hour of somebody who has just found the app, in a sub-account that did not have it. */
test("install, add, link, try, talk, send files, run a workflow, lose the phone, find it, remove the app", async () => {
  const location = "Lo5firstHour00000001";
  await control("POST", "/ghl/locations", { locationId: location, name: "First Hour" });
  const before = await control<Accounts>("GET", "/accounts");
  const app = before.appUrl.replace(/\/$/, "");
  const instance = 7103000077;
  const made = await control<Account>("POST", "/green-api", { idInstance: instance, stateInstance: "notAuthorized" });

  const page = await (await browser()).newPage({ viewport: { width: 1280, height: 900 }, locale: "en" });
  const consent = new URL(`${sandbox}/oauth/chooselocation`);
  consent.searchParams.set("client_id", before.ghl.clientId);
  consent.searchParams.set("redirect_uri", `${app}/oauth/callback`);
  consent.searchParams.set("location_id", location);
  await page.goto(consent.href);
  await page.getByText("is connected").first().waitFor();
  await picture(page, "1-installed");

  const frame = await open(page, location);
  await frame.getByRole("button", { name: "Add number" }).first().click();
  await frame.getByLabel("Instance id").fill(String(instance));
  await frame.getByLabel("Token").fill(made.apiTokenInstance);
  await frame.getByLabel("Name").fill("Front desk");
  await frame.getByRole("dialog").getByRole("button", { name: "Add number" }).click();
  const linking = frame.getByRole("dialog", { name: "Link a phone: Front desk" });
  await linking.getByRole("img", { name: "Code to scan" }).waitFor();
  await picture(page, "2-code");
  await control("POST", `/green-api/${instance}/scan`, { phone: "79001230001" });
  await linking.getByText("Linked as +79001230001").waitFor();

  await linking.getByRole("button", { name: "Send a test message" }).click();
  const trial = frame.getByRole("dialog", { name: "Test message from Front desk" });
  await trial.getByLabel("To", { exact: true }).fill(`+${CUSTOMER}`);
  await trial.getByRole("button", { name: "Send" }).click();
  await trial.getByRole("listitem").filter({ hasText: "Delivered (done)" }).waitFor();
  await trial.getByText("In Conversations: shown").waitFor();
  await picture(page, "3-tried");
  await trial.getByRole("button", { name: "Done" }).click();

  const file = { name: "pixel", mime: "image/jpeg", base64: PIXEL };
  await control("POST", `/green-api/${instance}/incoming`, { from: CUSTOMER, name: "Uma", text: "see", file });
  const got = await shown(location, "the customer's picture", (one) => one.message.includes("see"));
  const address = got.attachments?.[0] ?? "";
  expect(address.startsWith(`${app}/f/`)).toBe(true);
  const image = await fetch(address);
  expect([image.status, image.headers.get("content-type")]).toEqual([200, "image/png"]);

  const [contact] = await control<{ contactId: string }[]>("GET", `/ghl/${location}/contacts`);
  const link = (await phone(instance)).find((one) => one.file)?.file?.url ?? "";
  await control("POST", "/ghl/reply", {
    locationId: location,
    contactId: contact?.contactId,
    message: "two for you",
    attachments: [link, link],
  });
  const files = await until("two files on the phone", async () => {
    const sent = (await phone(instance)).filter((one) => one.direction === "outgoing" && one.file);
    return sent.length === 2 ? sent : undefined;
  });
  expect(files.map(({ text }) => text)).toEqual(["two for you", ""]);
  await shown(location, "the answer, read", (one) => one.message === "two for you" && one.status === "read");

  const secret = await workflowSecret(app, location);
  const ran = await control<{ status: number; answer: { messageId: string } }>("POST", "/ghl/workflow-action", {
    locationId: location,
    contactId: contact?.contactId,
    workflowId: "W1",
    authorization: secret,
    data: { instanceId: String(instance), message: "from a workflow" },
  });
  expect(ran.status).toBe(200);
  await shown(location, "the workflow's message, read", (one) => {
    return one.altId === ran.answer.messageId && one.status === "read";
  });

  await control("PUT", `/green-api/${instance}/state`, { stateInstance: "notAuthorized" });
  const card = frame.getByRole("article", { name: "Front desk" });
  await card.getByRole("button", { name: "Link phone" }).waitFor();
  await picture(page, "4-lost");
  await control("POST", "/ghl/reply", { locationId: location, contactId: contact?.contactId, message: "wait for me" });
  await card.getByRole("button", { name: "Link phone" }).click();
  await linking.getByRole("img", { name: "Code to scan" }).waitFor();
  await control("POST", `/green-api/${instance}/scan`, { phone: "79001230001" });
  await linking.getByText("Linked as +79001230001").waitFor();
  await until("what waited for the phone", async () => {
    return (await phone(instance)).find((one) => one.text === "wait for me");
  });
  await page.keyboard.press("Escape");

  await control("POST", "/ghl/event", { type: "UNINSTALL", locationId: location });
  const again = await open(page, location);
  await again.getByRole("heading").first().waitFor();
  await again.getByText(/install/i).first().waitFor();
  await picture(page, "5-removed");
}, 300_000);

async function open(page: Page, location: string): Promise<FrameLocator> {
  await page.goto(`${sandbox}/custom-page`);
  await page.locator("#location").selectOption(location);
  return page.frameLocator("iframe");
}

async function shown(location: string, what: string, is: (one: Shown) => boolean): Promise<Shown> {
  return until(what, async () => {
    const all = await control<{ messages: Shown[] }[]>("GET", `/ghl/${location}/conversations`);
    return all.flatMap(({ messages }) => messages).find(is);
  });
}

interface OnPhone {
  text: string;
  direction: string;
  file?: { url: string };
}

async function phone(instance: number): Promise<OnPhone[]> {
  return control("GET", `/green-api/${instance}/phone/${CUSTOMER}@c.us`);
}

async function workflowSecret(app: string, location: string): Promise<string> {
  const { payload } = await control<{ payload: string }>("GET", `/ghl/${location}/sso?role=admin`);
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ encryptedData: payload });
  const session = await fetch(`${app}/api/session/ghl`, { method: "POST", headers, body });
  const { token } = (await session.json()) as { token: string };
  const authorization = `Bearer ${token}`;
  const made = await fetch(`${app}/api/workflow-secret`, { method: "POST", headers: { authorization } });
  return ((await made.json()) as { secret: string }).secret;
}
