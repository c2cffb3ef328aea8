/** A copy of the working tree in which mutants can be tried: our own packages copied, third-party ones shared by links. */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, globSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";

export interface Workplace extends Disposable {
  readonly folder: string;
}

export function makeWorkplace(root: string): Workplace {
  const folder = mkdtempSync(join(tmpdir(), "hikyaku-mutants-"));
  copySources(root, folder);
  linkModules(root, folder);
  return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

/** What git tracks, and what is new and not ignored: the tree as it is, not as it was committed. */
function copySources(root: string, folder: string): void {
  const listed = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  for (const path of new Set(listed.split("\0"))) {
    if (path === "" || !existsSync(join(root, path))) continue;
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    cpSync(join(root, path), join(folder, path));
  }
}

/** Folders of our own stay out, so that a test imports the copy's packages and never the tree's. */
function linkModules(root: string, folder: string): void {
  const modules = join(folder, "node_modules");
  mkdirSync(modules);
  const own = globSync("packages/*/package.json", { cwd: folder }).map((path) => ({
    name: (JSON.parse(readFileSync(join(folder, path), "utf8")) as { readonly name: string }).name,
    target: join(folder, dirname(path)),
  }));
  const taken = new Set(own.map(({ name }) => name.split("/", 1)[0]));
  for (const name of readdirSync(join(root, "node_modules"))) {
    if (!name.startsWith(".") && !taken.has(name)) symlinkSync(join(root, "node_modules", name), join(modules, name));
  }
  for (const { name, target } of own) {
    mkdirSync(join(modules, name, ".."), { recursive: true });
    symlinkSync(target, join(modules, dirname(name), basename(name)));
  }
}
