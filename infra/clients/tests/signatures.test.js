// Signatures of webhooks, made and checked by Node's own crypto and by GoHighLevel's client.
import assert from "node:assert/strict";
import crypto from "node:crypto";
import { test } from "node:test";
import HighLevelModule from "@gohighlevel/api-client";
import { accounts, app, control } from "./support.js";

const key = crypto.createPrivateKey({
  key: Buffer.from(accounts.ghl.signingKeyPkcs8, "base64"),
  format: "der",
  type: "pkcs8",
});

/** An event that changes nothing: another app's. */
const event = JSON.stringify({ type: "INSTALL", appId: "another-app", locationId: "nowhere", note: "naïve ☂" });

async function post(body, headers) {
  const answer = await fetch(`${app}/webhooks/ghl`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body,
  });
  return answer.status;
}

const sign = (body, by = key) => crypto.sign(null, Buffer.from(body), by).toString("base64");

// AC 40
test("a signature of Node's crypto is taken for what it signs and for nothing else", async () => {
  assert.equal(await post(event, { "x-ghl-signature": sign(event) }), 200);
  const other = crypto.generateKeyPairSync("ed25519").privateKey;
  for (const headers of [
    {},
    { "x-ghl-signature": sign(`${event} `) },
    { "x-ghl-signature": sign(event, other) },
    { "x-ghl-signature": "N/A" },
  ]) {
    assert.equal(await post(event, headers), 401, JSON.stringify(headers));
  }
});

test("what the sandbox signs, Node's crypto and GoHighLevel's client find right", async () => {
  const deliveries = await control("GET", "/deliveries?provider=ghl");
  const signed = deliveries.filter(({ signature }) => signature);
  assert.ok(signed.length > 0, "nothing was delivered");
  const { HighLevel } = HighLevelModule;
  const client = new HighLevel({ privateIntegrationToken: "none", webhookPublicKey: accounts.ghl.publicKeyPem });
  for (const { body, signature } of signed) {
    const text = JSON.stringify(body);
    assert.ok(crypto.verify(null, Buffer.from(text), accounts.ghl.publicKeyPem, Buffer.from(signature, "base64")), text);
    assert.ok(client.webhooks.verifyEd25519Signature(text, signature, accounts.ghl.publicKeyPem), text);
  }
});
