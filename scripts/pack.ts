/** `npm run pack`: the three installable packages as files in ./packed. */
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";

const root = new URL("..", import.meta.url).pathname;
const destination = join(root, "packed");

rmSync(destination, { recursive: true, force: true });
mkdirSync(destination);
const words = [
  "pack",
  "--silent",
  "--pack-destination",
  destination,
  "-w",
  "packages/protocol",
  "-w",
  "packages/peer",
  "-w",
  "packages/hikyaku",
];
const { status } = spawnSync("npm", words, { cwd: root, stdio: "inherit" });
if (status === 0) console.log("Install them where Node 24.15 or newer is: npm install -g ./packed/*.tgz");
process.exitCode = status ?? 1;
