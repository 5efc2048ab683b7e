import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

interface Locked {
  license?: string;
  hasInstallScript?: boolean;
  dev?: boolean;
}

const PERMISSIVE = ["MIT", "ISC", "Apache-2.0", "BSD-3-Clause", "0BSD", "Python-2.0", "(MIT OR CC0-1.0)"];
/** Used as they are to build and to test; nothing of them is in what is served. */
const TOOLS: Record<string, string> = {
  "axe-core": "MPL-2.0",
  lightningcss: "MPL-2.0",
};

const lock = JSON.parse(readFileSync(new URL("../package-lock.json", import.meta.url), "utf8")) as {
  packages: Record<string, Locked>;
};
const packages = Object.entries(lock.packages).filter(([path]) => path !== "");

test("every package has a permissive licence, but for two tools", () => {
  const others = packages.filter(([path, { license = "", dev }]) => {
    const name = path.split("node_modules/").pop() ?? "";
    // Lightning CSS comes as a package for each platform.
    const tool = Object.keys(TOOLS).find((tool) => name === tool || name.startsWith(`${tool}-`));
    const isTool = dev === true && tool !== undefined && TOOLS[tool] === license;
    return !PERMISSIVE.includes(license) && !isTool;
  });
  expect(others).toEqual([]);
});

test("no package runs anything while it is installed, and none names a registry", () => {
  expect(packages.filter(([, { hasInstallScript }]) => hasInstallScript)).toEqual([]);
  expect(JSON.stringify(lock)).not.toMatch(/"resolved"/);
});
