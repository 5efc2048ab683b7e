import { afterAll, afterEach, beforeEach, expect, test } from "vitest";
import { closeBrowser, World } from "../support/browser.ts";
import { number, problem } from "../support/mock.ts";

let world: World;
beforeEach(async () => {
  world = await World.make();
  world.api.instances = [number({ name: "Sales" })];
});
afterEach(async () => {
  expect(world.complaints).toEqual([]);
  await world.stop();
});
afterAll(closeBrowser);

test("the surrounding page says who is there, and the list appears", async () => {
  const frame = await world.open();
  await frame.getByRole("heading", { name: "Sales" }).waitFor();
  expect(world.api.contexts).toEqual(["context-1"]);
  const { token } = world.api.last("GET /api/instances");
  expect(world.api.tokens.has(token)).toBe(true);
});

test("the token is nowhere but in memory", async () => {
  const frame = await world.open();
  await frame.getByRole("heading", { name: "Sales" }).waitFor();
  const [token = ""] = world.api.tokens;
  const kept = await frame.evaluate(() => {
    const stored = (name: "localStorage" | "sessionStorage"): object => {
      try {
        return { ...window[name] };
      } catch {
        return {}; // A frame of another site may have none.
      }
    };
    const page = [document.cookie, location.href, document.documentElement.outerHTML];
    return JSON.stringify([stored("localStorage"), stored("sessionStorage"), ...page]);
  });
  expect(token).not.toBe("");
  expect(kept).not.toContain(token);
  expect(await world.context.cookies()).toEqual([]);
});

// AC 29
test("an answer of an origin that is not on the list is ignored", async () => {
  // The policy would not even show the page there; this is the second line.
  world.frameableBy(world.crmOrigin);
  world.api.config = { ...world.api.config, parentOrigins: ["https://app.gohighlevel.com"] };
  const frame = await world.open();
  const error = frame.getByRole("alert").filter({ hasText: "This address is not allowed" });
  await error.waitFor({ timeout: 15_000 });
  expect(await error.textContent()).toContain(world.crmOrigin);
  expect(world.api.contexts).toEqual([]);
});

// AC 29
test("an answer of another window than the surrounding one is ignored", async () => {
  const frame = await world.open({}, "?answers=no");
  await world.page.evaluate((site) => {
    const other = document.createElement("iframe");
    other.srcdoc = `<script>
      setInterval(() => parent.frames[0].postMessage(
        { message: "REQUEST_USER_DATA_RESPONSE", payload: "forged" }, ${JSON.stringify(site)}), 100);
    </script>`;
    document.body.append(other);
  }, world.siteOrigin);
  await frame.getByRole("alert").filter({ hasText: "Your CRM did not answer" }).waitFor({ timeout: 15_000 });
  expect(world.api.contexts).toEqual([]);
});

test("no other site can show the page in a frame", async () => {
  world.frameableBy("https://app.gohighlevel.com");
  await world.newPage();
  await world.page.goto(world.crmOrigin);
  await world.page.waitForTimeout(500);
  expect(world.complaints.join()).toContain("frame-ancestors");
  expect(world.api.calls).toEqual([]);
  world.complaints.length = 0;
});

// AC 30
test("without an answer an error with a way to retry is shown after ten seconds", async () => {
  const frame = await world.open({}, "?answers=no");
  const began = Date.now();
  const error = frame.getByRole("alert").filter({ hasText: "Your CRM did not answer" });
  await error.waitFor({ timeout: 15_000 });
  expect(Date.now() - began).toBeGreaterThan(8_500);
  await world.page.evaluate(() => Object.assign(window, { answers: true }));
  await frame.getByRole("button", { name: "Try again" }).click();
  await frame.getByRole("heading", { name: "Sales" }).waitFor();
});

test("outside of a frame the page says where it belongs", async () => {
  await world.newPage();
  await world.page.goto(`${world.siteOrigin}/app/whatsapp`);
  await world.page.getByRole("heading", { name: "Open this page from your CRM" }).waitFor();
  expect(world.api.calls).toEqual([]);
});

// AC 20: the page's half.
test.each([
  ["sub_account_needed", 400, "Open a sub-account"],
  ["not_installed", 400, "Finish the installation"],
  ["bad_context", 400, "The sign-in cannot be read"],
  ["context_used", 401, "repeated an old sign-in"],
  ["too_many_requests", 429, "Try again in 7 seconds."],
  ["try_again", 503, "Nothing was changed"],
])("a refused session is explained: %s", async (code, status, words) => {
  world.api.refuse("POST /api/session/ghl", problem(status, code, { retryAfter: code === "too_many_requests" ? 7 : undefined }));
  const frame = await world.open();
  await frame.getByRole("alert").filter({ hasText: words }).waitFor();
  await frame.getByRole("button", { name: "Try again" }).click();
  await frame.getByRole("heading", { name: "Sales" }).waitFor();
});

test("whoever comes back from installing sees it done", async () => {
  world.api.refuse("POST /api/session/ghl", problem(400, "not_installed"));
  const frame = await world.open();
  const link = frame.getByRole("link", { name: "Finish installation" });
  expect(await link.getAttribute("href")).toBe("https://marketplace.example/install");
  expect(await link.getAttribute("target")).toBe("_blank");
  await frame.evaluate(() => window.dispatchEvent(new Event("focus")));
  await frame.getByRole("heading", { name: "Sales" }).waitFor();
});

test("a session is renewed by a new handshake before it ends", async () => {
  world.api.person = { ...world.api.person, expiresIn: 13 };
  const frame = await world.open();
  await frame.getByRole("heading", { name: "Sales" }).waitFor();
  await expect.poll(() => world.api.contexts.length, { timeout: 12_000 }).toBeGreaterThan(1);
  expect(world.api.contexts.slice(0, 2)).toEqual(["context-1", "context-2"]);
  expect(await frame.getByRole("alert").filter({ hasText: "session" }).count()).toBe(0);
});

test("a call that is refused for its session is repeated with another", async () => {
  const frame = await world.open();
  await frame.getByRole("heading", { name: "Sales" }).waitFor();
  world.api.tokens.clear();
  await frame.getByRole("button", { name: "More for Sales" }).click();
  await frame.getByRole("button", { name: "Check now" }).click();
  await frame.getByText("Sales: Connected").waitFor();
  expect(world.api.contexts.length).toBe(2);
});

test("a session that cannot be renewed asks over the page, and nothing typed is lost", async () => {
  const frame = await world.open();
  await frame.getByRole("button", { name: "Add number" }).click();
  await frame.getByLabel("Instance id").fill("1101000001");
  await frame.getByLabel("Token").fill("secret");
  await world.page.evaluate(() => Object.assign(window, { answers: false }));
  world.api.tokens.clear();
  await frame.getByRole("dialog").getByRole("button", { name: "Add number" }).click();
  await frame.getByRole("heading", { name: "Your session has ended" }).waitFor({ timeout: 15_000 });
  await world.page.evaluate(() => Object.assign(window, { answers: true }));
  await frame.getByRole("button", { name: "Sign in again" }).click();
  await frame.getByRole("heading", { name: "Your session has ended" }).waitFor({ state: "detached" });
  expect(await frame.getByLabel("Instance id").inputValue()).toBe("1101000001");
});
