// Shows the product's page in a frame and tells it who is there, as the CRM does.
import { texts } from "/page/texts.js";

const $ = (id) => document.getElementById(id);
const language = localStorage.getItem("sandbox.language") || (navigator.language.startsWith("ru") ? "ru" : "en");
const t = (key) => texts[language][key] ?? key;

async function call(path) {
  const answer = await fetch(`/_sandbox${path}`);
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  return answer.json();
}

function fail(error) {
  $("notice").textContent = t("failed").replace("{why}", error.message);
  $("notice").hidden = false;
}

// Another user or place is another visit.
function visit() {
  $("page").src = $("page").dataset.src;
}

window.addEventListener("message", async (event) => {
  const frame = $("page").contentWindow;
  if (event.source !== frame || event.data?.message !== "REQUEST_USER_DATA" || !$("answers").checked) return;
  try {
    const role = $("role").value;
    const who = role === "agency" ? "agency=1" : `role=${role}`;
    const { payload } = await call(`/ghl/${encodeURIComponent($("location").value)}/sso?${who}`);
    frame.postMessage({ message: "REQUEST_USER_DATA_RESPONSE", payload }, event.origin);
  } catch (error) {
    fail(error);
  }
});

document.documentElement.lang = language;
document.title = t("customPage");
for (const node of document.querySelectorAll("[data-text]")) node.textContent = t(node.dataset.text);
for (const id of ["location", "role"]) $(id).addEventListener("change", visit);

try {
  const { ghl } = await call("/accounts");
  for (const location of ghl.locations) {
    const option = document.createElement("option");
    option.value = location.locationId;
    option.textContent = location.name;
    $("location").append(option);
  }
  const remembered = localStorage.getItem("sandbox.location");
  if (ghl.locations.some((location) => location.locationId === remembered)) $("location").value = remembered;
  visit();
} catch (error) {
  fail(error);
}
