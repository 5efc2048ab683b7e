// The panes of phone and CRM; the third is in telegram.js. Everything that others wrote goes into the page as text, never as markup.
import { telegramPane } from "/page/telegram.js";
import { texts } from "/page/texts.js";

const $ = (id) => document.getElementById(id);
const remembered = new Proxy({}, {
  get: (_, key) => localStorage.getItem(`sandbox.${String(key)}`) ?? "",
  set: (_, key, value) => (localStorage.setItem(`sandbox.${String(key)}`, value), true),
});

let language = remembered.language || (navigator.language.startsWith("ru") ? "ru" : "en");
let accounts = null;
let chats = [];
let contacts = [];
// A customer that was added and has not written yet.
let fresh = null;
const t = (key) => texts[language][key] ?? key;

async function call(method, path, body) {
  const options = { method, headers: {} };
  if (body !== undefined) {
    options.headers["content-type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  const answer = await fetch(`/_sandbox${path}`, options);
  const json = await answer.json().catch(() => null);
  if (!answer.ok) throw new Error(json?.error ?? `HTTP ${answer.status}`);
  return json;
}

let noticeTimer = 0;
function notice(text) {
  $("notice").textContent = text;
  $("notice").hidden = false;
  clearTimeout(noticeTimer);
  noticeTimer = setTimeout(() => { $("notice").hidden = true; }, 8000);
}

const attempt = (work) => async (event) => {
  event?.preventDefault();
  try {
    await work(event);
  } catch (error) {
    notice(t("failed").replace("{why}", error.message));
  }
};

function element(name, className, text) {
  const node = document.createElement(name);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

// Replaces the options of a list and keeps what was chosen if it is still there.
function fill(select, options, wanted, empty) {
  const same = JSON.stringify(options);
  if (select.dataset.options !== same + language) {
    select.dataset.options = same + language;
    const nodes = options.map(([value, label]) => {
      const option = element("option", "", label);
      option.value = value;
      return option;
    });
    if (nodes.length === 0) {
      const option = element("option", "", empty ?? "—");
      option.value = "";
      nodes.push(option);
    }
    select.replaceChildren(...nodes);
  }
  select.disabled = options.length === 0;
  const has = options.some(([value]) => value === wanted);
  select.value = has ? wanted : (options[0]?.[0] ?? "");
  return select.value;
}

const time = (ms) => new Date(ms).toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit" });
const isSound = (name) => /\.(ogg|oga|opus|mp3|m4a|wav)$/i.test(name ?? "");
const isPicture = (name) => /\.(png|jpe?g|gif|webp)$/i.test(name ?? "");
const webLink = (link) => /^https?:\/\//i.test(link);

function fileNode(url, name) {
  if (!webLink(url)) return element("div", "text", url);
  if (isSound(name)) {
    const sound = element("audio", "");
    sound.controls = true;
    sound.preload = "none";
    sound.src = url;
    sound.title = name;
    return sound;
  }
  const link = element("a", "");
  link.href = url;
  link.target = "_blank";
  link.rel = "noreferrer";
  if (isPicture(name)) {
    const picture = element("img");
    picture.src = url;
    picture.alt = name;
    // A picture that grows must not push the newest message out of sight.
    picture.addEventListener("load", () => {
      const list = link.closest(".messages");
      if (list?.dataset.follows) list.scrollTop = list.scrollHeight;
    });
    link.append(picture);
  } else {
    link.textContent = name;
  }
  return link;
}

function messageNode(message) {
  const node = element("li", `message${message.mine ? " mine" : ""}${message.status === "queued" ? " queued" : ""}`);
  if (message.who) node.append(element("div", "who", message.who));
  for (const [url, name] of message.files) node.append(fileNode(url, name));
  if (message.text) node.append(element("div", "text", message.text));
  const meta = element("div", "meta");
  const stamp = element("time", "", time(message.at));
  stamp.dateTime = new Date(message.at).toISOString();
  meta.append(stamp);
  if (message.status) {
    const bad = ["failed", "noAccount", "notInGroup", "yellowCard"].includes(message.status);
    meta.append(element("span", bad ? "failed" : "", texts[language].statuses[message.status] ?? message.status));
  }
  if (message.title) meta.title = message.title;
  node.append(meta);
  return node;
}

// Only what changed is replaced, so that a screen reader says only what is new.
function show(list, messages, empty) {
  const atEnd = list.dataset.follows === "1";
  if (messages.length === 0) {
    if (list.dataset.shown !== `empty${language}`) {
      list.replaceChildren(element("li", "empty", empty));
      list.dataset.shown = `empty${language}`;
    }
    return;
  }
  list.dataset.shown = "";
  list.querySelectorAll(".empty").forEach((node) => node.remove());
  const known = new Map([...list.children].map((node) => [node.dataset.id, node]));
  let previous = null;
  for (const message of messages) {
    const state = JSON.stringify([message, language]);
    let node = known.get(message.id);
    if (!node || node.dataset.state !== state) {
      const made = messageNode(message);
      made.dataset.id = message.id;
      made.dataset.state = state;
      if (node) node.replaceWith(made);
      node = made;
    }
    known.delete(message.id);
    const place = previous ? previous.nextSibling : list.firstChild;
    if (place !== node) list.insertBefore(node, place);
    previous = node;
  }
  for (const gone of known.values()) gone.remove();
  if (atEnd) list.scrollTop = list.scrollHeight;
}

// A list follows its newest message until a person scrolls up.
for (const list of [$("phone-messages"), $("crm-messages"), $("tg-messages")]) {
  list.dataset.follows = "1";
  let top = 0;
  list.addEventListener("scroll", () => {
    const end = list.scrollHeight - list.scrollTop - list.clientHeight < 60;
    // What grows below the view is no scrolling up.
    if (end) list.dataset.follows = "1";
    else if (list.scrollTop < top) list.dataset.follows = "";
    top = list.scrollTop;
  });
}

async function refreshAccounts() {
  accounts = await call("GET", "/accounts");
  const instances = accounts.greenApi.instances;
  const id = fill($("instance"), instances.map((i) => [String(i.idInstance), `${i.name} · +${i.phone}`]), remembered.instance);
  const states = Object.entries(texts[language].states);
  const current = instances.find((i) => String(i.idInstance) === id);
  fill($("state"), states, current?.stateInstance ?? "authorized");
  $("scan").hidden = current?.stateInstance !== "notAuthorized";
  const chosen = fill($("location"), accounts.ghl.locations.map((l) => [l.locationId, l.name]), remembered.location);
  const has = accounts.ghl.locations.find((l) => l.locationId === chosen)?.providers;
  fill($("provider"), Object.entries(texts[language].providers), has?.default ? (has.extra ? "both" : "default") : "extra");
}

async function refreshPhone() {
  const id = $("instance").value;
  if (!id) return;
  chats = await call("GET", `/green-api/${id}/chats`);
  if (fresh && !chats.some((c) => c.chatId === fresh.chatId)) chats.unshift(fresh);
  const label = (c) => `${c.name || t("someone")} · ${c.chatId.split("@")[0]}`;
  const chat = fill($("customer"), chats.map((c) => [c.chatId, label(c)]), remembered.customer, t("noCustomer"));
  for (const field of ["customer-text", "customer-file", "mark-read"]) $(field).disabled = !chat;
  $("customer-writes").querySelector("[type=submit]").disabled = !chat;
  if (!chat) return show($("phone-messages"), [], t("emptyPhone"));
  const [arrived, queued] = await Promise.all([
    call("GET", `/green-api/${id}/phone/${encodeURIComponent(chat)}`),
    call("GET", `/green-api/${id}/queue`),
  ]);
  const waiting = queued.filter((m) => m.chatId === chat);
  show($("phone-messages"), [...arrived, ...waiting].map((m) => ({
    id: m.idMessage,
    mine: m.direction === "incoming",
    who: chat.endsWith("@g.us") && m.direction === "incoming" ? m.senderName || m.sender : "",
    text: m.text,
    files: m.file ? [[m.file.url, m.file.name]] : [],
    at: m.at_ms,
    status: m.status,
  })), t("emptyPhone"));
}

const digits = (text) => (text ?? "").replace(/\D/g, "");

async function refreshCrm() {
  const location = $("location").value;
  if (!location) return;
  const [people, conversations] = await Promise.all([
    call("GET", `/ghl/${location}/contacts`),
    call("GET", `/ghl/${location}/conversations`),
  ]);
  contacts = people;
  // The conversation of the chosen customer comes to the front by itself.
  const customer = digits($("customer").value.split("@")[0]);
  const own = contacts.find((c) => customer && digits(c.phone) === customer);
  const wanted = remembered.contactOf === $("customer").value && remembered.contact ? remembered.contact : own?.contactId ?? remembered.contact;
  const chosen = fill($("contact"), contacts.map((c) => [c.contactId, `${c.name || t("someone")} · ${c.phone}`]), wanted, t("noContact"));
  const contact = contacts.find((c) => c.contactId === chosen);
  for (const field of ["agent-text", "agent-link"]) $(field).disabled = !contact;
  $("agent-writes").querySelector("[type=submit]").disabled = !contact;
  const card = $("contact-card");
  card.replaceChildren();
  if (contact) {
    card.append(element("strong", "", contact.name || t("someone")), element("span", "", contact.phone));
    for (const tag of contact.tags) card.append(element("span", "tag", tag));
    if (contact.tags.length === 0) card.append(element("span", "tag", t("noTags")));
  }
  const messages = conversations.find((c) => c.contactId === chosen)?.messages ?? [];
  show($("crm-messages"), messages.map((m) => ({
    id: m.messageId,
    mine: m.direction === "outbound",
    who: "",
    text: m.message,
    files: m.attachments.map((url) => [url, decodeURIComponent(url.split("/").pop().split("?")[0]) || url]),
    at: m.at_ms,
    status: m.direction === "outbound" ? m.status : "",
    title: m.error?.message ?? "",
  })), t("emptyCrm"));
}

const refreshTelegram = telegramPane({ $, call, fill, show, attempt, toBase64, remembered, t });

// One refresh at a time; news during one lead to another.
let running = false;
let again = false;
async function refresh() {
  if (running) {
    again = true;
    return;
  }
  running = true;
  try {
    do {
      again = false;
      await refreshAccounts();
      await refreshPhone();
      await refreshCrm();
      await refreshTelegram();
    } while (again);
  } catch {
    // The connection's badge says it.
  } finally {
    running = false;
  }
}
let timer = 0;
const soon = () => {
  clearTimeout(timer);
  timer = setTimeout(refresh, 60);
};

function connect() {
  const badge = $("connection");
  const say = (live) => {
    badge.className = `badge ${live ? "live" : "lost"}`;
    badge.textContent = t(live ? "live" : "lost");
    badge.dataset.live = live ? "1" : "";
  };
  say(false);
  badge.textContent = "…";
  const events = new EventSource("/_sandbox/events");
  events.addEventListener("changed", soon);
  events.addEventListener("open", () => {
    say(true);
    soon();
  });
  events.addEventListener("error", () => {
    say(false);
    // The browser gives up after some errors; we do not.
    if (events.readyState === EventSource.CLOSED) setTimeout(connect, 2000);
  });
}

function speak() {
  document.documentElement.lang = language;
  document.title = t("title");
  for (const node of document.querySelectorAll("[data-text]")) node.textContent = t(node.dataset.text);
  $("language").value = language;
  const badge = $("connection");
  if (badge.classList.contains("live")) badge.textContent = t("live");
}

function toBase64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).split(",")[1] ?? "");
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}

$("language").addEventListener("change", () => {
  language = remembered.language = $("language").value;
  speak();
  soon();
});
for (const [id, key] of [["instance", "instance"], ["customer", "customer"], ["location", "location"]]) {
  $(id).addEventListener("change", () => {
    remembered[key] = $(id).value;
    if (id === "customer") remembered.contact = "";
    soon();
  });
}
$("contact").addEventListener("change", () => {
  remembered.contact = $("contact").value;
  remembered.contactOf = $("customer").value;
  soon();
});
$("state").addEventListener("change", attempt(() =>
  call("PUT", `/green-api/${$("instance").value}/state`, { stateInstance: $("state").value })));

$("provider").addEventListener("change", attempt(() => {
  const shape = $("provider").value;
  const providers = { extra: shape !== "default", default: shape !== "extra" };
  return call("PUT", `/ghl/${$("location").value}/providers`, providers);
}));

$("scan").addEventListener("click", attempt(() =>
  call("POST", `/green-api/${$("instance").value}/scan`, {})));

$("new-customer").addEventListener("submit", attempt(async () => {
  const chatId = `${digits($("new-phone").value)}@c.us`;
  fresh = { chatId, name: $("new-name").value.trim(), text: "", at_ms: 0 };
  remembered.customer = chatId;
  remembered.contact = "";
  $("new-customer").reset();
  await refresh();
  $("customer-text").focus();
}));

$("customer-writes").addEventListener("submit", attempt(async () => {
  const chat = chats.find((c) => c.chatId === $("customer").value);
  const text = $("customer-text").value;
  const picked = $("customer-file").files[0];
  if (!chat || (!text.trim() && !picked)) return;
  const body = { from: chat.chatId, text };
  if (chat.chatId.endsWith("@g.us")) {
    Object.assign(body, { from: "79005550099", group: { id: chat.chatId, name: chat.name } });
  }
  if (fresh?.chatId === chat.chatId && fresh.name) body.name = fresh.name;
  if (picked) body.file = { name: picked.name, mime: picked.type || undefined, base64: await toBase64(picked) };
  await call("POST", `/green-api/${$("instance").value}/incoming`, body);
  $("customer-writes").reset();
  $("customer-text").focus();
}));

$("mark-read").addEventListener("click", attempt(() =>
  call("POST", `/green-api/${$("instance").value}/phone/${encodeURIComponent($("customer").value)}/read`)));

$("agent-writes").addEventListener("submit", attempt(async () => {
  const message = $("agent-text").value;
  const link = $("agent-link").value.trim();
  const contactId = $("contact").value;
  if (!contactId || (!message.trim() && !link)) return;
  const body = { locationId: $("location").value, contactId, message, attachments: link ? [link] : [] };
  $("agent-writes").reset();
  $("agent-text").focus();
  const sent = await call("POST", "/ghl/reply", body);
  if (sent.status === null) notice(t("unanswered"));
  else if (sent.status < 200 || sent.status > 299) notice(t("answered").replace("{status}", sent.status));
}));

// Enter sends, Shift+Enter makes a new line.
for (const id of ["customer-text", "agent-text", "tg-text"]) {
  $(id).addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      event.target.form.requestSubmit();
    }
  });
}

speak();
connect();
