// Makes the files under vendor/ of the packages that package-lock.json names: npm ci && node build.mjs [FOLDER]
import { build } from "esbuild";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const packages = join(here, "node_modules");
const target = process.argv[2] ?? join(here, "vendor");

const read = (path) => readFileSync(join(packages, path), "utf8");

const { metafile, outputFiles } = await build({
  absWorkingDir: here,
  entryPoints: ["vendor.js"],
  bundle: true,
  format: "esm",
  minify: true,
  legalComments: "none",
  metafile: true,
  write: false,
  target: "es2022",
  define: { "process.env.NODE_ENV": '"production"' },
});

// The fonts are three quarters of the sheet; those of the reader's machine serve as well.
const sheet = read("graphiql/graphiql.min.css").replace(/@font-face\s*\{[^}]*\}\s*/g, "");

const bundled = new Set(
  Object.keys(metafile.inputs).flatMap((path) => path.match(/^node_modules\/((?:@[^/]+\/)?[^/]+)/)?.[1] ?? []),
);

function licence(name) {
  const { license } = JSON.parse(read(join(name, "package.json")));
  const file = readdirSync(join(packages, name)).find((entry) => /^licen[cs]e/i.test(entry));
  return file ? read(join(name, file)).trim() : `(${license}; the package brings no text of its own.)`;
}

// A text that several packages share stands once, under their names.
const texts = new Map();
for (const name of [...bundled].sort()) {
  const { version } = JSON.parse(read(join(name, "package.json")));
  texts.set(licence(name), [...(texts.get(licence(name)) ?? []), `${name} ${version}`]);
}
const licences = [...texts].map(([text, names]) => `${names.join("\n")}\n\n${text}\n`).join(`\n${"-".repeat(80)}\n\n`);
const files = { "vendor.js": outputFiles[0].text, "graphiql.css": sheet, "LICENSES.txt": licences };
mkdirSync(target, { recursive: true });
for (const [name, text] of Object.entries(files)) writeFileSync(join(target, name), text);
