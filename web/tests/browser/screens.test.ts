import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Frame } from "playwright-core";
import { afterAll, expect, test } from "vitest";
import { axe, closeBrowser, type Look, World } from "../support/browser.ts";
import { activity, number, PICTURE, problem } from "../support/mock.ts";

/** Pictures for people to look at. */
const SHOTS = join(import.meta.dirname, "../../screens");
mkdirSync(SHOTS, { recursive: true });

interface Screen {
  name: string;
  /** A page that stands alone; otherwise it is the one in the CRM. */
  alone?: string;
  /** What the API says. */
  given?(world: World): void;
  /** What a person does. Buttons are found by their place, so that it works in every language. */
  when?(frame: Frame, world: World): Promise<void>;
}

const PAUSE = { reason: "bad_token", text: "", since: "2026-11-20T10:00:00.000Z" };
const NAMES = { long: "Sales and support for the whole of the southern region, evenings and weekends" };

function some(world: World): void {
  world.api.instances = [
    number({ name: "Sales", isDefault: true, activity: activity(1, 0) }),
    number({ name: "Support", state: "notAuthorized", phone: null }),
    number({ name: NAMES.long, state: "yellowCard", configured: false, webhookBefore: "hooks.other.example" }),
    number({ name: "Nights", pause: PAUSE }),
  ];
}

const first = (frame: Frame) => frame.locator("article").nth(0);
const second = (frame: Frame) => frame.locator("article").nth(1);
const opened = async (frame: Frame): Promise<void> => frame.locator("dialog[open]").waitFor();

async function entry(frame: Frame, place: number): Promise<void> {
  await first(frame).locator("button[aria-expanded]").click();
  await first(frame).locator(".items button").nth(place).click();
  await opened(frame);
}
async function add(frame: Frame): Promise<void> {
  await frame.locator("header button.primary").click();
  await opened(frame);
  const fields = frame.locator("dialog input");
  await fields.nth(0).fill("1101000077");
  await fields.nth(1).fill("t0ken");
}
const submit = (frame: Frame): Promise<void> => frame.locator("dialog footer button").last().click();

const SECRET = { secret: "3f9c0d5b7a1e48629d0c4b7f6a5e3d2c1b0a99887766554433221100ffeeddcc", createdAt: "2026-11-20T10:00:00.000Z" };
async function openSecret(frame: Frame): Promise<void> {
  await frame.locator("section .head button").last().click();
  await opened(frame);
  // What is known has come.
  await frame.locator("dialog .tools, dialog .note.info").waitFor();
}

const soon = (): string => new Date(Date.now() + 15_000).toISOString();

const SCREENS: Screen[] = [
  { name: "list", given: some, when: (frame) => first(frame).waitFor() },
  { name: "list-menu", given: some, when: (frame) => second(frame).locator("button[aria-expanded]").click() },
  { name: "page-menu", given: some, when: (frame) => frame.locator("header button[aria-expanded]").click() },
  { name: "empty", when: (frame) => frame.locator("section ol").first().waitFor() },
  {
    name: "reader",
    given(world) {
      some(world);
      world.api.person = { ...world.api.person, isAdmin: false, role: "user" };
    },
    when: (frame) => first(frame).waitFor(),
  },
  {
    name: "expired",
    given(world) {
      some(world);
      const { install } = world.api.person;
      world.api.person = { ...world.api.person, install: { ...install, state: "needs_reauthorization" } };
    },
    when: (frame) => frame.locator("[role=alert] a").waitFor(),
  },
  {
    name: "suspended",
    given(world) {
      some(world);
      const { install } = world.api.person;
      world.api.person = { ...world.api.person, install: { ...install, state: "suspended" } };
    },
    when: (frame) => first(frame).waitFor(),
  },
  {
    name: "offline",
    given: some,
    async when(frame, world) {
      await first(frame).waitFor();
      await world.context.setOffline(true);
      await frame.locator(".page [role=alert]").first().waitFor();
    },
  },
  {
    name: "skeleton",
    given: (world) => (world.api.delayMs = 2_500),
    when: (frame) => frame.locator(".skeleton").waitFor(),
  },
  {
    name: "list-failed",
    given: (world) => world.api.refuse("GET /api/instances", ...Array(20).fill(problem(503, "try_again"))),
    when: (frame) => frame.locator(".note.bad").waitFor(),
  },
  ...["sub_account_needed", "not_installed", "bad_context", "try_again"].map((code): Screen => ({
    name: `start-${code}`,
    given: (world) => world.api.refuse("POST /api/session/ghl", problem(400, code)),
    when: (frame) => frame.locator("section[role=alert]").waitFor(),
  })),
  { name: "add", given: some, when: add },
  {
    name: "add-wrong",
    given: some,
    async when(frame) {
      await frame.locator("header button.primary").click();
      await opened(frame);
      for (const summary of await frame.locator("dialog summary").all()) await summary.click();
      await submit(frame);
      await frame.locator("dialog .error:not(:empty)").first().waitFor();
    },
  },
  {
    name: "add-refused",
    given(world) {
      some(world);
      world.api.refuse("POST /api/instances", problem(400, "refused_by_provider", { detail: "Words of GREEN-API" }));
    },
    async when(frame) {
      await add(frame);
      await submit(frame);
      await frame.locator("dialog .note.bad").waitFor();
    },
  },
  {
    name: "add-take-over",
    given(world) {
      some(world);
      world.api.refuse("POST /api/instances", problem(409, "webhook_elsewhere", { host: "hooks.other.example" }));
    },
    async when(frame) {
      await add(frame);
      await submit(frame);
      await frame.locator("dialog .note.warn").waitFor();
    },
  },
  {
    name: "link-code",
    given(world) {
      some(world);
      world.api.qr = { status: "code", image: PICTURE, expiresAt: soon(), pollAfterMs: 2000 };
    },
    async when(frame) {
      await second(frame).locator("button.primary").click();
      await frame.locator("dialog img").waitFor();
    },
  },
  {
    name: "link-wait",
    given(world) {
      some(world);
      world.api.qr = { status: "wait", reason: "Instance is starting", pollAfterMs: 2000 };
    },
    async when(frame) {
      await second(frame).locator("button.primary").click();
      await frame.locator("dialog summary").click();
    },
  },
  {
    name: "link-linked",
    given(world) {
      some(world);
      world.api.qr = { status: "code", image: PICTURE, expiresAt: soon(), pollAfterMs: 2000 };
    },
    async when(frame, world) {
      await second(frame).locator("button.primary").click();
      await frame.locator("dialog img").waitFor();
      world.api.qr = { status: "linked", phone: "+79001234567" };
      await frame.locator("dialog .note.good").waitFor();
    },
  },
  {
    name: "link-already",
    given(world) {
      some(world);
      world.api.qr = { status: "linked", phone: "+17135146416" };
    },
    async when(frame) {
      await entry(frame, 1);
      await frame.locator("dialog .note.info").waitFor();
    },
  },
  {
    name: "link-typed",
    given: some,
    async when(frame) {
      await second(frame).locator("button.primary").click();
      await frame.locator("dialog .steps button").click();
      await frame.locator("dialog input").fill("+79005550123");
      await frame.locator("dialog form button").click();
      await frame.locator("dialog .letters").waitFor();
    },
  },
  {
    name: "settings",
    given: some,
    async when(frame) {
      await first(frame).locator(".actions button").nth(0).click();
      await opened(frame);
    },
  },
  {
    name: "settings-access",
    given: some,
    async when(frame) {
      await frame.locator("article").nth(3).locator(".actions button").nth(0).click();
      await frame.locator("dialog details[open]").scrollIntoViewIfNeeded();
    },
  },
  {
    name: "test",
    given: some,
    async when(frame) {
      await first(frame).locator(".actions button").nth(1).click();
      await opened(frame);
    },
  },
  {
    name: "test-progress",
    given(world) {
      some(world);
      world.api.message = { ...world.api.message, status: "sent", crm: "done" };
    },
    async when(frame) {
      await first(frame).locator(".actions button").nth(1).click();
      await frame.locator("dialog input").fill("+79005550123");
      await submit(frame);
      await frame.locator("dialog .done").first().waitFor();
    },
  },
  {
    name: "test-failed",
    given(world) {
      some(world);
      world.api.message = { ...world.api.message, status: "unknown", crm: "failed", crmReason: "No contact" };
    },
    async when(frame) {
      await first(frame).locator(".actions button").nth(1).click();
      await frame.locator("dialog input").fill("+79005550123");
      await submit(frame);
      await frame.locator("dialog .note.bad").waitFor();
    },
  },
  { name: "restart", given: some, when: (frame) => entry(frame, 2) },
  { name: "sign-out", given: some, when: (frame) => entry(frame, 3) },
  { name: "remove", given: some, when: (frame) => entry(frame, 4) },
  {
    name: "routing",
    given: some,
    async when(frame) {
      await frame.locator("section .head button").first().click();
      await opened(frame);
    },
  },
  { name: "secret-none", given: some, when: openSecret },
  {
    name: "secret-shown",
    given(world) {
      some(world);
      world.api.secret = SECRET;
    },
    async when(frame) {
      await openSecret(frame);
      await frame.locator("dialog .tools button").click();
      await frame.locator("dialog code").nth(1).waitFor();
    },
  },
  {
    name: "secret-renew",
    given(world) {
      some(world);
      world.api.secret = SECRET;
    },
    async when(frame) {
      await openSecret(frame);
      await frame.locator("dialog footer button").first().click();
      await frame.locator("dialog .note.warn").waitFor();
    },
  },
  { name: "setup", alone: "/app/setup", when: (frame) => frame.locator("code").first().waitFor() },
  {
    name: "toasts",
    given: some,
    async when(frame, world) {
      const [one] = world.api.instances;
      world.api.refuse(`POST /api/instances/${one?.id}/check`, problem(409, "instance_unusable"));
      for (let i = 0; i < 2; i += 1) {
        await first(frame).locator("button[aria-expanded]").click();
        await first(frame).locator(".items button").nth(0).click();
        await frame.locator(".toasts li").nth(i).waitFor();
      }
    },
  },
];

/** The first two are tried always, the others when they are asked for (`LOOKS=all`). */
const LOOKS: (Look & { theme: "light" | "dark" })[] = [
  { language: "en", theme: "light", width: 1440 },
  { language: "ru", theme: "dark", width: 390 },
  { language: "en", theme: "dark", width: 390 },
  { language: "ru", theme: "light", width: 1440 },
  { language: "es", theme: "light", width: 320 },
  { language: "pt", theme: "dark", width: 1440 },
];

afterAll(closeBrowser);

const wanted = process.env["LOOKS"] === "all" ? LOOKS : LOOKS.slice(0, 2);

test.concurrent.each(wanted)("every screen is accessible, whole and within the policy: $language, $theme, $width", async (look) => {
  const found: string[] = [];
  for (const { name, alone, given, when } of SCREENS) {
    const world = await World.make();
    try {
      given?.(world);
      const frame = await (alone ? world.openAlone(alone, look) : world.open(look));
      await frame.locator("h1").waitFor();
      await frame.evaluate((theme) => (document.documentElement.dataset["theme"] = theme), look.theme);
      await when?.(frame, world);
      // Colours take their time.
      await world.page.waitForTimeout(150);
      const path = join(SHOTS, `${name}-${look.language}-${look.theme}-${look.width}.png`);
      await world.page.screenshot({ path, fullPage: alone !== undefined });
      const wide = await frame.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (wide > 0) found.push(`${name}: ${wide} px too wide`);
      found.push(...(await axe(frame)).map((words) => `${name}: ${words}`));
      found.push(...world.complaints.map((words) => `${name}: ${words}`));
    } catch (error) {
      found.push(`${name}: ${String(error)}`);
    } finally {
      await world.stop();
    }
  }
  expect(found).toEqual([]);
}, 900_000);
