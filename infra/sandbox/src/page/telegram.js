// The third pane: a channel or group in Telegram, the bot's posts in it, and what a manager writes.

export function telegramPane({ $, call, fill, show, attempt, toBase64, remembered, t }) {
  // The post that is being answered; none answers nothing.
  let replyTo = null;
  const chatId = () => $("tg-chat").value;

  function sayReply() {
    $("tg-reply").textContent = replyTo === null ? t("tgNoReply") : t("tgReplyTo").replace("{id}", replyTo);
    $("tg-no-reply").hidden = replyTo === null;
  }

  async function refresh() {
    const chats = (await call("GET", "/telegram/chats")).filter((chat) => chat.kind !== "private");
    const chosen = fill($("tg-chat"), chats.map((chat) => [String(chat.id), chat.title]), remembered.tgChat);
    if (!chosen) return;
    const chat = await call("GET", `/telegram/chats/${chosen}`);
    const places = Object.entries(t("tgPlaces"));
    fill($("tg-bot"), places, chat.bot);
    const topics = Object.entries(chat.topics).map(([id, name]) => [id, name]);
    $("tg-topic").closest("label").hidden = topics.length === 0;
    fill($("tg-topic"), [["", t("tgGeneral")], ...topics], remembered.tgTopic);
    if (!chat.messages.some((message) => message.message_id === replyTo)) replyTo = null;
    sayReply();
    show($("tg-messages"), chat.messages.map((message) => ({
      id: String(message.message_id),
      mine: !message.from_bot,
      who: message.from_bot ? t("tgBot") : message.author ?? "",
      text: message.text,
      files: [
        ...(message.file ? [[message.file.url, message.file.name]] : []),
        ...message.buttons.filter((button) => button.url).map((button) => [button.url, `↗ ${button.text}`]),
      ],
      at: message.at_ms,
      status: [
        message.reply_to ? `↩ ${message.reply_to}` : "",
        message.thread ? `# ${chat.topics[message.thread] ?? message.thread}` : "",
        message.edited ? "✎" : "",
        ...message.reactions,
      ].filter(Boolean).join(" "),
    })), t("tgEmpty"));
  }

  $("tg-chat").addEventListener("change", attempt(async () => {
    remembered.tgChat = chatId();
    replyTo = null;
    await refresh();
  }));
  $("tg-topic").addEventListener("change", () => { remembered.tgTopic = $("tg-topic").value; });
  $("tg-bot").addEventListener("change", attempt(() =>
    call("PUT", `/telegram/chats/${chatId()}/bot`, { status: $("tg-bot").value })));

  // A message is chosen by a click or, from the keyboard, by its number.
  $("tg-messages").addEventListener("click", (event) => {
    const node = event.target.closest("li[data-id]");
    if (!node || event.target.closest("a")) return;
    replyTo = Number(node.dataset.id);
    sayReply();
    $("tg-text").focus();
  });
  $("tg-last").addEventListener("click", attempt(async () => {
    const chat = await call("GET", `/telegram/chats/${chatId()}`);
    replyTo = chat.messages.findLast((message) => message.from_bot)?.message_id ?? null;
    sayReply();
    $("tg-text").focus();
  }));
  $("tg-no-reply").addEventListener("click", () => {
    replyTo = null;
    sayReply();
  });

  const kindOf = (file) => {
    if (file.type === "image/webp") return "sticker";
    if (file.type.startsWith("image/")) return "photo";
    if (file.type.startsWith("video/")) return "video";
    if (file.type === "audio/ogg") return "voice";
    if (file.type.startsWith("audio/")) return "audio";
    return "document";
  };

  $("manager-writes").addEventListener("submit", attempt(async () => {
    const text = $("tg-text").value;
    const picked = $("tg-file").files[0];
    if (!chatId() || (!text.trim() && !picked)) return;
    const body = { text };
    if (replyTo !== null) body.reply_to = replyTo;
    if ($("tg-topic").value) body.thread = Number($("tg-topic").value);
    if (picked) {
      body.file = { kind: kindOf(picked), name: picked.name, mime: picked.type, base64: await toBase64(picked) };
    }
    await call("POST", `/telegram/chats/${chatId()}/write`, body);
    $("manager-writes").reset();
    await refresh();
    $("tg-text").focus();
  }));

  return refresh;
}
