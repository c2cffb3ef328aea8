/** `hikyaku pair`: makes a pairing link, or uses one; on both sides a person compares the safety number before anybody is trusted. */
import { HikyakuError, isErrorCode } from "@hikyaku/protocol";
import { type Call, withPeer } from "../call.ts";
import type { ControlClient } from "../control-client.ts";
import type { Terminal } from "../terminal.ts";

export interface PairOptions {
  readonly name: string;
  readonly allow: readonly string[];
  /** Skips the question: for scripts that carried the link over a channel they trust. */
  readonly yes: boolean;
  /** `-` asks for it. */
  readonly link: string | undefined;
}

interface Candidate {
  readonly did: string;
  readonly name: string;
  readonly fingerprint: string;
  readonly safetyNumber: string;
}

interface Progress {
  readonly id: string;
  readonly state: "waiting" | "asking" | "paired" | "failed";
  readonly link?: string;
  readonly candidate?: Candidate;
  readonly error?: { readonly code: string; readonly message: string };
}

export async function pair(call: Call, { name, allow, yes, link: given }: PairOptions): Promise<void> {
  await withPeer(call, async (peer) => {
    const link = given === "-" ? await call.terminal.ask("The pairing link:") : given;
    if (!yes) await requireAnswers(call.terminal);
    const begun = await peer.post<Progress>("/pairings", { name, allow, ...(link === undefined ? {} : { link }) });
    const giveUp = (): void =>
      void peer
        .delete(`/pairings/${begun.id}`)
        .catch(() => undefined)
        .finally(() => process.exit(130));
    process.once("SIGINT", giveUp);
    process.once("SIGTERM", giveUp);
    if (begun.link !== undefined) await showLink(call, begun.link);
    await follow(peer, call.terminal, begun, { allow, yes });
    process.off("SIGINT", giveUp);
    process.off("SIGTERM", giveUp);
  });
}

/** Asked before a link is made or used: where nobody can answer, the answer would be no, and the link gone for nothing. */
async function requireAnswers(terminal: Terminal): Promise<void> {
  if (await terminal.canAnswer()) return;
  throw new HikyakuError(
    "INVALID_ARGUMENT",
    "Nobody here could say whether the safety numbers are the same, so no link was made or used: run this in a terminal, or add --yes where the link comes over a channel that you trust.",
  );
}

async function showLink({ terminal, config }: Call, link: string): Promise<void> {
  await terminal.show(
    [
      "On the other machine, within 10 minutes, once:",
      `  hikyaku pair - --name ${config.name.value} --allow message`,
      "It asks for this link, which is for nobody else's eyes:",
      `  ${link}`,
      "Waiting…",
    ].join("\n"),
    { state: "waiting", link },
  );
}

async function follow(
  peer: ControlClient,
  terminal: Terminal,
  begun: Progress,
  { allow, yes }: Pick<PairOptions, "allow" | "yes">,
): Promise<void> {
  let progress = begun;
  while (progress.state === "waiting") progress = await poll(peer, begun.id, "waiting");
  if (progress.state === "asking" && progress.candidate !== undefined) {
    const { name, safetyNumber } = progress.candidate;
    await terminal.show(`${begun.link === undefined ? `Reached ${name}` : `${name} answered`}. Safety number: ${safetyNumber}`, progress);
    progress = await decide(peer, terminal, { asked: progress, id: begun.id, yes });
  }
  if (progress.state === "failed") throw failureOf(progress);
  await terminal.show(
    `Paired. ${progress.candidate?.name} may: ${allow.length === 0 ? "nothing but report and ask" : allow.join(", ")}`,
    progress,
  );
}

/** Asks the person and says the verdict; a no from the other side ends the question. */
async function decide(
  peer: ControlClient,
  terminal: Terminal,
  { asked, id, yes }: { readonly asked: Progress; readonly id: string; readonly yes: boolean },
): Promise<Progress> {
  const decided = pollWhileAsking(peer, id, asked);
  decided.catch(() => undefined);
  const over = new AbortController();
  try {
    const agree = yes || (await Promise.race([terminal.confirm("Same on the other screen?", over.signal), decided.then(() => undefined)]));
    if (agree !== undefined) await peer.post(`/pairings/${id}/verdict`, { agree });
    return await decided;
  } finally {
    over.abort();
  }
}

async function pollWhileAsking(peer: ControlClient, id: string, asked: Progress): Promise<Progress> {
  let progress = asked;
  while (progress.state === "asking") progress = await poll(peer, id, "asking");
  return progress;
}

const poll = (peer: ControlClient, id: string, seen: "waiting" | "asking"): Promise<Progress> =>
  peer.get<Progress>(`/pairings/${id}?seen=${seen}`);

function failureOf({ error }: Progress): HikyakuError {
  const code = error !== undefined && isErrorCode(error.code) ? error.code : "INTERNAL_ERROR";
  return new HikyakuError(code, error?.message ?? "The pairing failed.");
}
