/** `hikyaku serve`: offers a program of this machine as a capability of the peer that is up, until it is told to stop. */
import { programEnvironment } from "../../config/program-environment.ts";
import { ProgramRun, type RunSettings } from "../../serving/program-run.ts";
import { visible } from "../../text/visible.ts";
import { type Call, withPeer } from "../call.ts";
import { readJsonFrom } from "../given-text.ts";
import { requireProgram } from "../local-program.ts";
import { awaitStop } from "../stop.ts";
import type { Terminal } from "../terminal.ts";
import { inWords, workReport } from "../work-report.ts";
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
      const workshop = new Workshop(peer, id, (task, ears) => new ProgramRun(task, settings, ears), earsOf(call.terminal));
      using stop = awaitStop(() => workshop.kill());
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
  visible(`Serving ${capability} to ${inWords(peers)}, ${concurrency} at a time`);

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

function earsOf(terminal: Terminal): WorkshopEars {
  return {
    report: workReport(terminal, ({ from }) => from.name),
    note: ({ id }, line) => process.stderr.write(`${visible(`${id}  ${line}`)}\n`),
  };
}
