// The user context that a custom page gets: GoHighLevel makes it with CryptoJS, and so does this.
import assert from "node:assert/strict";
import { test } from "node:test";
import CryptoJS from "crypto-js";
import { accounts, app, control, location } from "./support.js";

const admin = accounts.ghl.users.find((user) => user.locationId === location && user.role === "admin");

function context(secret, more = {}) {
  const told = {
    userId: admin.userId,
    companyId: accounts.ghl.company.id,
    role: "admin",
    type: "account",
    activeLocation: location,
    userName: "Zoë Ørsted 王",
    email: admin.email,
    ...more,
  };
  return CryptoJS.AES.encrypt(JSON.stringify(told), secret).toString();
}

async function exchange(encryptedData) {
  const answer = await fetch(`${app}/api/session/ghl`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ encryptedData }),
  });
  return { status: answer.status, body: await answer.json() };
}

// AC 18
test("a context of CryptoJS opens a session, once", async () => {
  const told = context(accounts.ghl.sharedSecret);
  const { status, body } = await exchange(told);
  assert.equal(status, 200, JSON.stringify(body));
  assert.equal(body.locationId, location);
  assert.equal(body.userName, "Zoë Ørsted 王");
  assert.equal(body.isAdmin, true);
  const listed = await fetch(`${app}/api/instances`, { headers: { authorization: `Bearer ${body.token}` } });
  assert.equal(listed.status, 200);
  const again = await exchange(told);
  assert.ok(again.status >= 400 && again.status < 500, `${again.status}`);
});

// AC 19, AC 20
test("a context of another secret, or without a sub-account, opens none", async () => {
  for (const told of [
    context(`${accounts.ghl.sharedSecret}x`),
    context(accounts.ghl.sharedSecret, { activeLocation: undefined }),
  ]) {
    const { status, body } = await exchange(told);
    assert.ok(status >= 400 && status < 500, `${status}`);
    assert.equal(body.token, undefined);
  }
});

test("the sandbox's context is one that CryptoJS opens", async () => {
  const answer = await control("GET", `/ghl/${location}/sso?user=${admin.userId}&role=admin`);
  const clear = CryptoJS.AES.decrypt(answer.payload, accounts.ghl.sharedSecret).toString(CryptoJS.enc.Utf8);
  assert.equal(JSON.parse(clear).activeLocation, location);
});
