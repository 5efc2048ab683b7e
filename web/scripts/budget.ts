import { gzipSync } from "node:zlib";
import type { Plugin } from "vite";

/** The parts of a bundle that count. */
export interface Chunk {
  name: string;
  fileName: string;
  isEntry: boolean;
  imports: readonly string[];
  code: string;
  facadeModuleId: string | null;
}

/** Gzipped bytes of JavaScript that a browser fetches for some chunks and what they import. */
export function weight(roots: readonly Chunk[], chunks: ReadonlyMap<string, Chunk>): number {
  const seen = new Set<string>();
  const visit = (chunk: Chunk | undefined): number => {
    if (!chunk || seen.has(chunk.fileName)) return 0;
    seen.add(chunk.fileName);
    const below = chunk.imports.map((name) => visit(chunks.get(name)));
    return below.reduce((sum, bytes) => sum + bytes, gzipSync(chunk.code, { level: 9 }).length);
  };
  return roots.reduce((sum, chunk) => sum + visit(chunk), 0);
}

/** What a page may weigh, and the folders of the texts that it fetches one of for each language. */
export interface Budget {
  limit: number;
  texts: readonly string[];
}

/** The chunks of a page's texts, language by language. */
export function languages(chunks: readonly Chunk[], texts: readonly string[]): Chunk[][] {
  const found = new Map<string, Chunk[]>();
  for (const chunk of chunks) {
    const [, folder = "", language = ""] = /(.*)\/([a-z]{2})\.ts$/.exec(chunk.facadeModuleId ?? "") ?? [];
    if (!texts.some((text) => folder.endsWith(`/${text}`))) continue;
    found.set(language, [...(found.get(language) ?? []), chunk]);
  }
  return [...found.values()];
}

/**
 * Fails the build when the first view of an entry needs more JavaScript than it may. A first view is
 * the entry with one language, and the heaviest language is the one that counts.
 */
export function budget(pages: Record<string, Budget>): Plugin {
  return {
    name: "first-view-budget",
    apply: "build",
    generateBundle(_options, bundle) {
      const chunks = new Map<string, Chunk>();
      for (const part of Object.values(bundle)) {
        if (part.type === "chunk") chunks.set(part.fileName, part);
      }
      const all = [...chunks.values()];
      for (const [name, { limit, texts }] of Object.entries(pages)) {
        const entry = all.find((chunk) => chunk.isEntry && chunk.name === name);
        if (!entry) this.error(`there is no entry ${name}`);
        const spoken = languages(all, texts);
        const isWhole = spoken.length > 0 && spoken.every((parts) => parts.length === texts.length);
        if (!isWhole) this.error(`${name} lacks the texts of a language`);
        const bytes = Math.max(...spoken.map((parts) => weight([entry, ...parts], chunks)));
        const words = `first view of ${name}: ${bytes} bytes of JavaScript gzipped, limit ${limit}`;
        if (bytes > limit) this.error(words);
        this.info(words);
      }
    },
  };
}
