/** `hikyaku capabilities`: what a peer's agent can do and what it lets us send, or what this peer's own programs offer. */

import { visible } from "../../text/visible.ts";
import { type Call, segment, withPeer } from "../call.ts";

interface Capability {
  readonly name: string;
  readonly version: string;
  readonly description?: string;
  readonly idempotent?: true;
  readonly limits?: { readonly concurrency: number };
  readonly load?: { readonly running: number; readonly waiting: number };
}

interface Statement {
  readonly capabilities: readonly Capability[];
  readonly accepts: readonly string[];
  readonly truncated?: true;
}

interface OwnCapability extends Capability {
  readonly for?: readonly string[];
  readonly isLive: boolean;
}

export interface CapabilitiesOptions {
  /** This one itself unless told. */
  readonly peer: string | undefined;
  /** Whether to ask although an answer is kept. */
  readonly fresh: boolean;
}

export async function capabilities(call: Call, { peer: name, fresh }: CapabilitiesOptions): Promise<void> {
  await (name === undefined ? showOwn(call) : showTheirs(call, name, fresh));
}

async function showTheirs(call: Call, name: string, fresh: boolean): Promise<void> {
  const answer = await withPeer(call, (peer) => peer.post<Statement>(`/peers/${segment(name)}/capabilities`, { fresh }));
  const lines = answer.capabilities.map(describe);
  const offers = lines.length === 0 ? [`${name} offers no capabilities yet`] : lines;
  const short = answer.truncated === true ? ["It left out what would not have fitted into one message."] : [];
  const closed = answer.accepts.includes("task_delegate")
    ? []
    : ["It takes no tasks from you: that needs the scope task_delegate over there."];
  const all = [...offers, ...short, `It takes from you: ${answer.accepts.join(", ")}`, ...closed];
  await call.terminal.show(all.map(visible).join("\n"), { peer: name, ...answer });
}

async function showOwn(call: Call): Promise<void> {
  const { capabilities: own } = await withPeer(call, (peer) =>
    peer.get<{ readonly capabilities: readonly OwnCapability[] }>("/capabilities"),
  );
  const lines = own.map((one) => {
    const whom = one.for === undefined ? "for everybody who may delegate" : `for ${one.for.join(", ") || "nobody"}`;
    return visible(`${describe(one)}  ${whom}  ${one.isLive ? "live" : "waiting for its program"}`);
  });
  await call.terminal.show(lines.length === 0 ? "No program offers a capability here." : lines.join("\n"), { capabilities: own });
}

function describe({ name, version, description, idempotent, limits, load }: Capability): string {
  const parts = [
    `${name} ${version}`,
    description,
    idempotent === true ? "idempotent" : undefined,
    limits === undefined ? undefined : `${limits.concurrency} at a time`,
    load === undefined ? undefined : `${load.running} running, ${load.waiting} waiting`,
  ];
  return parts.filter((part) => part !== undefined && part !== "").join("  ");
}
