// The user context that a custom page gets: GoHighLevel makes it with CryptoJS.
import assert from "node:assert/strict";
import { test } from "node:test";
import CryptoJS from "crypto-js";
import { accounts, control, location } from "./support.js";

test("the sandbox's context is one that CryptoJS opens", async () => {
  const answer = await control("GET", `/ghl/${location}/sso?role=admin`);
  const clear = CryptoJS.AES.decrypt(answer.payload, accounts.ghl.sharedSecret).toString(CryptoJS.enc.Utf8);
  assert.equal(JSON.parse(clear).activeLocation, location);
});
