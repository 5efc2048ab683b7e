// Puts the built site into the bucket of a deployed stack:
//
//     npm --prefix web run publish-site -- greenhub
//
// The AWS command line has to be there, with credentials. What is published already and is still
// used by open pages stays: files in assets/ have their content in their name.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { cache } = JSON.parse(readFileSync(`${root}/headers.json`, "utf8"));
const [stack = "greenhub"] = process.argv.slice(2);

/**
 * Runs a program to its end, or ends with it.
 * @param {string} program
 * @param {string[]} parts
 * @param {"inherit" | "pipe"} output
 */
function run(program, parts, output = "inherit") {
  const done = spawnSync(program, parts, { cwd: root, stdio: ["ignore", output, "inherit"], encoding: "utf8" });
  if (done.error) fail(`${program} cannot be run: ${done.error.message}`);
  if (done.status !== 0) fail(`${program} ${parts[0]} failed`);
  return done.stdout ?? "";
}

/**
 * @param {string} words
 * @returns {never}
 */
function fail(words) {
  console.error(words);
  process.exit(1);
}

const query = ["--query", "Stacks[0].Outputs", "--output", "json"];
/** @type {{ OutputKey: string, OutputValue: string }[]} */
const outputs = JSON.parse(run("aws", ["cloudformation", "describe-stacks", "--stack-name", stack, ...query], "pipe"));
const output = (/** @type {string} */ key) => outputs.find(({ OutputKey }) => OutputKey === key)?.OutputValue;
const bucket = output("SiteBucketName") ?? fail(`the stack ${stack} has no site`);

run("npm", ["ci"]);
run("npm", ["run", "build"]);
// What a page refers to is there before the page.
run("aws", ["s3", "cp", "dist/assets", `s3://${bucket}/assets`, "--recursive", "--cache-control", cache.assets]);
run("aws", ["s3", "cp", "dist", `s3://${bucket}`, "--recursive", "--exclude", "assets/*", "--cache-control", cache.other]);
console.log(`published: ${output("SiteUrl")}/app/whatsapp`);
console.log(`for the app's portal: ${output("SiteUrl")}/app/setup`);
