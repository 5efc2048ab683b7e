import "../styles/tokens.css";
import "../styles/base.css";
import { mount } from "svelte";
import { Session } from "../crm/session.svelte.ts";
import { now } from "../lib/format.svelte.ts";
import { theme } from "../lib/theme.svelte.ts";
import { spoken } from "../text/index.svelte.ts";
import App from "./App.svelte";

theme.start();
now.start();
// Asked while the texts are fetched.
const session = new Session();
void session.start();

const target = document.getElementById("page");
if (target) {
  try {
    await spoken.start();
    mount(App, { target, props: { session } });
  } catch {
    // There is no catalogue to take these words from.
    target.textContent = "This page could not be loaded. Reload it.";
  }
}
