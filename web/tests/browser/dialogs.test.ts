import type { Frame } from "playwright-core";
import { afterAll, afterEach, beforeEach, expect, test } from "vitest";
import type { Instance } from "../../src/api/client.ts";
import { closeBrowser, World } from "../support/browser.ts";
import { number, PICTURE, problem } from "../support/mock.ts";

let world: World;
let sales: Instance;
let support: Instance;
beforeEach(async () => {
  world = await World.make();
  sales = number({ name: "Sales" });
  support = number({ name: "Support", state: "notAuthorized", phone: null });
  world.api.instances = [sales, support];
});
afterEach(async () => {
  expect(world.complaints).toEqual([]);
  await world.stop();
});
afterAll(closeBrowser);

const card = (frame: Frame, name: string) => frame.getByRole("article", { name });

async function more(frame: Frame, name: string, entry: string): Promise<void> {
  await card(frame, name).getByRole("button", { name: `More for ${name}` }).click();
  await card(frame, name).getByRole("button", { name: entry }).click();
}

async function fillAdd(frame: Frame): Promise<void> {
  await frame.getByRole("button", { name: "Add number" }).click();
  await frame.getByLabel("Instance id").fill(" 1101000077 ");
  await frame.getByLabel("Token").fill("t0ken");
  await frame.getByLabel("Name").fill("Marketing");
}
const submitAdd = (frame: Frame): Promise<void> =>
  frame.getByRole("dialog").getByRole("button", { name: "Add number" }).click();

test("a number is added and then linked", async () => {
  world.api.qr = { status: "code", image: PICTURE, expiresAt: soon(), pollAfterMs: 2000 };
  const frame = await world.open();
  await fillAdd(frame);
  expect(await frame.getByLabel("Token").getAttribute("type")).toBe("password");
  await submitAdd(frame);
  await frame.getByRole("dialog", { name: "Link a phone: Marketing" }).waitFor();
  expect(world.api.last("POST /api/instances").body).toEqual({
    idInstance: "1101000077",
    apiTokenInstance: "t0ken",
    name: "Marketing",
  });
  await frame.getByRole("img", { name: "Code to scan" }).waitFor();
});

test("what cannot be right is said at the field, and nothing is sent", async () => {
  const frame = await world.open();
  await frame.getByRole("button", { name: "Add number" }).click();
  await frame.getByLabel("Instance id").fill("12ab");
  await frame.getByLabel("Token").focus();
  const dialog = frame.getByRole("dialog");
  await dialog.getByRole("alert").filter({ hasText: "digits only" }).waitFor();
  expect(await dialog.getByText("This is needed.").count()).toBe(0);
  await submitAdd(frame);
  await dialog.getByText("This is needed.").waitFor();
  expect(world.api.count("POST /api/instances")).toBe(0);
});

test.each([
  ["invalid_credentials", 400, {}, "does not accept this id with this token"],
  ["instance_taken", 409, {}, "in your list already"],
  ["instance_expired", 400, {}, "is not paid for"],
  ["refused_by_provider", 400, { detail: "Words of GREEN-API" }, "Words of GREEN-API"],
  ["try_again", 503, {}, "try again in a moment"],
])("a refused number is explained: %s", async (code, status, members, words) => {
  world.api.refuse("POST /api/instances", problem(status, code, members));
  const frame = await world.open();
  await fillAdd(frame);
  await submitAdd(frame);
  await frame.getByRole("dialog").getByRole("alert").filter({ hasText: words }).waitFor();
  expect(await frame.getByLabel("Instance id").inputValue()).toBe(" 1101000077 ");
});

// AC 39: the page's half.
test("another program's webhook is taken over only when a person says so", async () => {
  world.api.refuse(
    "POST /api/instances",
    problem(409, "instance_elsewhere"),
    problem(409, "webhook_elsewhere", { host: "hooks.other.example" }),
  );
  const frame = await world.open();
  await fillAdd(frame);
  await submitAdd(frame);
  await frame.getByRole("button", { name: "Move it here" }).click();
  await frame.getByText("Its notifications go to hooks.other.example").waitFor();
  await frame.getByRole("button", { name: "Back" }).click();
  expect(await frame.getByLabel("Token").inputValue()).toBe("t0ken");
  world.api.refuse("POST /api/instances", problem(409, "webhook_elsewhere", { host: "hooks.other.example" }));
  await submitAdd(frame);
  await frame.getByRole("button", { name: "Take over" }).click();
  await frame.getByRole("dialog", { name: "Link a phone" }).waitFor();
  const bodies = world.api.calls.filter((call) => call.path === "/api/instances" && call.method === "POST");
  expect(bodies.map(({ body }) => body)).toMatchObject([
    {},
    { transfer: true },
    { transfer: true },
    { transfer: true, takeOver: true },
  ]);
  expect(bodies[0]?.body).not.toHaveProperty("takeOver");
});

const soon = (seconds = 20): string => new Date(Date.now() + seconds * 1000).toISOString();

test("a code is shown, renewed, and followed until a phone is linked", async () => {
  world.api.qr = { status: "wait", reason: "Instance is starting", pollAfterMs: 2000 };
  const frame = await world.open();
  await card(frame, "Support").getByRole("button", { name: "Link phone" }).click();
  const dialog = frame.getByRole("dialog");
  await dialog.getByText("No code can be shown at the moment").waitFor();
  world.api.qr = { status: "code", image: PICTURE, expiresAt: soon(), pollAfterMs: 2000 };
  await dialog.getByRole("status").filter({ hasText: "The code is ready." }).waitFor();
  await dialog.getByText(/\d+ seconds left/).waitFor();
  world.api.qr = { status: "code", image: `${PICTURE}AA`, expiresAt: soon(), pollAfterMs: 2000 };
  await dialog.getByRole("status").filter({ hasText: "The code was renewed." }).waitFor();
  world.api.qr = { status: "linked", phone: "+79001234567" };
  world.api.instances = [sales, { ...support, state: "authorized", phone: "+79001234567" }];
  await dialog.getByText("Linked as +79001234567").waitFor();
  await card(frame, "Support").getByText("Connected").waitFor();
  await dialog.getByRole("button", { name: "Send a test message" }).click();
  await frame.getByRole("dialog", { name: "Test message from Support" }).waitFor();
});

test("a code that ran out is dimmed until there is another", async () => {
  world.api.qr = { status: "code", image: PICTURE, expiresAt: soon(1), pollAfterMs: 2000 };
  const frame = await world.open();
  await card(frame, "Support").getByRole("button", { name: "Link phone" }).click();
  await frame.getByText("Renewing the code…").waitFor();
});

test("only a picture is shown as a code", async () => {
  const image = "https://elsewhere.example/pixel.png";
  world.api.qr = { status: "code", image, expiresAt: soon(), pollAfterMs: 2000 };
  const frame = await world.open();
  await card(frame, "Support").getByRole("button", { name: "Link phone" }).click();
  const asked = (): number => world.api.count(`GET /api/instances/${support.id}/qr`);
  await expect.poll(asked, { timeout: 8_000 }).toBeGreaterThan(1);
  expect(await frame.getByRole("img").count()).toBe(0);
});

test("a number that is linked already is signed out first, if a person wants another phone", async () => {
  world.api.qr = { status: "linked", phone: "+17135146416" };
  const frame = await world.open();
  await more(frame, "Sales", "Link again");
  const dialog = frame.getByRole("dialog");
  await dialog.getByText(`This number is linked as ${sales.phone}`).waitFor();
  world.api.qr = { status: "code", image: PICTURE, expiresAt: soon(), pollAfterMs: 2000 };
  await dialog.getByRole("button", { name: "Sign out phone" }).click();
  await dialog.getByRole("img", { name: "Code to scan" }).waitFor();
  expect(world.api.count(`POST /api/instances/${sales.id}/logout`)).toBe(1);
});

test("a phone can be linked by typing a code", async () => {
  const frame = await world.open();
  await card(frame, "Support").getByRole("button", { name: "Link phone" }).click();
  const dialog = frame.getByRole("dialog");
  await dialog.getByRole("button", { name: "Link with the phone number instead" }).click();
  await dialog.getByLabel("Phone number").fill("+7 900 555-01-23");
  world.api.refuse(`POST /api/instances/${support.id}/pairing-code`, problem(409, "not_now", { detail: "Wait a bit" }));
  await dialog.getByRole("button", { name: "Get code" }).click();
  await dialog.getByRole("alert").filter({ hasText: "Wait a bit" }).waitFor();
  await dialog.getByRole("button", { name: "Get code" }).click();
  await dialog.getByText("GAPI-2015").waitFor();
  world.api.qr = { status: "linked", phone: "+79005550123" };
  await dialog.getByText("Linked as +79005550123").waitFor();
});

test("settings are sent as far as they were changed", async () => {
  const frame = await world.open();
  await card(frame, "Sales").getByRole("button", { name: "Settings" }).click();
  const dialog = frame.getByRole("dialog");
  await dialog.getByLabel("Pause between messages").fill("0,2");
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.getByText("From 0.5 to 86400 seconds.").waitFor();
  await dialog.getByLabel("Pause between messages").fill("1,5");
  await dialog.getByLabel("Default number").check();
  await dialog.getByRole("button", { name: "Save" }).click();
  await frame.getByText("Saved.").waitFor();
  expect(world.api.last(`PATCH /api/instances/${sales.id}`).body).toEqual({
    settings: { delaySendMessagesMilliseconds: 1500 },
  });
  expect(world.api.last("PATCH /api/workspace").body).toEqual({ routing: { defaultInstance: sales.id } });
  await card(frame, "Sales").getByText("Default").waitFor();
});

test("a refused setting is explained and what was typed stays", async () => {
  world.api.refuse(`PATCH /api/instances/${sales.id}`, problem(403, "admin_needed"));
  const frame = await world.open();
  await card(frame, "Sales").getByRole("button", { name: "Settings" }).click();
  await frame.getByLabel("Name", { exact: true }).fill("Sales team");
  await frame.getByRole("button", { name: "Save" }).click();
  await frame.getByRole("dialog").getByRole("alert").filter({ hasText: "Only an administrator" }).waitFor();
  expect(await frame.getByLabel("Name", { exact: true }).inputValue()).toBe("Sales team");
});

test("a new token is stored without showing the old one", async () => {
  const pause = { reason: "bad_token", text: "", since: "2026-11-20T10:00:00.000Z" };
  world.api.instances = [{ ...sales, pause }];
  const frame = await world.open();
  await card(frame, "Sales").getByRole("button", { name: "Settings" }).click();
  const token = frame.getByLabel("New token");
  expect(await token.inputValue()).toBe("");
  await token.fill("fresh");
  await frame.getByRole("button", { name: "Check and store" }).click();
  await frame.getByText("The new access is stored.").waitFor();
  expect(world.api.last(`PUT /api/instances/${sales.id}/access`).body).toEqual({ apiTokenInstance: "fresh" });
  expect(await token.inputValue()).toBe("");
});

test("a test message is followed as its rows say", async () => {
  const frame = await world.open();
  await card(frame, "Sales").getByRole("button", { name: "Test message" }).click();
  const dialog = frame.getByRole("dialog");
  await dialog.getByLabel("To").fill("+1 713 555 0123");
  await dialog.getByRole("button", { name: "Send" }).click();
  const done = (step: string) => dialog.getByRole("listitem").filter({ hasText: `${step} (done)` });
  await done("Waiting with us").waitFor();
  world.api.message = { ...world.api.message, status: "delivered", crm: "done" };
  await done("Delivered").waitFor();
  expect(await done("Read").count()).toBe(0);
  await dialog.getByText("In Conversations: shown").waitFor();
  world.api.message = { ...world.api.message, status: "read" };
  await done("Read").waitFor();
  // Nothing more can come: nobody asks any more.
  await world.page.waitForTimeout(500);
  const asked = world.api.count(`GET /api/instances/${sales.id}/test-message/m1`);
  await world.page.waitForTimeout(3_000);
  expect(world.api.count(`GET /api/instances/${sales.id}/test-message/m1`)).toBe(asked);
});

test("a test message whose answer was lost is asked for again under the same id", async () => {
  world.api.refuse(`POST /api/instances/${sales.id}/test-message`, problem(503, "try_again"), problem(409, "not_now"));
  const frame = await world.open();
  await card(frame, "Sales").getByRole("button", { name: "Test message" }).click();
  const dialog = frame.getByRole("dialog");
  await dialog.getByLabel("To").fill("+17135550123");
  const send = dialog.getByRole("button", { name: "Send" });
  await send.click();
  await dialog.getByRole("alert").filter({ hasText: "try again in a moment" }).waitFor();
  await send.click();
  await dialog.getByRole("alert").filter({ hasText: "cannot do this at the moment" }).waitFor();
  await send.click();
  await dialog.getByText("What became of it").waitFor();
  const ids = world.api.calls
    .filter((call) => call.path.endsWith("/test-message"))
    .map((call) => (call.body as { requestId: string }).requestId);
  expect(ids[0]).toBe(ids[1]);
  expect(ids[2]).not.toBe(ids[1]);
});

test("a message that failed says why", async () => {
  world.api.message = { ...world.api.message, status: "failed", reason: "The phone has no WhatsApp", crm: "done" };
  const frame = await world.open();
  await card(frame, "Sales").getByRole("button", { name: "Test message" }).click();
  await frame.getByLabel("To", { exact: true }).fill("+17135550123");
  await frame.getByRole("button", { name: "Send" }).click();
  await frame.getByRole("alert").filter({ hasText: "The phone has no WhatsApp" }).waitFor();
});

// AC 31
test("leaving one removal and confirming another removes only the latter's number", async () => {
  const frame = await world.open();
  await more(frame, "Sales", "Remove");
  await frame.getByLabel("Type Sales to confirm").fill("Sales");
  await world.page.keyboard.press("Escape");
  await frame.getByRole("dialog").waitFor({ state: "detached" });
  await more(frame, "Support", "Remove");
  expect(await frame.getByLabel("Type Support to confirm").inputValue()).toBe("");
  await frame.getByRole("button", { name: "Remove number" }).click();
  await frame.getByText("This is not the name.").waitFor();
  await frame.getByLabel("Type Support to confirm").fill("Support");
  await frame.getByLabel("Erase them at once").check();
  await frame.getByRole("button", { name: "Remove number" }).click();
  await frame.getByText("Support was removed.").waitFor();
  const removed = world.api.calls.filter((call) => call.method === "DELETE").map((call) => call.path);
  expect(removed).toEqual([`/api/instances/${support.id}`]);
  expect(world.api.instances.map((one) => one.name)).toEqual(["Sales"]);
});

test("a dialog gives the focus back to where it came from, and everything works by keyboard", async () => {
  const frame = await world.open();
  await card(frame, "Sales").waitFor();
  const focused = (): Promise<string> =>
    frame.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent?.trim() ?? "");
  const press = (key: string): Promise<void> => world.page.keyboard.press(key);
  await frame.getByRole("button", { name: "Add number" }).focus();
  await press("Enter");
  await frame.getByRole("dialog").waitFor();
  await world.page.keyboard.type("1101000077");
  await press("Tab");
  await world.page.keyboard.type("t0ken");
  await press("Escape");
  await frame.getByRole("dialog").waitFor({ state: "detached" });
  expect(await focused()).toBe("Add number");
  // Through the menu of a number to its dialog, and back.
  await card(frame, "Sales").getByRole("button", { name: "More for Sales" }).focus();
  await press("Enter");
  await press("Tab");
  expect(await focused()).toBe("Check now");
  await press("Escape");
  expect(await focused()).toBe("More for Sales");
  await press("Enter");
  for (let i = 0; i < 5; i += 1) await press("Tab");
  expect(await focused()).toBe("Remove");
  await press("Enter");
  await frame.getByRole("dialog").waitFor();
  await press("Escape");
  await frame.getByRole("dialog").waitFor({ state: "detached" });
  expect(await focused()).toBe("More for Sales");
});

test("a sign-out asks first, and its failure stays to be read", async () => {
  world.api.refuse(`POST /api/instances/${sales.id}/logout`, problem(409, "not_now", { detail: "Words of GREEN-API" }));
  const frame = await world.open();
  await more(frame, "Sales", "Sign out phone");
  const dialog = frame.getByRole("dialog", { name: "Sign out the phone of Sales?" });
  await dialog.getByRole("button", { name: "Sign out phone" }).click();
  await dialog.getByRole("alert").filter({ hasText: "Words of GREEN-API" }).waitFor();
  await dialog.getByRole("button", { name: "Sign out phone" }).click();
  await frame.getByText("The phone of Sales is signed out.").waitFor();
  await card(frame, "Sales").getByRole("button", { name: "Link phone" }).waitFor();
});

test("what failed in the background stays until it is put away", async () => {
  world.api.refuse(`POST /api/instances/${sales.id}/check`, problem(409, "instance_unusable"));
  const frame = await world.open();
  await more(frame, "Sales", "Check now");
  const toast = frame.getByRole("alert").filter({ hasText: "does not give access" });
  await toast.waitFor();
  await world.page.waitForTimeout(7_000);
  expect(await toast.count()).toBe(1);
  await toast.getByRole("button", { name: "Dismiss" }).click();
  await toast.waitFor({ state: "detached" });
});

test("the secret of workflow actions is hidden until it is asked for", async () => {
  world.api.secret = { secret: "s3cret-1", createdAt: "2026-11-20T10:00:00.000Z" };
  const frame = await world.open();
  await card(frame, "Sales").waitFor();
  expect(world.api.count("GET /api/workflow-secret")).toBe(0);
  await frame.getByRole("button", { name: "Workflow secret" }).click();
  const dialog = frame.getByRole("dialog", { name: "Secret for workflow actions" });
  await dialog.getByText("Made Nov 20, 2026").waitFor();
  expect(await dialog.textContent()).not.toContain("s3cret-1");
  expect(await dialog.getByRole("button", { name: "Copy Secret" }).count()).toBe(0);
  await dialog.getByRole("button", { name: "Show", exact: true }).click();
  await dialog.getByText("s3cret-1").waitFor();
  // The CRM's frame does not let us copy, and what to do then is said.
  await dialog.getByRole("button", { name: "Copy Secret" }).click();
  await dialog.getByRole("status").filter({ hasText: "Mark the text and copy it" }).waitFor();
  const complaint = expect.stringContaining("The Clipboard API has been blocked");
  expect(world.complaints.splice(0)).toEqual([complaint]);
  await dialog.getByRole("button", { name: "Hide", exact: true }).click();
  expect(await dialog.textContent()).not.toContain("s3cret-1");
  for (const field of ["authorization", "secret", "WhatsApp number", "WhatsApp workflow secret"]) {
    expect(await dialog.textContent()).toContain(field);
  }
});

test("a new secret is made only after a warning, and is shown", async () => {
  const frame = await world.open();
  await frame.getByRole("button", { name: "Workflow secret" }).click();
  const dialog = frame.getByRole("dialog");
  await dialog.getByText("There is none yet").waitFor();
  await dialog.getByRole("button", { name: "Make a secret" }).click();
  const made = (): string => world.api.secret.secret ?? "";
  await dialog.getByText("This is the new secret.").waitFor();
  const before = made();
  await dialog.getByText(before).waitFor();
  await dialog.getByRole("button", { name: "Make a new one" }).click();
  await dialog.getByRole("alert").filter({ hasText: "The old one stops working at once." }).waitFor();
  await dialog.getByRole("button", { name: "Cancel" }).click();
  expect(world.api.secret.secret).toBe(before);
  await dialog.getByRole("button", { name: "Make a new one" }).click();
  world.api.refuse("POST /api/workflow-secret", problem(503, "try_again"));
  await dialog.getByRole("button", { name: "Replace the secret" }).click();
  await dialog.getByRole("alert").filter({ hasText: "try again in a moment" }).waitFor();
  await dialog.getByRole("button", { name: "Replace the secret" }).click();
  await dialog.getByText("This is the new secret.").waitFor();
  expect(await dialog.textContent()).not.toContain(before);
  await dialog.getByText(made()).waitFor();
});

test("a secret that is lost can be replaced", async () => {
  world.api.refuse("GET /api/workflow-secret", problem(409, "secret_lost"));
  const frame = await world.open();
  await frame.getByRole("button", { name: "Workflow secret" }).click();
  const dialog = frame.getByRole("dialog");
  await dialog.getByRole("alert").filter({ hasText: "cannot be shown any more" }).waitFor();
  await dialog.getByRole("button", { name: "Make a new one" }).click();
  await dialog.getByRole("button", { name: "Replace the secret" }).click();
  await dialog.getByText("This is the new secret.").waitFor();
});

test("a test message that waits says for what", async () => {
  world.api.message = { ...world.api.message, reason: "the number is logged out" };
  const frame = await world.open();
  await card(frame, "Sales").getByRole("button", { name: "Test message" }).click();
  await frame.getByLabel("To", { exact: true }).fill("+17135550123");
  await frame.getByRole("button", { name: "Send" }).click();
  await frame.getByText("It waits: the number is logged out").waitFor();
});

test("dialogs speak the language that is chosen", async () => {
  const frame = await world.open();
  await card(frame, "Sales").waitFor();
  await frame.getByRole("button", { name: "Page settings" }).click();
  await frame.getByLabel("Language").selectOption("ru");
  await frame.getByRole("button", { name: "Секрет для сценариев" }).click();
  await frame.getByRole("dialog", { name: "Секрет для действий в сценариях" }).waitFor();
  await frame.getByText("Секрета ещё нет").waitFor();
});
