// GoHighLevel's own client reads back what Greenhub has put there.
import assert from "node:assert/strict";
import { test } from "node:test";
import HighLevelModule from "@gohighlevel/api-client";
import { accounts, app, control, instance, location, sandbox, until } from "./support.js";

const { HighLevel } = HighLevelModule;
HighLevel.BASE_URL = sandbox;

async function connect() {
  const consent = new URL(`${sandbox}/oauth/chooselocation`);
  consent.search = new URLSearchParams({
    response_type: "code",
    client_id: accounts.ghl.clientId,
    redirect_uri: `${app}/oauth/callback`,
    location_id: location,
  }).toString();
  const chosen = await fetch(consent, { redirect: "manual" });
  const code = new URL(chosen.headers.get("location")).searchParams.get("code");
  const asApp = new HighLevel({ clientId: accounts.ghl.clientId, clientSecret: accounts.ghl.clientSecret });
  const tokens = await asApp.oauth.getAccessToken({
    client_id: accounts.ghl.clientId,
    client_secret: accounts.ghl.clientSecret,
    grant_type: "authorization_code",
    code,
    user_type: "Location",
  });
  assert.equal(tokens.locationId, location);
  return new HighLevel({ privateIntegrationToken: tokens.access_token, apiVersion: "2021-07-28" });
}

// AC 52, AC 75
test("a message from a phone, its contact and the answer to it", async () => {
  const phone = `7900${String(Date.now()).slice(-7)}`;
  await control("POST", `/green-api/${instance}/incoming`, {
    from: phone,
    name: "Ann of the clients",
    text: "can anybody read this? 🌂",
  });
  const contact = await until("the contact", async () => {
    const all = await control("GET", `/ghl/${location}/contacts`);
    return all.find((one) => one.phone === `+${phone}`);
  });
  const ghl = await connect();

  const read = await ghl.contacts.getContact({ contactId: contact.contactId ?? contact.id });
  assert.equal(read.contact.phone, `+${phone}`);
  assert.match(read.contact.firstName ?? read.contact.name ?? "", /Ann/);

  const conversation = await until("the conversation", async () => {
    const found = await ghl.conversations.searchConversation({
      locationId: location,
      contactId: read.contact.id,
    });
    return found.conversations[0];
  });
  const messages = async () => {
    const page = await ghl.conversations.getMessages({ conversationId: conversation.id });
    return page.messages.messages ?? page.messages;
  };
  const [inbound] = await messages();
  assert.equal(inbound.direction, "inbound");
  assert.equal(inbound.body, "can anybody read this? 🌂");

  await control("POST", "/ghl/reply", {
    locationId: location,
    contactId: read.contact.id,
    message: "loud and clear",
  });
  const outbound = await until("the answer to be read", async () => {
    const all = await messages();
    return all.find((one) => one.direction === "outbound" && one.status === "read");
  });
  const one = await ghl.conversations.getMessage({ id: outbound.id });
  assert.equal((one.message ?? one).body, "loud and clear");
});
