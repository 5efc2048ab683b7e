import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import headers from "../../headers.json" with { type: "json" };
import type { MockApi } from "./mock.ts";

const DIST = join(import.meta.dirname, "../../dist");
const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};

type Handler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

export interface Running {
  origin: string;
  stop(): Promise<void>;
}

/** `host` makes the origin: two of them are two sites to the browser. */
async function listen(handler: Handler, host: "localhost" | "127.0.0.1"): Promise<Running> {
  const server: Server = createServer((request, response) => {
    Promise.resolve(handler(request, response)).catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://${host}:${port}`,
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** The built site with the headers that it has in earnest, and an API that a test decides about. */
export function site(api: MockApi, parents: () => readonly string[]): Promise<Running> {
  return listen(async (request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    if (pathname.startsWith("/api/")) return api.handle(request, response);
    const isPage = /^\/app\/[a-z-]+$/.test(pathname);
    const path = normalize(join(DIST, isPage ? `${pathname}.html` : pathname));
    const { app, other } = headers.policy;
    const policy = isPage ? app.replace("{parents}", parents().join(" ")) : other;
    try {
      const file = readFileSync(path);
      response.writeHead(200, {
        ...headers.everywhere,
        "content-type": TYPES[extname(path)] ?? "application/octet-stream",
        "content-security-policy": policy,
        "cache-control": pathname.startsWith("/assets/") ? headers.cache.assets : headers.cache.other,
      });
      response.end(file);
    } catch {
      response.writeHead(404).end();
    }
  }, "localhost");
}

/** A page of the CRM that shows the site in a frame and answers its question. */
export function crm(page: string): Promise<Running> {
  const html = `<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>CRM</title>
    <style>body{margin:0}iframe{border:0;display:block;inline-size:100vw;block-size:100vh}</style>
    <iframe title="Custom page" src="${page}"></iframe>
    <script>
      window.answers = new URLSearchParams(location.search).get("answers") !== "no";
      let count = 0;
      addEventListener("message", (event) => {
        if (event.data?.message !== "REQUEST_USER_DATA" || !window.answers) return;
        const payload = "context-" + ++count;
        event.source.postMessage({ message: "REQUEST_USER_DATA_RESPONSE", payload }, event.origin);
      });
    </script>`;
  return listen((_request, response) => {
    response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(html);
  }, "127.0.0.1");
}
