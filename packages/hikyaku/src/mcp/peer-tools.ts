/** Tools about peers: who they are, how they are, what they can do; and calling one to come up. */
import { limits } from "@hikyaku/protocol";
import { z } from "zod";
import { characters, limit, peer } from "./arguments.ts";
import { type Control, queryOf, segment } from "./control.ts";
import { type Quoted, quote, type Speaker } from "./quoted.ts";
import { acts, asks, looks, type Tool, tool } from "./tool.ts";
import { dateOf, type PeerAnswer } from "./views.ts";

export const whoAmI: Tool = tool<object>({
  name: "who_am_i",
  title: "This peer",
  description: "The name, did and fingerprint under which others know this peer.",
  annotations: looks,
  input: z.strictObject({}),
  run: async (_input, { control, signal }) => {
    const { name, did, fingerprint } = await control.get<{ name: string; did: string; fingerprint: string }>("/identity", signal);
    return { name, did, fingerprint };
  },
});

export const listPeers: Tool = tool<{ readonly after?: string | undefined; readonly limit: number }>({
  name: "list_peers",
  title: "Known peers",
  description:
    "The peers that this one knows, by name: how far each is trusted, what it may do at this peer (`may`), and whether it is connected.",
  annotations: looks,
  input: z.strictObject({ after: z.string().optional().describe("Only peers whose names come after this one"), limit }),
  run: async ({ after = "", limit: most }, { control, signal }) => {
    const { peers } = await control.get<{ readonly peers: readonly PeerAnswer[] }>("/peers", signal);
    const rest = peers.filter(({ name }) => name > after);
    return { peers: rest.slice(0, most).map(briefly), more: rest.length > most };
  },
});

const briefly = ({ name, did, level, scopes, health, heardAt, alarm }: PeerAnswer): object => ({
  name,
  did,
  trust: level,
  may: scopes,
  health,
  ...(heardAt === undefined ? {} : { heard: dateOf(heardAt) }),
  ...(alarm === undefined ? {} : { alarm: alarm.code }),
});

interface Report {
  readonly receivedAt: number;
  readonly state?: string;
  readonly detail?: string;
}

export const peerStatus: Tool = tool<{ readonly peer: string; readonly limit: number }>({
  name: "peer_status",
  title: "How a peer is",
  description: "Whether a peer is connected, and what it last reported of itself, oldest first.",
  annotations: looks,
  input: z.strictObject({ peer, limit: z.int().min(1).max(limits.statusReportsKept).default(5).describe("At most so many reports") }),
  run: async ({ peer: name, limit: most }, { control, signal }) => {
    const speaker = await speakerOf(control, name, signal);
    const path = `/peers/${segment(speaker.did)}/status?${queryOf({ limit: most })}`;
    const { health, heardAt, reports } = await control.get<{ health: string; heardAt?: number; reports: readonly Report[] }>(path, signal);
    return {
      peer: speaker.name,
      health,
      ...(heardAt === undefined ? {} : { heard: dateOf(heardAt) }),
      reports: reports.map((report) => reported(speaker, report)),
    };
  },
});

const reported = (speaker: Speaker, { receivedAt, state, detail }: Report): object => ({
  received: dateOf(receivedAt),
  ...quote(speaker, "status_report", { state, detail }, limits.reasonLengthMax * 2),
});

interface Offer {
  readonly name: string;
  /** JSON Schemas. */
  readonly input?: unknown;
  readonly output?: unknown;
}

interface Statement {
  readonly capabilities: readonly Offer[];
  readonly accepts: readonly string[];
}

export const listCapabilities: Tool = tool<{
  readonly peer: string;
  readonly capability?: string | undefined;
  readonly fresh: boolean;
  readonly characters: number;
}>({
  name: "list_capabilities",
  title: "What a peer can do",
  description:
    "What a peer offers to do for this one, as it describes it, and which kinds of messages it takes from this one (`accepts`). An answer of the last minutes is good enough unless a fresh one is asked for. Name a capability to see the JSON Schemas of its input and output before delegating to it.",
  annotations: asks,
  input: z.strictObject({
    peer,
    capability: z.string().min(1).max(limits.nameLengthMax).optional().describe("Only this one, with its schemas"),
    fresh: z.boolean().default(false).describe("Ask anew, although the peer's last answer is still good"),
    characters: characters.default(8_000),
  }),
  run: async ({ peer: name, capability, fresh, characters: most }, { control, signal }) => {
    const speaker = await speakerOf(control, name, signal);
    const statement = await control.post<Statement>(`/peers/${segment(speaker.did)}/capabilities`, { fresh }, signal);
    return quotedStatement(speaker, statement, { capability, most });
  },
});

function quotedStatement(
  speaker: Speaker,
  { capabilities, accepts }: Statement,
  { capability, most }: { readonly capability: string | undefined; readonly most: number },
): Quoted {
  const shown =
    capability === undefined
      ? capabilities.map(({ input: _input, output: _output, ...brief }) => brief)
      : capabilities.filter(({ name }) => name === capability);
  return quote(speaker, "answer", { capabilities: shown, accepts }, most);
}

export const wakePeer: Tool = tool<{ readonly peer: string; readonly reason?: string | undefined }>({
  name: "wake_peer",
  title: "Wake a peer's agent",
  description:
    "Call the agent of a peer to come up; the call is tried for ten minutes where the peer is down. What then happens is its owner's choice, and the peer has to allow it.",
  annotations: acts,
  input: z.strictObject({
    peer,
    reason: z.string().max(limits.reasonLengthMax).optional().describe("For whoever is woken up"),
  }),
  run: async ({ peer: name, reason }, { control, signal }) => {
    const { id, stage } = await control.post<{ readonly id: string; readonly stage: string }>(
      `/peers/${segment(name)}/wake`,
      { ...(reason === undefined ? {} : { reason }), until: "stored" },
      signal,
    );
    return { id, stage };
  },
});

/** Looked up first, and what it says is asked for by its did: the name may be another's a moment later. */
async function speakerOf(control: Control, name: string, signal: AbortSignal): Promise<Speaker> {
  const { did, name: called, level } = await control.get<PeerAnswer>(`/peers/${segment(name)}`, signal);
  return { did, name: called, trust: level };
}
