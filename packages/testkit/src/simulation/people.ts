/** Who lives in a simulated world: at least three machines of different kinds, of which every two can reach each other at least one way. */
import type { InboxBounds } from "@hikyaku/peer";
import { limits, protocolVersions } from "@hikyaku/protocol";
import { Dice } from "./dice.ts";
import { addressOf, type Character, SimNode, type Surroundings } from "./node.ts";

const names = ["ada", "bob", "cyd", "dan", "eve"] as const;

export async function settleWorld(around: Surroundings): Promise<readonly SimNode[]> {
  const dice = new Dice(around.seed, "people");
  const many = dice.chance(1 / 50) ? dice.pick([4, 4, 5]) : 3;
  const isOneShy = dice.chance(0.35);
  const nodes = names.slice(0, many).map((name, index) => new SimNode(around, drawCharacter(dice, name, isOneShy && index === 0), index));
  for (const node of nodes) around.ledger.add(node);
  for (const node of nodes) around.taskLedger.add(node);
  for (const node of nodes) for (const other of nodes) if (node !== other) await node.know(other, drawAddresses(dice, other));
  for (const node of nodes) node.start();
  return nodes;
}

/** As every program has it. */
const roomyInbox: InboxBounds = {
  inboxUnreadPerSenderMax: limits.inboxUnreadPerSenderMax,
  inboxUnreadBytesPerSenderMax: limits.inboxUnreadBytesPerSenderMax,
  inboxBytesPerSenderMax: limits.inboxBytesPerSenderMax,
  inboxBytesMax: limits.inboxBytesMax,
  lanesPerSenderMax: limits.lanesPerSenderMax,
  reorderCountMax: limits.reorderCountMax,
  reorderBytesMax: limits.reorderBytesMax,
  laneIdleMsMax: limits.laneIdleMsMax,
};

function drawCharacter(dice: Dice, name: string, isCallOutOnly: boolean): Character {
  const isCramped = dice.chance(0.25);
  return {
    name,
    isCallOutOnly,
    speaksStreams: dice.chance(0.81),
    keepsLinks: isCallOutOnly || dice.chance(0.3),
    versions: dice.chance(0.97) ? protocolVersions : protocolVersions.slice(1),
    isIdempotent: dice.chance(0.25),
    inboxBounds: isCramped
      ? { ...roomyInbox, reorderCountMax: dice.between(1, 4), inboxUnreadPerSenderMax: dice.between(5, 20) }
      : { ...roomyInbox, reorderCountMax: dice.chance(0.3) ? dice.between(1, 8) : limits.reorderCountMax },
    handlerDelayMs: dice.chance(0.7) ? 0 : dice.between(0, 20_000),
  };
}

/** A person may have written down an address that leads nowhere, before or after the good one. */
function drawAddresses(dice: Dice, { character, name }: SimNode): readonly string[] {
  if (character.isCallOutOnly) return [];
  const good = addressOf(name);
  const wrong = addressOf("nowhere");
  return dice.pick([[good], [good], [good], [good, wrong], [wrong, good]]);
}
