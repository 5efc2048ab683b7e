import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { crc32, deflateSync } from "node:zlib";
import type { Instance, Schemas, TestMessage, Workspace } from "../../src/api/client.ts";

type Answer = { status: number; body?: unknown; headers?: Record<string, string> };

/** A refusal as the API words it. */
export function problem(status: number, code: string, members: Record<string, unknown> = {}): Answer {
  const body = { type: `urn:greenhub:problem:${code}`, status, code, title: `Title of ${code}`, ...members };
  return { status, body };
}

let made = 0;

/** The last message, two minutes ago, and what waits. */
export function activity(whatsapp = 0, crm = 0): NonNullable<Instance["activity"]> {
  return { lastMessageAt: new Date(Date.now() - 150_000).toISOString(), waiting: { whatsapp, crm } };
}

/** A number that works, but for what is said otherwise. */
export function number(members: Partial<Instance> = {}): Instance {
  made += 1;
  const idInstance = String(1_101_000_000 + made);
  return {
    id: made.toString(16).padStart(32, "0"),
    idInstance,
    name: "Sales",
    state: "authorized",
    stateSince: "2026-11-20T10:00:00.000Z",
    phone: "+17135146416",
    createdAt: "2026-11-01T09:00:00.000Z",
    configured: true,
    pause: null,
    sending: { allowed: "all", reason: null, text: null },
    isDefault: false,
    apiUrl: `https://${idInstance.slice(0, 4)}.api.greenapi.com/`,
    mediaUrl: null,
    webhookBefore: null,
    settings: {
      delaySendMessagesMilliseconds: 500,
      markIncomingMessagesReadedOnReply: true,
      calls: "each_event",
      newContactsPerDay: 0,
      autoReply: { on: false, text: "", everyHours: 24, hours: null },
    },
    activity: activity(),
    ...members,
  };
}

/** A grey picture of squares that looks like a code and is none. */
export const PICTURE = `data:image/png;base64,${squares(33).toString("base64")}`;

function squares(size: number): Buffer {
  const isDark = (x: number, y: number): boolean => {
    const [inner, last] = [Math.min(x, y) >= 4 && Math.max(x, y) < size - 4, size - 5];
    const corner = [[4, 4], [last - 6, 4], [4, last - 6]].find(([left = 0, top = 0]) => x >= left && x <= left + 6 && y >= top && y <= top + 6);
    if (!corner) return inner && (x * 7 + y * 13 + ((x * y) % 5) * 3) % 4 < 2;
    const ring = Math.max(Math.abs(x - (corner[0] ?? 0) - 3), Math.abs(y - (corner[1] ?? 0) - 3));
    return ring !== 2;
  };
  const rows = Array.from({ length: size }, (_, y) => [0, ...Array.from({ length: size }, (_, x) => (isDark(x, y) ? 0 : 255))]);
  const chunk = (type: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const frame = Buffer.alloc(8);
    frame.writeUInt32BE(data.length, 0);
    frame.writeUInt32BE(crc32(body), 4);
    return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(size, 0);
  head.writeUInt32BE(size, 4);
  head.writeUInt8(8, 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", head),
    chunk("IDAT", deflateSync(Buffer.from(rows.flat()))),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

export interface Call {
  method: string;
  path: string;
  body: unknown;
  token: string;
}

/**
 * The API in memory, of one workspace. It has the document's types and none of its rules: what it
 * answers is what a test asks for.
 */
export class MockApi {
  instances: Instance[] = [];
  workspace: Workspace = {
    id: "w".repeat(32),
    name: "Acme Plumbing",
    lang: "en",
    country: "US",
    routing: { order: ["last_conversation", "tag", "default"], defaultInstance: null },
  };
  person: Schemas["Session"] = {
    expiresIn: 900,
    workspace: this.workspace.id,
    workspaceName: this.workspace.name,
    locationId: "L1",
    userName: "Alice",
    role: "admin",
    isAdmin: true,
    lang: "en",
    connected: true,
    install: {
      state: "active",
      problem: null,
      refreshedAt: new Date(Date.now() - 3_600_000).toISOString(),
    },
  };
  config: Schemas["PageConfig"] = { parentOrigins: [], installUrl: "https://marketplace.example/install" };
  qr: Schemas["Qr"] = { status: "wait", reason: "", pollAfterMs: 2000 };
  message: TestMessage = {
    id: "m1",
    status: "queued",
    reason: null,
    crm: "waiting",
    crmReason: null,
    createdAt: new Date().toISOString(),
  };

  secret: Schemas["WorkflowSecret"] = { secret: null, createdAt: null };

  readonly calls: Call[] = [];
  /** Tokens that are let in. */
  readonly tokens = new Set<string>();
  readonly contexts: string[] = [];
  readonly #instead = new Map<string, Answer[]>();
  /** Every answer comes so much later. */
  delayMs = 0;

  /** The next answers of a route are these: `refuse("POST /api/instances", problem(…))`. */
  refuse(route: string, ...answers: Answer[]): void {
    this.#instead.set(route, answers);
  }

  count(route: string): number {
    return this.calls.filter((call) => `${call.method} ${call.path}` === route).length;
  }

  last(route: string): Call {
    const found = this.calls.findLast((call) => `${call.method} ${call.path}` === route);
    if (!found) throw new Error(`${route} was not called`);
    return found;
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://localhost");
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const token = (request.headers.authorization ?? "").replace(/^Bearer /, "");
    const call: Call = {
      method: request.method ?? "",
      path: url.pathname,
      body: text ? JSON.parse(text) : undefined,
      token,
    };
    this.calls.push(call);
    if (this.delayMs) await new Promise((resolve) => setTimeout(resolve, this.delayMs));
    const instead = this.#instead.get(`${call.method} ${call.path}`)?.shift();
    const answer = instead ?? this.#answer(call, url);
    const type = answer.status >= 400 ? "application/problem+json" : "application/json";
    response.writeHead(answer.status, {
      "content-type": type,
      "cache-control": "no-store",
      "apigw-requestid": "ref-1",
      ...answer.headers,
    });
    response.end(answer.body === undefined ? undefined : JSON.stringify(answer.body));
  }

  #answer(call: Call, url: URL): Answer {
    const { method, path, body } = call;
    const ok = (value: unknown, status = 200): Answer => ({ status, body: value });
    if (path === "/api/page-config") return ok(this.config);
    if (path === "/api/session/ghl") {
      this.contexts.push((body as Schemas["Context"]).encryptedData);
      const token = randomUUID();
      this.tokens.add(token);
      return ok({ ...this.person, token } satisfies Schemas["NewSession"]);
    }
    if (!this.tokens.has(call.token)) return problem(401, "sign_in_needed");
    if (path === "/api/session") return ok(this.person);
    if (path === "/api/workflow-secret") {
      if (!this.person.isAdmin) return problem(403, "admin_needed");
      if (method === "GET") return ok(this.secret);
      this.secret = { secret: `secret-${randomUUID()}`, createdAt: new Date().toISOString() };
      return ok(this.secret, 201);
    }
    if (path === "/api/workspace") {
      if (method === "PATCH") {
        const change = body as Schemas["WorkspaceChange"];
        const routing = { ...this.workspace.routing, ...change.routing } as Workspace["routing"];
        this.workspace = { ...this.workspace, ...change, routing } as Workspace;
        this.instances = this.instances.map((one) => ({
          ...one,
          isDefault: one.id === routing.defaultInstance,
        }));
      }
      return ok(this.workspace);
    }
    if (path === "/api/instances") {
      if (method === "GET") {
        const isAsked = url.searchParams.get("activity") === "true";
        const instances = isAsked ? this.instances : this.instances.map((one) => ({ ...one, activity: null }));
        return ok({ instances } satisfies Schemas["Instances"]);
      }
      const { idInstance, name } = body as Schemas["NewInstance"];
      const added = number({
        idInstance: String(idInstance),
        name: name ?? `WhatsApp ${idInstance}`,
        state: "notAuthorized",
        phone: null,
        activity: null,
      });
      this.instances = [added, ...this.instances];
      return ok(added, 201);
    }
    const [, , , id = "", ...rest] = path.split("/");
    const found = this.instances.find((one) => one.id === id);
    if (!found) return problem(404, "not_found");
    return this.#ofNumber(found, `${method} ${rest.join("/")}`, body) ?? problem(404, "not_found");
  }

  #ofNumber(found: Instance, what: string, body: unknown): Answer | undefined {
    const put = (members: Partial<Instance>): Answer => {
      const changed = { ...found, ...members };
      this.instances = this.instances.map((one) => (one.id === found.id ? changed : one));
      return { status: 200, body: { ...changed, activity: null } };
    };
    switch (what) {
      case "GET ":
      case "POST check":
        return put({});
      case "PATCH ": {
        const { name, settings } = body as Schemas["InstanceChange"];
        const changed = { ...found.settings, ...settings } as Instance["settings"];
        return put({ ...(name && { name }), settings: changed });
      }
      case "DELETE ":
        this.instances = this.instances.filter((one) => one.id !== found.id);
        return { status: 204 };
      case "PUT access":
        return put({ pause: null });
      case "GET qr":
        return { status: 200, body: this.qr };
      case "POST pairing-code":
        return { status: 200, body: { code: "GAPI2015", phone: "+79005550123" } satisfies Schemas["PairingCode"] };
      case "POST logout":
        return put({ state: "notAuthorized", phone: null });
      case "POST reboot":
        return put({ state: "starting" });
      case "POST test-message":
        return { status: 202, body: this.message };
      case `GET test-message/${this.message.id}`:
        return { status: 200, body: this.message };
    }
    return undefined;
  }
}
