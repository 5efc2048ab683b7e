import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type Browser, type BrowserContext, chromium, type Frame, type Page } from "playwright-core";
import { MockApi } from "./mock.ts";
import { crm, type Running, site } from "./servers.ts";

const PLACES = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

let running: Promise<Browser> | undefined;

/** One browser for a file of tests. */
export function browser(): Promise<Browser> {
  running ??= launch();
  return running;
}

async function launch(): Promise<Browser> {
  const executablePath = process.env["CHROMIUM"] ?? PLACES.find(existsSync);
  if (!executablePath) throw new Error("no Chromium: set CHROMIUM to its path");
  return chromium.launch({ executablePath, args: FLAGS });
}

export async function closeBrowser(): Promise<void> {
  await (await running)?.close();
  running = undefined;
  contexts.clear();
}

export interface Look {
  language?: "en" | "ru" | "es" | "pt";
  width?: number;
}

const contexts = new Map<string, Promise<BrowserContext>>();

/** Shared by the tests of a file: each has servers, and so origins and storage, of its own. */
function contextFor({ language = "en", width = 1440 }: Look): Promise<BrowserContext> {
  const key = `${language} ${width}`;
  const isPhone = width < 600;
  const made =
    contexts.get(key) ??
    browser().then((running) =>
      running.newContext({
        locale: language,
        timezoneId: "Europe/Berlin",
        viewport: { width, height: isPhone ? 844 : 900 },
        hasTouch: isPhone,
        isMobile: isPhone,
      }),
    );
  contexts.set(key, made);
  return made;
}

/** The page in the CRM's frame, with an API that a test decides about. */
export class World {
  readonly api = new MockApi();
  page!: Page;
  /** What the browser complained about; the policy's refusals are among it. */
  readonly complaints: string[] = [];
  #site!: Running;
  #crm!: Running;
  #context!: BrowserContext;
  #parents: readonly string[] | undefined;

  static async make(): Promise<World> {
    const world = new World();
    world.#site = await site(world.api, () => world.#parents ?? [world.#crm.origin]);
    world.#crm = await crm(`${world.#site.origin}/app/whatsapp`);
    world.api.config = { ...world.api.config, parentOrigins: [world.#crm.origin] };
    return world;
  }

  get siteOrigin(): string {
    return this.#site.origin;
  }

  get crmOrigin(): string {
    return this.#crm.origin;
  }

  get context(): BrowserContext {
    return this.#context;
  }

  /** Who may show the page in a frame, as its policy says. */
  frameableBy(...origins: string[]): void {
    this.#parents = origins;
  }

  async newPage(look: Look = {}): Promise<Page> {
    this.#context = await contextFor(look);
    this.page = await this.#context.newPage();
    this.page.on("console", (message) => {
      // A refused call is an answer that the page has words for.
      const isAnswer = message.text().startsWith("Failed to load resource");
      if (message.type() === "error" && !isAnswer) this.complaints.push(message.text());
    });
    this.page.on("pageerror", (error) => this.complaints.push(String(error)));
    return this.page;
  }

  /** Opens the page in the CRM; `query` is the CRM's. */
  async open(look: Look = {}, query = ""): Promise<Frame> {
    const page = await this.newPage(look);
    await page.goto(`${this.#crm.origin}/${query}`);
    return this.frame();
  }

  /** Opens a page of the site that is not shown in a frame. */
  async openAlone(path: string, look: Look = {}): Promise<Frame> {
    const page = await this.newPage(look);
    await page.goto(this.#site.origin + path);
    return page.mainFrame();
  }

  async frame(): Promise<Frame> {
    const element = await this.page.waitForSelector("iframe");
    const frame = await element.contentFrame();
    if (!frame) throw new Error("the frame is empty");
    return frame;
  }

  async stop(): Promise<void> {
    await this.page?.close();
    await this.#context?.setOffline(false);
    await Promise.all([this.#site.stop(), this.#crm.stop()]);
  }
}

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

interface AxeResult {
  violations: { id: string; help: string; nodes: { html: string; failureSummary?: string }[] }[];
}

/** What axe has against a frame as it is now (WCAG 2.2 AA and what leads to it). */
export async function axe(frame: Frame): Promise<string[]> {
  await frame.evaluate(AXE);
  const result = await frame.evaluate(async (tags): Promise<AxeResult> => {
    const { axe } = window as unknown as { axe: { run(root: Document, options: object): Promise<AxeResult> } };
    return axe.run(document, { runOnly: tags, resultTypes: ["violations"] });
  }, TAGS);
  return result.violations.map(({ id, help, nodes }) => {
    const [first] = nodes;
    return `${id}: ${help}: ${first?.html} ${first?.failureSummary ?? ""}`;
  });
}
