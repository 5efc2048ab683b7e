import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";
import { budget } from "./scripts/budget.ts";

/** One page for each entry; the panel will be `index.html` beside these. */
const PAGES = { whatsapp: "app/whatsapp.html", setup: "app/setup.html" };

/** Gzipped bytes of JavaScript that a page's first view may need, and where the texts are that it speaks. */
const BUDGETS = {
  whatsapp: { limit: 40_000, texts: ["src/text"] },
  setup: { limit: 40_000, texts: ["src/text", "src/setup/text"] },
};

const mode = { test: { environment: "node", testTimeout: 60_000, hookTimeout: 120_000 } };

export default defineConfig({
  appType: "mpa",
  plugins: [svelte(), budget(BUDGETS)],
  build: {
    // What `<dialog>` and `light-dark()` ask for: browsers of spring 2024 and later.
    target: ["chrome123", "edge123", "firefox120", "safari17.5"],
    rolldownOptions: { input: PAGES },
    // The policy of the page allows files of ours, and nothing that is written into it.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  test: {
    projects: [
      {
        extends: true,
        test: { ...mode.test, name: "unit", include: ["src/**/*.test.ts", "scripts/**/*.test.ts"] },
      },
      {
        extends: true,
        test: { ...mode.test, name: "browser", include: ["tests/browser/**/*.test.ts"] },
      },
      {
        extends: true,
        test: { ...mode.test, name: "stack", include: ["tests/stack/**/*.test.ts"] },
      },
    ],
  },
});
