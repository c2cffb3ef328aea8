/** `npm run pack`: the three installable packages as files in ./packed. */
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";

const root = new URL("..", import.meta.url).pathname;
const destination = join(root, "packed");

rmSync(destination, { recursive: true, force: true });
mkdirSync(destination);
const words = ["pack", "--pack-destination", destination, "-w", "packages/protocol", "-w", "packages/peer", "-w", "packages/hikyaku"];
process.exitCode = spawnSync("npm", words, { cwd: root, stdio: "inherit" }).status ?? 1;
