import { afterAll, afterEach, beforeEach, expect, test } from "vitest";
import { valuesOf } from "../../src/setup/values.ts";
import { closeBrowser, World } from "../support/browser.ts";

const LABELS = [
  "Scopes",
  "Redirect URL",
  "Default webhook URL",
  "Events",
  "Delivery URL of the channel",
  "Delivery URL of the default SMS",
  "Live URL",
  "URL (POST)",
  "Header authorization",
  "Header locationid",
  "Header contactphone",
];

let world: World;
beforeEach(async () => {
  world = await World.make();
});
afterEach(async () => {
  expect(world.complaints).toEqual([]);
  await world.stop();
});
afterAll(closeBrowser);

test("each value of the deployment is there and can be copied, without asking anybody", async () => {
  const frame = await world.openAlone("/app/setup");
  await world.context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await frame.getByRole("heading", { name: "Setting up the app" }).waitFor();
  const values = valuesOf(world.siteOrigin);
  expect(values.redirect).toBe(`${world.siteOrigin}/oauth/callback`);
  const shown = await frame.locator("code").allTextContents();
  expect(shown.toSorted()).toEqual(Object.values(values).toSorted());
  const copied: string[] = [];
  for (const [place, label] of LABELS.entries()) {
    await frame.getByRole("button", { name: `Copy ${label}`, exact: true }).click();
    await frame.locator(".value").nth(place).getByRole("status").filter({ hasText: "Copied" }).waitFor();
    copied.push(await frame.evaluate(() => navigator.clipboard.readText()));
  }
  expect(copied).toEqual(shown);
  expect(world.api.calls).toEqual([]);
});

test("an address that nobody else can reach is warned about", async () => {
  const frame = await world.openAlone("/app/setup");
  await frame.getByText(`The portal and the providers cannot reach ${world.siteOrigin}.`).waitFor();
});

test("it speaks the language that is chosen, its title too, and works by keyboard", async () => {
  const frame = await world.openAlone("/app/setup");
  await frame.getByRole("heading", { name: "Setting up the app" }).waitFor();
  expect(await world.page.title()).toBe("Setting up the app");
  await world.page.keyboard.press("Tab");
  await world.page.keyboard.press("Enter");
  await frame.getByLabel("Language").selectOption("pt");
  await frame.getByRole("heading", { name: "Configurar o aplicativo" }).waitFor();
  expect(await world.page.title()).toBe("Configurar o aplicativo");
  expect(await frame.evaluate(() => document.documentElement.lang)).toBe("pt");
  await world.page.reload();
  await frame.getByRole("heading", { name: "Configurar o aplicativo" }).waitFor();
  await frame.evaluate(() => localStorage.clear());
});
