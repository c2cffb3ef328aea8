/** `hikyaku serve`: offers a program of this machine as a capability of the peer that is up, until it is told to stop. */
import { access, constants, stat } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { HikyakuError } from "@hikyaku/protocol";
import { programEnvironment } from "../../config/program-environment.ts";
import type { RunSettings } from "../../serving/program-run.ts";
import { visible } from "../../text/visible.ts";
import { type Call, withPeer } from "../call.ts";
import { exitInterrupted } from "../exit-code.ts";
import { readJsonFrom } from "../given-text.ts";
import { awaitStop } from "../stop.ts";
import type { Terminal } from "../terminal.ts";
import { shortTime } from "../terminal.ts";
import { Workshop, type WorkshopEars } from "../workshop.ts";

export interface ServeOptions {
  readonly capability: string;
  readonly command: readonly string[];
  readonly peers: readonly string[] | undefined;
  readonly concurrency: number;
  readonly idempotent: boolean;
  readonly interactive: boolean;
  readonly description?: string;
  readonly timeoutMs: number | undefined;
  /** JSON, `@path` or `-`. */
  readonly inputSchema: string | undefined;
  readonly outputSchema: string | undefined;
}

/** News, what programs say, and taking it back: none waits for another. */
const connections = 8;
const answerMsMax = 60_000;

export async function serve(call: Call, options: ServeOptions): Promise<void> {
  const settings = await runSettingsOf(call, options);
  const offer = await offerOf(options);
  await withPeer(
    call,
    async (peer) => {
      const { id } = await peer.post<{ readonly id: string }>("/servings", offer);
      const workshop = new Workshop(peer, id, settings, earsOf(call.terminal));
      using stop = awaitStop(() => workshop.kill());
      // The programs have left the terminal that hangs up, so nobody else would end them.
      process.once("SIGHUP", () => {
        workshop.kill();
        process.exit(exitInterrupted);
      });
      void stop.asked.then(async () => {
        if (workshop.busy > 0) await call.terminal.say(`Finishing ${workshop.busy}. To end at once: Ctrl-C again`).catch(() => undefined);
        await workshop.leave();
      });
      await call.terminal.show(headline(options), { serving: options.capability, for: options.peers, concurrency: options.concurrency });
      await workshop.run();
    },
    { connections, answerMsMax },
  );
}

const headline = ({ capability, peers, concurrency }: ServeOptions): string =>
  visible(`Serving ${capability} to ${peers === undefined ? "everybody who may delegate" : peers.join(", ")}, ${concurrency} at a time`);

async function offerOf({
  capability,
  peers,
  concurrency,
  idempotent,
  description,
  inputSchema,
  outputSchema,
}: ServeOptions): Promise<object> {
  return {
    capability,
    concurrency,
    idempotent,
    ...(peers === undefined ? {} : { for: peers }),
    ...(description === undefined ? {} : { description }),
    ...(inputSchema === undefined ? {} : { inputSchema: await readJsonFrom(inputSchema, "--input-schema") }),
    ...(outputSchema === undefined ? {} : { outputSchema: await readJsonFrom(outputSchema, "--output-schema") }),
  };
}

async function runSettingsOf({ config }: Call, { command: given, interactive, timeoutMs }: ServeOptions): Promise<RunSettings> {
  const [command = "", ...words] = given;
  // A program that hands a part of its task on finds the peer whose task it is.
  const environment: Readonly<Record<string, string>> = { ...programEnvironment(), HIKYAKU_FOLDER: config.folder.value };
  await requireProgram(command, environment["PATH"] ?? "");
  return { command, words, environment, isInteractive: interactive, timeoutMs };
}

/** Asked before anything is offered: a slip of the pen should not fail somebody's task. */
async function requireProgram(command: string, path: string): Promise<void> {
  const places = command.includes("/") ? [command] : path.split(delimiter).map((folder) => join(folder, command));
  const kinds = await Promise.all(places.map(kindOf));
  if (kinds.includes("program")) return;
  const plain = places[kinds.indexOf("plain file")];
  if (plain === undefined)
    throw new HikyakuError("INVALID_ARGUMENT", `There is no program ${JSON.stringify(command)} here: give its path, or a name in PATH.`);
  throw new HikyakuError("INVALID_ARGUMENT", `The file ${plain} may not be run as a program: chmod +x allows it.`);
}

async function kindOf(place: string): Promise<"program" | "plain file" | "no file"> {
  const isFile = await stat(place).then(
    (found) => found.isFile(),
    () => false,
  );
  if (!isFile) return "no file";
  return await access(place, constants.X_OK).then(
    () => "program",
    () => "plain file",
  );
}

function earsOf(terminal: Terminal): WorkshopEars {
  return {
    report: async ({ id, from }, state, ms) => {
      const took = ms === undefined ? "" : ` ${(ms / 1000).toFixed(1)} s`;
      await terminal.show(visible(`${shortTime(Date.now())}  ${id}  ${from.name}  ${state}${took}`), { task: id, from, state });
    },
    note: ({ id }, line) => process.stderr.write(`${visible(`${id}  ${line}`)}\n`),
  };
}
