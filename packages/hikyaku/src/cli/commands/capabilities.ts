/** `hikyaku capabilities`: what a peer's agent can do, and what it lets us send. */
import { type Call, segment, withPeer } from "../call.ts";
import { visible } from "../terminal.ts";

interface Answer {
  readonly capabilities: readonly { readonly name: string; readonly version: string; readonly description?: string }[];
  readonly accepts: readonly string[];
}

export async function capabilities(call: Call, name: string): Promise<void> {
  const answer = await withPeer(call, (peer) => peer.post<Answer>(`/peers/${segment(name)}/capabilities`, {}));
  const lines = answer.capabilities.map((one) => visible(`${one.name} ${one.version}  ${one.description ?? ""}`));
  const offers = lines.length === 0 ? `${name} offers no capabilities yet` : lines.join("\n");
  await call.terminal.show(`${offers}\nIt takes from you: ${visible(answer.accepts.join(", "))}`, { peer: name, ...answer });
}
