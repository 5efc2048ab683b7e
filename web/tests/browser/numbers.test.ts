import type { Frame } from "playwright-core";
import { afterAll, afterEach, beforeEach, expect, test } from "vitest";
import { closeBrowser, World } from "../support/browser.ts";
import { activity, number, problem } from "../support/mock.ts";

let world: World;
beforeEach(async () => {
  world = await World.make();
});
afterEach(async () => {
  expect(world.complaints).toEqual([]);
  await world.stop();
});
afterAll(closeBrowser);

const card = (frame: Frame, name: string) => frame.getByRole("article", { name });

test("each state has its words, and what to do about it", async () => {
  const states = {
    authorized: "Connected",
    notAuthorized: "Link one to send and receive",
    starting: "up to five minutes",
    yellowCard: "Limited by WhatsApp",
    blocked: "Banned",
    suspended: "Suspended",
    sleepMode: "Turn it on",
    pendingCode: "has not been entered",
    brandNewState: "GREEN-API reports: brandNewState",
  };
  world.api.instances = Object.keys(states).map((state) => number({ name: `In ${state}`, state }));
  const pause = (reason: string) => ({ reason, text: "", since: "2026-11-20T10:00:00.000Z" });
  world.api.instances.push(
    number({ name: "With a bad token", pause: pause("bad_token") }),
    number({ name: "Out of quota", pause: pause("quota") }),
    number({ name: "Not set up", configured: false }),
    number({ name: "Waiting", activity: activity(2, 1) }),
  );
  const frame = await world.open();
  for (const [state, words] of Object.entries(states)) {
    await card(frame, `In ${state}`).getByText(words).first().waitFor();
  }
  await card(frame, "With a bad token").getByText("Token refused").waitFor();
  await card(frame, "Out of quota").getByText("Quota used up").waitFor();
  await card(frame, "Not set up").getByText("We keep trying").waitFor();
  await card(frame, "Waiting").getByText("2 conversations waiting for WhatsApp").waitFor();
  await card(frame, "Waiting").getByText("1 conversation waiting for the CRM").waitFor();
  await frame.getByText("One contact, one conversation").waitFor();
});

test("the list follows what happens elsewhere", async () => {
  world.api.instances = [number({ name: "Sales", state: "starting" })];
  const frame = await world.open();
  await card(frame, "Sales").getByText("Starting…").waitFor();
  world.api.instances = world.api.instances.map((one) => ({ ...one, state: "authorized" }));
  await card(frame, "Sales").getByText("Connected").waitFor({ timeout: 8_000 });
});

test("a page that nobody looks at asks for nothing", async () => {
  world.api.instances = [number({ state: "starting" })];
  const frame = await world.open();
  await card(frame, "Sales").waitFor();
  const look = (hidden: boolean): Promise<void> =>
    frame.evaluate((hidden) => {
      Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }, hidden);
  await look(true);
  await world.page.waitForTimeout(500);
  const before = world.api.count("GET /api/instances");
  await world.page.waitForTimeout(6_000);
  expect(world.api.count("GET /api/instances")).toBe(before);
  await look(false);
  await expect.poll(() => world.api.count("GET /api/instances")).toBeGreaterThan(before);
});

test("what was there stays while the list cannot be refreshed", async () => {
  world.api.instances = [number({ name: "Sales", state: "starting" })];
  const frame = await world.open();
  await card(frame, "Sales").waitFor();
  world.api.refuse("GET /api/instances", problem(503, "try_again"));
  await frame.getByText("The list cannot be refreshed").waitFor({ timeout: 8_000 });
  expect(await card(frame, "Sales").count()).toBe(1);
  await frame.getByText("The list cannot be refreshed").waitFor({ state: "detached", timeout: 8_000 });
});

test("a list that does not come at all says so, and can be asked for again", async () => {
  world.api.instances = [number({ name: "Sales" })];
  world.api.refuse("GET /api/instances", problem(503, "try_again"), problem(500, "made_later"));
  const frame = await world.open();
  const error = frame.getByRole("alert").filter({ hasText: "Nothing was changed" });
  await error.waitFor();
  expect(await error.textContent()).toContain("ref-1");
  await frame.getByRole("button", { name: "Try again" }).click();
  await frame.getByRole("alert").filter({ hasText: "Title of made_later (made_later)" }).waitFor();
  await frame.getByRole("button", { name: "Try again" }).click();
  await card(frame, "Sales").waitFor();
});

test("being offline is said, and what is there stays", async () => {
  world.api.instances = [number({ name: "Sales" })];
  const frame = await world.open();
  await card(frame, "Sales").waitFor();
  await world.context.setOffline(true);
  await frame.getByText("You are offline").waitFor();
  expect(await card(frame, "Sales").count()).toBe(1);
  await world.context.setOffline(false);
  await frame.getByText("You are offline").waitFor({ state: "detached" });
});

test("without numbers there are the first steps", async () => {
  const frame = await world.open();
  await frame.getByRole("heading", { name: "Connect your first number" }).waitFor();
  await frame.getByRole("button", { name: "Add number" }).click();
  await frame.getByRole("dialog", { name: "Add a number" }).waitFor();
});

test("who is no administrator sees everything and can change nothing", async () => {
  world.api.instances = [number({ name: "Sales", state: "notAuthorized" }), number({ name: "Support" })];
  world.api.person = { ...world.api.person, isAdmin: false, role: "user" };
  const frame = await world.open();
  await frame.getByText("Changes need an administrator").waitFor();
  const names = await frame.getByRole("button").allTextContents();
  expect(names.map((name) => name.trim()).filter(Boolean)).toEqual(["Settings", "Settings"]);
  await card(frame, "Sales").getByRole("button", { name: "Settings" }).click();
  await frame.getByText("Only an administrator can change these settings.").waitFor();
  expect(await frame.getByLabel("Name").isDisabled()).toBe(true);
  expect(await frame.getByRole("button", { name: "Save" }).count()).toBe(0);
});

// AC 17: the page's half.
test("access that has ended is shown with what waits, and how to renew it", async () => {
  world.api.instances = [number({ activity: activity(0, 14) })];
  const { install } = world.api.person;
  world.api.person = {
    ...world.api.person,
    connected: false,
    install: { ...install, state: "needs_reauthorization" },
  };
  const frame = await world.open();
  const alert = frame.getByRole("alert").filter({ hasText: "Access has expired" });
  await alert.getByText("14 conversations are waiting").waitFor();
  const link = alert.getByRole("link", { name: "Reconnect" });
  expect(await link.getAttribute("href")).toBe("https://marketplace.example/install");
  // Renewed in another tab: whoever comes back sees it.
  world.api.person = { ...world.api.person, connected: true, install };
  await frame.evaluate(() => window.dispatchEvent(new Event("focus")));
  await alert.waitFor({ state: "detached" });
});

test("the language and the theme can be chosen", async () => {
  world.api.instances = [number({ name: "Sales" })];
  const frame = await world.open({ language: "ru" });
  await frame.getByRole("heading", { name: "Номера WhatsApp" }).waitFor();
  expect(await frame.locator("html").getAttribute("lang")).toBe("ru");
  await frame.getByRole("button", { name: "Настройки страницы" }).click();
  await frame.getByLabel("Язык").selectOption("es");
  await frame.getByRole("heading", { name: "Números de WhatsApp" }).waitFor();
  expect(await frame.locator("html").getAttribute("lang")).toBe("es");
  await frame.getByLabel("Apariencia").selectOption("dark");
  const ground = await frame.evaluate(() => getComputedStyle(document.body).backgroundColor);
  expect(ground).toBe("rgb(12, 17, 29)");
  await world.page.keyboard.press("Escape");
  expect(await frame.getByLabel("Idioma").count()).toBe(0);
});

test("the order of rules is changed, and only as it was changed", async () => {
  const [sales, support] = [number({ name: "Sales" }), number({ name: "Support", isDefault: true })];
  world.api.instances = [sales, support];
  const frame = await world.open();
  await frame.getByRole("button", { name: "Change" }).click();
  const dialog = frame.getByRole("dialog");
  await dialog.getByRole("button", { name: /Move up/ }).click();
  await dialog.getByRole("checkbox", { name: "wrote to last" }).uncheck();
  await dialog.getByLabel("Default number", { exact: true }).selectOption("Sales");
  await dialog.getByRole("button", { name: "Save" }).click();
  await frame.getByText("The order is saved.").waitFor();
  expect(world.api.last("PATCH /api/workspace").body).toEqual({
    lang: "en",
    routing: { order: ["tag", "default"], defaultInstance: sales.id },
  });
  await frame.getByText("(now Sales)").waitFor();
});
