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

/**
 * Fails the build when the first view of an entry needs more JavaScript than it may. A first view is
 * the entry with one language, and the heaviest language is the one that counts.
 */
export function budget(limits: Record<string, number>, isLanguage: (path: string) => boolean): Plugin {
  return {
    name: "first-view-budget",
    apply: "build",
    generateBundle(_options, bundle) {
      const chunks = new Map<string, Chunk>();
      for (const part of Object.values(bundle)) {
        if (part.type === "chunk") chunks.set(part.fileName, part);
      }
      const all = [...chunks.values()];
      const languages = all.filter((chunk) => isLanguage(chunk.facadeModuleId ?? ""));
      if (languages.length === 0) this.error("there is no language");
      for (const [name, limit] of Object.entries(limits)) {
        const entry = all.find((chunk) => chunk.isEntry && chunk.name === name);
        if (!entry) this.error(`there is no entry ${name}`);
        const bytes = Math.max(...languages.map((language) => weight([entry, language], chunks)));
        const words = `first view of ${name}: ${bytes} bytes of JavaScript gzipped, limit ${limit}`;
        if (bytes > limit) this.error(words);
        this.info(words);
      }
    },
  };
}
