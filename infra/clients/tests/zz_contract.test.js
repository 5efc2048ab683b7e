// Every request that Greenhub has sent to GoHighLevel's interface since the sandbox began is one of
// GoHighLevel's own OpenAPI documents, which `CORPUS` names the folder of. Runs last.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import Ajv from "ajv";
import formats from "ajv-formats";
import { control } from "./support.js";

const corpus = process.env.CORPUS ?? path.join(import.meta.dirname, "../../../../shared/corpus");
const folder = path.join(corpus, "gohighlevel/openapi");
const METHODS = ["get", "put", "post", "delete", "patch"];

/** Calls that the documents do not know, each with what tells of it. */
const ELSEWHERE = [
  // The multipart form of a file: the record has no fields of it.
  { method: "POST", path: /^\/conversations\/messages\/upload$/ },
];

const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: true });
formats.default?.(ajv) ?? formats(ajv);

const documents = fs
  .readdirSync(folder)
  .filter((name) => name.endsWith(".json"))
  .map((name) => {
    const document = JSON.parse(fs.readFileSync(path.join(folder, name), "utf8"), nullable);
    ajv.addSchema(document, name);
    return { name, document };
  });

/** OpenAPI 3.0 says `nullable` where JSON Schema says another type. */
function nullable(_key, value) {
  if (value?.nullable === true && typeof value.type === "string") {
    return { ...value, type: [value.type, "null"], ...(value.enum ? { enum: [...value.enum, null] } : {}) };
  }
  return value;
}

const pointer = (...steps) => steps.map((step) => `/${encodeURIComponent(step.replaceAll("~", "~0").replaceAll("/", "~1"))}`).join("");

const operations = documents.flatMap(({ name, document }) =>
  Object.entries(document.paths).flatMap(([template, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({
      method: method.toUpperCase(),
      isV3: name.includes("-v3"),
      template,
      pattern: new RegExp(`^${template.replace(/\/$/, "").replace(/\{[^}]+\}/g, "[^/]+")}/?$`),
      literals: template.replace(/\{[^}]+\}/g, "").length,
      parameters: [...(item.parameters ?? []), ...(item[method].parameters ?? [])],
      body: item[method].requestBody,
      ref: `${encodeURIComponent(name)}#${pointer("paths", template, method, "requestBody", "content")}`,
      document,
    })),
  ),
);

function operationOf(call) {
  const isV3 = call.headers.version === "v3";
  const fit = operations.filter((it) => it.method === call.method && it.pattern.test(call.path));
  // The one with the most of the address in its own words.
  return fit.sort((a, b) => Number(b.isV3 === isV3) - Number(a.isV3 === isV3) || b.literals - a.literals)[0];
}

function resolve(document, schema) {
  let found = schema;
  while (found?.$ref) {
    found = found.$ref
      .slice(2)
      .split("/")
      .reduce((at, step) => at[step.replaceAll("~1", "/").replaceAll("~0", "~")], document);
  }
  return found;
}

/** The names that a schema has for an object's fields; `undefined` if it takes any. */
function fields(document, schema) {
  const it = resolve(document, schema);
  const parts = [...(it.allOf ?? []), ...(it.oneOf ?? []), ...(it.anyOf ?? [])].filter((part) => {
    const found = resolve(document, part);
    return found.properties || found.allOf || found.oneOf || found.anyOf;
  });
  if (it.properties === undefined && parts.length === 0) return undefined;
  return new Set([...Object.keys(it.properties ?? {}), ...parts.flatMap((part) => [...(fields(document, part) ?? [])])]);
}

function wrongs(call) {
  const operation = operationOf(call);
  if (!operation) return ["no document has it"];
  const found = [];
  const queries = new Map();
  for (const told of operation.parameters) {
    const parameter = resolve(operation.document, told);
    if (parameter.in === "query") queries.set(parameter.name, parameter);
    const given = { query: call.query, header: call.headers }[parameter.in];
    const value = given?.[parameter.in === "header" ? parameter.name.toLowerCase() : parameter.name];
    if (given && parameter.required && value === undefined) found.push(`${parameter.in} ${parameter.name} is missing`);
    const among = resolve(operation.document, parameter.schema)?.enum;
    if (value !== undefined && among && !among.map(String).includes(String(value))) {
      found.push(`${parameter.in} ${parameter.name} is ${value}, not one of ${among}`);
    }
  }
  for (const name of Object.keys(call.query)) {
    if (!queries.has(name)) found.push(`query ${name} is unknown`);
  }
  const content = operation.body && resolve(operation.document, operation.body).content;
  if (!content) {
    if (call.body !== null) found.push("it has a body");
    return found;
  }
  const type = Object.keys(content).find((name) => call.headers["content-type"]?.startsWith(name));
  if (!type) return [...found, `${call.headers["content-type"]} is none of ${Object.keys(content)}`];
  const body = type.includes("urlencoded") ? Object.fromEntries(new URLSearchParams(call.body)) : call.body;
  const check = ajv.compile({ $ref: `${operation.ref}${pointer(type, "schema")}` });
  if (!check(body)) found.push(...check.errors.map((error) => `${error.instancePath} ${error.message}`));
  const known = fields(operation.document, content[type].schema);
  for (const name of Object.keys(body ?? {})) {
    if (known && !known.has(name)) found.push(`field ${name} is unknown`);
  }
  return found;
}

test("every request to GoHighLevel is one of its own documents", async (t) => {
  assert.ok(documents.length > 0, `no documents in ${folder}`);
  const all = await control("GET", "/calls?provider=ghl");
  // GoHighLevel's own client, and people's browsers, are not ours to judge.
  const ours = all.filter((call) => !call.headers["x-sdk-version"] && !call.path.endsWith("/chooselocation"));
  const judged = ours.filter((call) => !ELSEWHERE.some((it) => it.method === call.method && it.path.test(call.path)));
  const kinds = new Map();
  const broken = new Map();
  for (const call of judged) {
    const kind = `${call.method} ${operationOf(call)?.template ?? call.path}`;
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    for (const wrong of wrongs(call)) broken.set(`${kind}: ${wrong}`, call.body);
  }
  t.diagnostic([...kinds].map(([kind, n]) => `${n} ${kind}`).join("; "));
  assert.ok(kinds.has("POST /conversations/messages/inbound"), "no message was sent");
  assert.deepEqual(Object.fromEntries(broken), {});
});
