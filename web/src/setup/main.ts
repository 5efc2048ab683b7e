import "../styles/tokens.css";
import "../styles/base.css";
import { mount } from "svelte";
import { theme } from "../lib/theme.svelte.ts";
import { spoken } from "../text/index.svelte.ts";
import App from "./App.svelte";
import { words } from "./words.ts";

theme.start();

const target = document.getElementById("page");
if (target) {
  try {
    await spoken.start();
    await spoken.add(words);
    mount(App, { target, props: { origin: location.origin } });
  } catch {
    // There is no catalogue to take these words from.
    target.textContent = "This page could not be loaded. Reload it.";
  }
}
