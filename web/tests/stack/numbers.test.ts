import { afterAll, expect, test } from "vitest";
import { browser, closeBrowser } from "../support/browser.ts";

/** Where the system runs; infra/local/tests/page.rs starts one and says so. */
const sandbox = process.env["SANDBOX_URL"] ?? "http://localhost:3100";

interface Account {
  idInstance: string | number;
  apiTokenInstance: string;
}

async function control(method: string, path: string, body?: object): Promise<unknown> {
  const init = body && { headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const answer = await fetch(`${sandbox}/_sandbox${path}`, { method, ...init });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

afterAll(closeBrowser);

test("a number is added, linked, tried and removed on the page in the CRM", async () => {
  const spare = (await control("POST", "/green-api", { stateInstance: "notAuthorized" })) as Account;
  const id = String(spare.idInstance);

  const page = await (await browser()).newPage({ viewport: { width: 1280, height: 900 }, locale: "en" });
  await page.goto(`${sandbox}/custom-page`);
  const frame = page.frameLocator("iframe");
  await frame.getByRole("button", { name: "Add number" }).first().click();
  await frame.getByLabel("Instance id").fill(id);
  await frame.getByLabel("Token").fill(spare.apiTokenInstance);
  await frame.getByLabel("Name").fill("Trial");
  await frame.getByRole("dialog").getByRole("button", { name: "Add number" }).click();

  const dialog = frame.getByRole("dialog", { name: "Link a phone: Trial" });
  await dialog.getByRole("img", { name: "Code to scan" }).waitFor();
  await control("POST", `/green-api/${id}/scan`, { phone: "79001234567" });
  await dialog.getByText("Linked as +79001234567").waitFor();
  await dialog.getByRole("button", { name: "Send a test message" }).click();

  const trial = frame.getByRole("dialog", { name: "Test message from Trial" });
  await trial.getByLabel("To", { exact: true }).fill("+7 900 555-77-01");
  await trial.getByRole("button", { name: "Send" }).click();
  await trial.getByRole("listitem").filter({ hasText: "Delivered (done)" }).waitFor();
  const shown = (await control("GET", `/green-api/${id}/phone/79005557701@c.us`)) as { text: string }[];
  expect(shown.map(({ text }) => text)).toEqual(["This is a test message."]);
  await trial.getByText("In Conversations: shown").waitFor();
  await trial.getByRole("button", { name: "Done" }).click();

  const card = frame.getByRole("article", { name: "Trial" });
  await card.getByRole("button", { name: "More for Trial" }).click();
  await card.getByRole("button", { name: "Remove" }).click();
  await frame.getByLabel("Type Trial to confirm").fill("Trial");
  await frame.getByRole("button", { name: "Remove number" }).click();
  await frame.getByText("Trial was removed.").waitFor();
  await card.waitFor({ state: "detached" });
});
