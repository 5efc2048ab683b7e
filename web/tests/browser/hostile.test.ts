import type { Frame } from "playwright-core";
import { afterAll, afterEach, beforeEach, expect, test } from "vitest";
import type { Instance } from "../../src/api/client.ts";
import { closeBrowser, World } from "../support/browser.ts";
import { number, problem } from "../support/mock.ts";

/** Each would leave a trace in `window.hacked`, open a dialog, or break the page's order, if it were more than text. */
const HOSTILE = {
  script: "<script>window.hacked=1;alert(1)</script>",
  image: "<img src=x onerror=\"window.hacked=1;alert(1)\">",
  vector: "<svg onload=window.hacked=1><animate onbegin=alert(1) attributeName=x></svg>",
  frame: "<iframe srcdoc=\"<script>top.hacked=1</script>\"></iframe>",
  form: "</p></article></main><form action=//evil.example><button autofocus onfocus=alert(1)>",
  doubleQuote: "\" onmouseover=\"window.hacked=1\" x=\"",
  singleQuote: "' onfocus='window.hacked=1' autofocus x='",
  backtick: "`><img src=x onerror=alert(1)>`",
  address: "javascript:window.hacked=1//",
  data: "data:text/html,<script>alert(1)</script>",
  template: "{{constructor.constructor('window.hacked=1')()}}${window.hacked=1}{@html '<b>x</b>'}#{7*7}",
  entities: "&lt;script&gt;alert(1)&lt;/script&gt;&#x3c;img&nbsp;&amp;",
  comment: "--><!--<script>window.hacked=1</script>",
  cdata: "]]><![CDATA[<script>alert(1)</script>",
  style: "<style>*{display:none}</style><link rel=stylesheet href=//evil.example/x.css>",
  proto: "__proto__",
  constructor: "constructor",
  backwards: "\u202egnp.exe\u202c \u2066x\u2069",
  invisible: "a\u200bb\u200dc\ufeffd\u2060e",
  marks: "Z\u0351\u0357\u0350\u0346a\u036d\u0343lgo",
  emoji: "👩‍👩‍👧‍👦🏴‍☠️",
  long: "W".repeat(3_000),
} as const;
const TEXTS: readonly string[] = Object.values(HOSTILE);
/** All at once, where a screen shows one text. */
const ALL = TEXTS.join(" ");

let world: World;
beforeEach(async () => {
  world = await World.make();
});
afterEach(async () => {
  // Refusals of the policy are among them: nothing may even have been tried.
  expect(world.complaints).toEqual([]);
  await world.stop();
});
afterAll(closeBrowser);

async function open(width = 1440): Promise<Frame> {
  const frame = await world.open({ width });
  watch();
  return frame;
}

function watch(): void {
  world.page.on("dialog", (dialog) => {
    world.complaints.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  world.page.on("popup", (popup) => world.complaints.push(`a window: ${popup.url()}`));
}

/** All of these are text of the page, as they are, and nothing else came of them. */
async function expectText(frame: Frame, ...texts: readonly string[]): Promise<void> {
  const shown = async (): Promise<string[]> => {
    const all = await frame.evaluate(() => document.body.textContent);
    return texts.filter((text) => !all.includes(text));
  };
  await expect.poll(shown, { timeout: 10_000 }).toEqual([]);
  const found = await frame.evaluate(() => {
    const made = document.querySelectorAll(
      "body script, body style, body link, iframe, object, embed, form[action], animate, base, meta[http-equiv], [srcdoc]",
    );
    const handlers = [...document.querySelectorAll("*")].filter((element) =>
      [...element.attributes].some(({ name, value }) => name.startsWith("on") || /^\s*(javascript|data:text)/i.test(value)),
    );
    const pictures = [...document.images].filter((image) => !image.src.startsWith("data:image/png;base64,"));
    const hacked = "hacked" in window || "hacked" in Object.prototype;
    return { hacked, strange: [...made, ...handlers, ...pictures].map((element) => element.outerHTML.slice(0, 200)) };
  });
  expect(found).toEqual({ hacked: false, strange: [] });
  expect(await world.page.evaluate(() => "hacked" in window)).toBe(false);
}

const hostileProblem = (status: number, code: string) => ({
  ...problem(status, code, { title: ALL, detail: ALL, host: ALL, reason: ALL }),
  headers: { "apigw-requestid": HOSTILE.image },
});
const card = (frame: Frame) => frame.locator("article").first();
const submit = (frame: Frame): Promise<void> => frame.locator("dialog footer button").last().click();
async function more(frame: Frame, entry: string): Promise<void> {
  await card(frame).locator("button[aria-expanded]").click();
  await card(frame).getByRole("button", { name: entry, exact: true }).click();
  await frame.locator("dialog[open]").waitFor();
}

function hostile(members: Partial<Instance> = {}): Instance {
  const one = number({ name: ALL, phone: ALL, idInstance: ALL, webhookBefore: ALL, apiUrl: ALL, mediaUrl: ALL, ...members });
  world.api.instances = [one];
  return one;
}

// AC 27
test.each([1440, 390])("names, phones, ids, states and reasons in the list are text: %i px", async (width) => {
  const since = "2026-11-20T10:00:00.000Z";
  world.api.instances = TEXTS.flatMap((text, place) => [
    number({ name: text, phone: text, idInstance: text, state: text, webhookBefore: text }),
    number({ name: `Paused ${place}`, pause: { reason: text, text, since }, isDefault: place === 0 }),
  ]);
  const { person } = world.api;
  const install = { ...person.install, state: ALL, problem: ALL };
  world.api.person = { ...person, workspaceName: ALL, userName: ALL, locationId: ALL, install };
  world.api.workspace = { ...world.api.workspace, name: ALL };
  const frame = await open(width);
  await frame.locator("article").nth(TEXTS.length * 2 - 1).waitFor();
  await expectText(frame, ...TEXTS, ALL);
  for (const text of TEXTS) {
    const title = frame.locator("h3").filter({ hasText: text === HOSTILE.long ? /^W+$/ : text });
    expect(await title.count(), text).toBeGreaterThan(0);
  }
  const wide = await frame.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect(wide).toBeLessThanOrEqual(0);
});

// AC 27
test("a number's dialogs show its texts as text", async () => {
  const one = hostile({ isDefault: true });
  const frame = await open(390);
  await card(frame).getByRole("button", { name: "Settings" }).click();
  await expectText(frame, `Settings: ${ALL}`);
  expect(await frame.locator("dialog input").first().inputValue()).toBe(ALL);
  await world.page.keyboard.press("Escape");
  for (const [entry, title] of [
    ["Restart", `Restart ${ALL}?`],
    ["Sign out phone", `Sign out the phone of ${ALL}?`],
  ] as const) {
    await more(frame, entry);
    await expectText(frame, title);
    const wide = await frame.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(wide).toBeLessThanOrEqual(0);
    await world.page.keyboard.press("Escape");
  }
  await frame.locator("section .head button").first().click();
  await frame.locator("dialog select").first().waitFor();
  expect(await frame.locator("dialog option").allTextContents()).toContain(ALL);
  await world.page.keyboard.press("Escape");
  // What is said afterwards, too.
  await card(frame).locator("button[aria-expanded]").click();
  await card(frame).getByRole("button", { name: "Check now" }).click();
  await expectText(frame, `${ALL}: Connected`);
  await frame.getByRole("button", { name: "Dismiss" }).click();
  await more(frame, "Remove");
  // The longest title leaves room for what is below it.
  const room = await frame.locator("dialog .content").boundingBox();
  expect(room?.height).toBeGreaterThan(150);
  await expectText(frame, `Remove ${ALL}?`, `Its notifications go to ${ALL} again.`, `Type ${ALL} to confirm`);
  await frame.locator("dialog").getByRole("textbox").fill(ALL);
  await submit(frame);
  await expectText(frame, `${ALL} was removed.`);
  expect(world.api.count(`DELETE /api/instances/${one.id}`)).toBe(1);
});

// AC 27
test("what a provider says while a phone is linked is text", async () => {
  const one = hostile({ state: "notAuthorized" });
  world.api.qr = { status: "wait", reason: ALL, pollAfterMs: 2000 };
  const frame = await open();
  await card(frame).getByRole("button", { name: "Link phone" }).click();
  await expectText(frame, `Link a phone: ${ALL}`, ALL);
  // A picture is shown, and nothing else that calls itself one.
  const code = (image: string) => {
    const expiresAt = new Date(Date.now() + 20_000).toISOString();
    world.api.qr = { status: "code", image, expiresAt, pollAfterMs: 2000 };
    return world.api.count(qr);
  };
  const qr = `GET /api/instances/${one.id}/qr`;
  for (const image of [HOSTILE.address, `data:image/svg+xml,${HOSTILE.vector}`]) {
    const before = code(image);
    await expect.poll(() => world.api.count(qr), { timeout: 8_000 }).toBeGreaterThan(before + 1);
    expect(await frame.locator("dialog img").count()).toBe(0);
  }
  code(`data:image/png;base64,${HOSTILE.doubleQuote}${HOSTILE.script}`);
  await frame.locator("dialog img").waitFor({ timeout: 8_000 });
  await expectText(frame);
  world.api.refuse(`POST /api/instances/${one.id}/pairing-code`, hostileProblem(409, "not_now"), {
    status: 200,
    body: { code: ALL, phone: ALL },
  });
  await frame.getByRole("button", { name: "Link with the phone number instead" }).click();
  await frame.getByLabel("Phone number").fill("+7 900 555-01-23");
  await frame.getByRole("button", { name: "Get code" }).click();
  await expectText(frame, ALL, HOSTILE.image);
  await frame.getByRole("button", { name: "Get code" }).click();
  await frame.locator("dialog .letters").waitFor();
  expect(await frame.locator("dialog .letters").textContent()).toBe(ALL);
  world.api.qr = { status: "linked", phone: ALL };
  await expectText(frame, `Linked as ${ALL}`);
});

// AC 27
test("refusals and outcomes are text", async () => {
  const one = hostile();
  const frame = await open();
  const test = `/api/instances/${one.id}/test-message`;
  world.api.refuse(`POST ${test}`, hostileProblem(409, "not_now"), hostileProblem(418, HOSTILE.script));
  await card(frame).getByRole("button", { name: "Test message" }).click();
  await frame.getByLabel("To", { exact: true }).fill("+17135550123");
  await frame.locator("dialog textarea").fill(ALL.slice(0, 900));
  await submit(frame);
  await expectText(frame, ALL, HOSTILE.image);
  await submit(frame);
  await expectText(frame, `${ALL} (${HOSTILE.script})`);
  world.api.message = { ...world.api.message, reason: ALL, crm: "failed", crmReason: ALL };
  await submit(frame);
  await expectText(frame, `It waits: ${ALL}`, `(${ALL})`);
  expect((world.api.last(`POST ${test}`).body as { text: string }).text).toBe(ALL.slice(0, 900));
  world.api.message = { ...world.api.message, status: "failed" };
  await frame.locator("dialog .note.bad").waitFor();
  await expectText(frame, ALL);
  await world.page.keyboard.press("Escape");

  world.api.refuse(
    "POST /api/instances",
    hostileProblem(400, "refused_by_provider"),
    hostileProblem(409, "webhook_elsewhere"),
  );
  await frame.getByRole("button", { name: "Add number" }).click();
  await frame.getByLabel("Instance id").fill("1101000077");
  await frame.getByLabel("Token").fill("t0ken");
  await submit(frame);
  await expectText(frame, ALL, HOSTILE.image);
  await submit(frame);
  await expectText(frame, `Its notifications go to ${ALL}.`);
  await world.page.keyboard.press("Escape");

  world.api.secret = { secret: ALL, createdAt: "2026-11-20T10:00:00.000Z" };
  await frame.getByRole("button", { name: "Workflow secret" }).click();
  await frame.getByRole("button", { name: "Show", exact: true }).click();
  await expectText(frame, ALL);
  await world.page.keyboard.press("Escape");

  world.api.refuse(`POST /api/instances/${one.id}/check`, hostileProblem(500, HOSTILE.vector));
  await card(frame).locator("button[aria-expanded]").click();
  await card(frame).getByRole("button", { name: "Check now" }).click();
  await frame.locator(".toasts li.failed").waitFor();
  await expectText(frame, HOSTILE.vector);
});

// AC 27
test.each(["not_installed", HOSTILE.script])("before anybody is let in, too: %s", async (code) => {
  world.api.refuse("POST /api/session/ghl", hostileProblem(400, code));
  world.api.config = { ...world.api.config, installUrl: "javascript:window.hacked=1;alert(1)" };
  const frame = await open();
  await frame.locator("section[role=alert]").waitFor();
  await expectText(frame, HOSTILE.image, ...(code === "not_installed" ? [] : [ALL, code]));
  // An address that is none is not offered.
  expect(await frame.getByRole("link").count()).toBe(0);
});

// AC 27
test.each(["/app/setup", "/app/whatsapp"])("an address and what a device remembers are no markup: %s", async (path) => {
  const end = encodeURIComponent(ALL.slice(0, 1_500));
  const plain = "?x=\"><img/src=x/onerror=alert(1)>&lang=<svg/onload=alert(1)>#<img/src=x/onerror=alert(1)>";
  for (const query of [`?x=${end}&lang=${end}#${end}`, plain]) {
    const frame = await world.openAlone(path + query);
    watch();
    await frame.locator("h1").waitFor();
    await frame.evaluate((text) => {
      localStorage.setItem("greenhub.language", text);
      localStorage.setItem("greenhub.theme", text);
    }, HOSTILE.doubleQuote + HOSTILE.image);
    await world.page.reload();
    await frame.locator("h1").waitFor();
    await expectText(frame);
    expect(await frame.evaluate(() => [document.documentElement.lang, document.documentElement.dataset["theme"]])).toEqual(["en", "light"]);
    await frame.evaluate(() => localStorage.clear());
    await world.page.close();
  }
});
