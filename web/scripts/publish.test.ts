import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "publish-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

/** Publishes with an `aws` and an `npm` that write down how they were called. */
function publish(outputs: object[], failing = ""): { status: number | null; said: string; calls: string[] } {
  for (const name of ["aws", "npm"]) {
    const path = join(dir, name);
    const describe = `case "$*" in *describe-stacks*) echo '${JSON.stringify(outputs)}';; esac`;
    const fail = failing ? `case "${name} $*" in "${failing}"*) exit 3;; esac` : "";
    writeFileSync(path, `#!/bin/sh\necho "${name} $*" >>"${dir}/calls"\n${describe}\n${fail}\n`);
    chmodSync(path, 0o755);
  }
  const env = { ...process.env, PATH: `${dir}${delimiter}${process.env["PATH"]}` };
  const script = join(import.meta.dirname, "publish.js");
  const done = spawnSync(process.execPath, [script, "my-stack"], { env, encoding: "utf8" });
  return {
    status: done.status,
    said: done.stdout + done.stderr,
    calls: readFileSync(join(dir, "calls"), "utf8").trim().split("\n"),
  };
}

const OUTPUTS = [
  { OutputKey: "SiteBucketName", OutputValue: "bucket-1" },
  { OutputKey: "SiteUrl", OutputValue: "https://site.example" },
];

test("files are published with their headers, pages last", () => {
  const { status, said, calls } = publish(OUTPUTS);
  expect(status).toBe(0);
  expect(calls).toEqual([
    "aws cloudformation describe-stacks --stack-name my-stack --query Stacks[0].Outputs --output json",
    "npm ci",
    "npm run build",
    "aws s3 cp dist/assets s3://bucket-1/assets --recursive --cache-control public, max-age=31536000, immutable",
    "aws s3 cp dist s3://bucket-1 --recursive --exclude assets/* --cache-control no-cache",
  ]);
  expect(said).toContain("published: https://site.example/app/whatsapp");
  expect(said).toContain("https://site.example/app/setup");
});

test("a stack without a site is left alone", () => {
  const { status, said, calls } = publish([]);
  expect([status, calls.length]).toEqual([1, 1]);
  expect(said).toContain("the stack my-stack has no site");
});

test("no page is published without what it refers to", () => {
  const { status, calls } = publish(OUTPUTS, "aws s3 cp dist/assets");
  expect(status).toBe(1);
  expect(calls.filter((call) => call.includes("--exclude"))).toEqual([]);
});
