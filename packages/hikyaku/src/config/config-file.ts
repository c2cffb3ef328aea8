/** The file `config.json` in a peer's folder: which settings it names, as it spells them. What they mean is read by config.ts, like every other source. */
import { constants } from "node:fs";
import { open, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { HikyakuError } from "@hikyaku/protocol";
import { z } from "zod";
import type { SettingName } from "./settings.ts";

export type FileSettings = Readonly<Partial<Record<SettingName, unknown>>>;

export const configFileName = "config.json";
const configBytesMax = 65_536;

// The file lies in the folder it would have to name, and secrets have no place in it.
const shape = z
  .strictObject({
    name: z.unknown(),
    listen: z.unknown(),
    control: z.unknown(),
    advertise: z.unknown(),
    firstContact: z.unknown(),
    logLevel: z.unknown(),
    passphraseFile: z.unknown(),
    wakeCommand: z.unknown(),
    wakeUrl: z.unknown(),
  })
  .partial();

/** The settings in the file; none where there is no file. */
export async function readConfigFile(path: string): Promise<FileSettings> {
  const text = await readText(path);
  return text === undefined ? {} : checkShape(parseJson(text, path), path);
}

/** Keeps a setting for later starts, beside those that are there. */
export async function rememberSetting(folder: string, name: "name", value: string): Promise<void> {
  const path = join(folder, configFileName);
  const settings = { ...(await readConfigFile(path)), [name]: value };
  const draft = `${path}.${process.pid}`;
  try {
    await writeFile(draft, `${JSON.stringify(settings, null, 2)}\n`, { mode: 0o600, flush: true });
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw bad(path, "cannot be written: check the folder and the space on its disk", error);
  }
}

async function readText(path: string): Promise<string | undefined> {
  try {
    // Without O_NONBLOCK a named pipe in the file's place would hold the program for ever.
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const found = await file.stat();
    if (!found.isFile()) throw bad(path, "is not a regular file: put the settings into a plain file, or remove it");
    if (found.size > configBytesMax) throw bad(path, `has ${found.size} bytes, and settings fit into ${configBytesMax}: shorten it`);
    return await file.readFile("utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    if (error instanceof HikyakuError) throw error;
    throw bad(path, "cannot be read: make it readable for the user who runs hikyaku, or remove it", error);
  }
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw bad(path, 'is not JSON: correct it, or begin again from {"name": "desk"}', error);
  }
}

function checkShape(value: unknown, path: string): FileSettings {
  const parsed = shape.safeParse(value);
  if (parsed.success) return parsed.data;
  const unknownKeys = parsed.error.issues.flatMap((issue) => (issue.code === "unrecognized_keys" ? issue.keys : []));
  if (unknownKeys.length === 0) throw bad(path, 'holds no object: write settings as {"name": "desk"}');
  const known = Object.keys(shape.shape).join(", ");
  throw bad(path, `has the unknown key ${JSON.stringify(unknownKeys[0])}: remove it, or use one of ${known}`);
}

const bad = (path: string, what: string, cause?: unknown): HikyakuError =>
  new HikyakuError("INVALID_ARGUMENT", `The file ${path} ${what}.`, { cause });
