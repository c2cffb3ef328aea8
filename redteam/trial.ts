/**
 * One attack, fairly judged: an untouched twin is delivered, then comes the attack, then a second twin is delivered. What the attack did to the node is the
 * difference of two snapshots, and it must be exactly what the attack foretold: so a node that refuses everything fails, and so does one that refuses for
 * another reason.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeEnvelope } from "@hikyaku/protocol";
import { Scene } from "./scene.ts";
import type { Snapshot } from "./target.ts";

/** By how much each counter rose; the others stayed. */
export type Rises = Readonly<Record<string, number>>;

export interface Outcome {
  /** One line for people. */
  readonly seen: string;
  /** Exactly these counters, by exactly so much. */
  readonly rises: Rises;
  /** The ids of messages that the attack lawfully delivered. */
  readonly delivered?: readonly string[];
  /** Whether the list of peers may say something else: authentic messages came, or an alarm was raised. The attack looks at the latter itself. */
  readonly peersMayDiffer?: true;
}

export interface Attack {
  readonly name: string;
  /** It mostly waits, so it may run beside the others. */
  readonly isPatient?: true;
  /** Flags for the node beside the usual ones. */
  readonly flags?: readonly string[];
  readonly run: (scene: Scene) => Promise<Outcome>;
}

export interface Result {
  readonly name: string;
  readonly holds: boolean;
  readonly seen: string;
  readonly rises: Rises;
  readonly wrongs: readonly string[];
  readonly ms: number;
}

export async function tryAttack(attack: Attack, program: string): Promise<Result> {
  const beganAt = performance.now();
  const folder = await mkdtemp(join(tmpdir(), "hikyaku-redteam-"));
  try {
    await using scene = await Scene.open({ program, folder, ...(attack.flags === undefined ? {} : { flags: attack.flags }) });
    const { seen, rises } = await judge(attack, scene);
    return { name: attack.name, holds: scene.wrongs.length === 0, seen, rises, wrongs: scene.wrongs, ms: performance.now() - beganAt };
  } catch (error) {
    const wrongs = [`it broke off: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`];
    return { name: attack.name, holds: false, seen: "", rises: {}, wrongs, ms: performance.now() - beganAt };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function judge(attack: Attack, scene: Scene): Promise<{ readonly seen: string; readonly rises: Rises }> {
  await sendTwin(scene, "the first twin");
  await scene.rebase();
  const outcome = await attack.run(scene);
  const after = await scene.target.snapshot();
  const rises = risesBetween(scene.before, after);
  scene.expect("the counters that rose", rises, withoutZeros(outcome.rises));
  scene.expect("the inbox", after.inbox.toSorted(), [...scene.before.inbox, ...(outcome.delivered ?? [])].toSorted());
  if (outcome.peersMayDiffer !== true) scene.expect("the peers", after.peers, scene.before.peers);
  await sendTwin(scene, "the second twin");
  return { seen: outcome.seen, rises };
}

/** An honest letter: durable in the inbox, and a sealed receipt for it. */
async function sendTwin(scene: Scene, text: string): Promise<void> {
  const { id, envelope } = scene.session.letter(text);
  const { answer, replies } = await scene.session.deliver(encodeEnvelope(envelope));
  scene.expect(`${text} is taken`, answer.status, 200);
  const receipts = replies.filter(({ type }) => type === "receipt").map(({ body }) => body);
  scene.expect(`${text} is receipted`, receipts, [{ ids: [id], stage: "stored" }]);
  const found = (await scene.target.inbox()).filter((message) => message.id === id);
  const wanted = [{ from: scene.puppet.did, text }];
  scene.expect(
    `${text} is in the inbox`,
    found.map(({ from, body }) => ({ from, text: body.text })),
    wanted,
  );
}

function risesBetween(before: Snapshot, after: Snapshot): Rises {
  const names = new Set([...Object.keys(before.counters), ...Object.keys(after.counters)]);
  const rises = [...names].map((name) => [name, (after.counters[name] ?? 0) - (before.counters[name] ?? 0)] as const);
  return withoutZeros(Object.fromEntries(rises));
}

const withoutZeros = (rises: Rises): Rises => Object.fromEntries(Object.entries(rises).filter(([, rise]) => rise !== 0));
