/**
 * One row per setting: the flag and the variable that set it, what it wants in words, and the schema that reads it. Flags, environment and file all
 * give texts, so one schema serves the three.
 */
import { limits } from "@hikyaku/protocol";
import { z } from "zod";
import { type Endpoint, formatEndpoint, isLoopbackHost, isWildcardHost, parseEndpoint } from "./endpoint.ts";
import { isName } from "./own-name.ts";
import type { SettingName, Settings } from "./settings.ts";

export interface SettingRow<Value> {
  /** Absent where a command line is no place for the value. */
  readonly flag?: string;
  readonly variable: string;
  /** The end of the sentence "This setting wants …". */
  readonly wants: string;
  readonly schema: z.ZodType<Value>;
  readonly isSecret?: true;
}

const passphraseLengthMax = 1024;
const pathLengthMax = 4096;
const urlLengthMax = 2048;

const path = z
  .string()
  .min(1)
  .max(pathLengthMax)
  .refine((text) => !text.includes("\0"));

const endpoint = z.string().transform((text, context): Endpoint => parseEndpoint(text) ?? refuse(context));

const address = z
  .string()
  .max(limits.addressLengthMax)
  .transform((text, context): string => {
    const scheme = "http://";
    const dialled = text.startsWith(scheme) ? parseEndpoint(text.slice(scheme.length)) : undefined;
    if (dialled === undefined || dialled.port === 0 || isWildcardHost(dialled.host)) return refuse(context);
    return scheme + formatEndpoint(dialled);
  });

const listed = z.string().transform((text) => text.split(",").map((part) => part.trim()));
const addresses = z.union([listed, z.array(z.string())]).pipe(z.array(address).max(limits.addressesPerPeerMax));

const word = z
  .string()
  .max(pathLengthMax)
  .refine((text) => !text.includes("\0"));
const program = z
  .array(word)
  .min(1)
  .max(limits.wakeArgumentsMax)
  .refine(([first]) => first !== "");
const listedAsJson = z.string().transform((text, context): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return refuse(context);
  }
});
const command = z.union([z.array(z.unknown()), listedAsJson]).pipe(program);

function isWebAddress(text: string): boolean {
  const url = URL.parse(text);
  return (url?.protocol === "http:" || url?.protocol === "https:") && url.username === "" && url.password === "";
}

/** Ends a transform without a value; the row's `wants` is the explanation. */
function refuse(context: z.RefinementCtx): never {
  context.addIssue({ code: "custom" });
  return z.NEVER;
}

export const settingTable: { readonly [Name in SettingName]: SettingRow<Settings[Name]> } = {
  folder: { flag: "--folder", variable: "HIKYAKU_FOLDER", wants: "a path", schema: path },
  name: {
    flag: "--name",
    variable: "HIKYAKU_NAME",
    wants: `1 to ${limits.nameLengthMax} letters, digits, dots, dashes or underscores, beginning with a letter or digit`,
    schema: z.string().refine(isName),
  },
  listen: {
    flag: "--listen",
    variable: "HIKYAKU_LISTEN",
    wants: "host:port, such as 0.0.0.0:7340 or [::]:7340",
    schema: endpoint,
  },
  control: {
    flag: "--control",
    variable: "HIKYAKU_CONTROL",
    wants: "host:port on this machine, such as 127.0.0.1:7341, because whoever reaches it commands this peer",
    schema: endpoint.refine(({ host }) => isLoopbackHost(host)),
  },
  advertise: {
    flag: "--advertise",
    variable: "HIKYAKU_ADVERTISE",
    wants: `at most ${limits.addressesPerPeerMax} addresses such as http://192.168.1.20:7340, separated by commas`,
    schema: addresses,
  },
  firstContact: {
    flag: "--first-contact",
    variable: "HIKYAKU_FIRST_CONTACT",
    wants: "refuse or see",
    schema: z.enum(["refuse", "see"]),
  },
  logLevel: {
    flag: "--log-level",
    variable: "HIKYAKU_LOG_LEVEL",
    wants: "debug, info, warn, error or silent",
    schema: z.enum(["debug", "info", "warn", "error", "silent"]),
  },
  passphraseFile: { flag: "--passphrase-file", variable: "HIKYAKU_PASSPHRASE_FILE", wants: "a path", schema: path },
  passphrase: {
    variable: "HIKYAKU_PASSPHRASE",
    wants: `1 to ${passphraseLengthMax} characters`,
    schema: z.string().min(1).max(passphraseLengthMax),
    isSecret: true,
  },
  wakeCommand: {
    flag: "--wake-command",
    variable: "HIKYAKU_WAKE_COMMAND",
    wants: `a JSON list of a program and at most ${limits.wakeArgumentsMax - 1} arguments, such as ["./wake.sh", "now"]`,
    schema: command,
  },
  wakeUrl: {
    variable: "HIKYAKU_WAKE_URL",
    wants: "an address such as https://example.org/wake, without a user name in it",
    schema: z.string().max(urlLengthMax).refine(isWebAddress),
    isSecret: true,
  },
};

export const settingNames: readonly SettingName[] = Object.keys(settingTable) as SettingName[];
