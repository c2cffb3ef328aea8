/** What the people of a simulated world do: they send, ask, tell and report, mostly in bursts. */
import type { MessageBody } from "@hikyaku/protocol";
import { Dice } from "./dice.ts";
import type { Errand } from "./ledger.ts";
import { errandOf, type SimNode, type Surroundings } from "./node.ts";
import { count } from "./tally.ts";

const messagesPerNode = 50;
/** Of those, told, asked or reported. */
const extrasPerNodeMax = 5;
const burstMax = 25;

export function planWork(around: Surroundings, nodes: readonly SimNode[]): void {
  const dice = new Dice(around.seed, "work");
  for (const node of nodes) {
    const others = nodes.filter((other) => other !== node);
    const extras = dice.between(0, extrasPerNodeMax);
    for (let extra = 0; extra < extras; extra += 1) planExtra(around, dice, node, dice.pick(others));
    let left = messagesPerNode - extras;
    while (left > 0) {
      const burst = Math.min(left, dice.chance(0.3) ? 1 : dice.between(2, burstMax));
      planBurst(around, dice, node, others, burst);
      left -= burst;
    }
  }
}

function planBurst(around: Surroundings, dice: Dice, node: SimNode, others: readonly SimNode[], burst: number): void {
  const at = dice.between(0, around.climate.activeMs);
  const to = dice.pick(others);
  for (let index = 0; index < burst; index += 1) {
    const errand = drawErrand(around, dice, node);
    const lifeMs = dice.chance(around.climate.shortLife) ? dice.stretched(500, 60_000) : undefined;
    const until = dice.pick([undefined, "stored", "handled"] as const);
    around.timeline.whenAwakeFor(at, () => send(around, node, to, { json: errand }, { lifeMs, until }));
  }
}

function drawErrand({ climate, tally }: Surroundings, dice: Dice, node: SimNode): Errand {
  count(tally, "messages planned");
  return {
    ...errandOf(`${node.name} ${dice.between(0, 1e9).toString(36)} ${dice.between(0, 1e9).toString(36)}`),
    slowMs: dice.chance(climate.slowHandler) ? dice.stretched(50, 20_000) : 0,
    fails: dice.chance(climate.failingHandler),
    answers: dice.chance(0.03),
    filling: dice.chance(0.01) ? "x".repeat(dice.stretched(100, 30_000)) : "",
  };
}

function send(
  around: Surroundings,
  node: SimNode,
  to: SimNode,
  body: MessageBody,
  { lifeMs, until }: { readonly lifeMs: number | undefined; readonly until: "stored" | "handled" | undefined },
): void {
  const { peer } = node;
  // A program that is down sends nothing; its person tries again when it is up.
  if (peer === undefined) {
    around.timeline.after(5_000, () => send(around, node, to, body, { lifeMs, until }));
    return;
  }
  const options = { ...(lifeMs === undefined ? {} : { lifeMs }), ...(until === undefined ? {} : { until }) };
  peer.send(to.name, "message", body, options).then(
    ({ stage }) => count(around.tally, `told: ${stage}`),
    (error: unknown) => count(around.tally, `told: ${codeOf(error)}`),
  );
}

function planExtra(around: Surroundings, dice: Dice, node: SimNode, to: SimNode): void {
  const at = dice.between(0, around.climate.activeMs);
  const kind = dice.pick(["ping", "capabilities", "report", "tell", "tell"] as const);
  const errand = drawErrand(around, dice, node);
  around.timeline.whenAwakeFor(at, () => {
    const { peer } = node;
    if (peer === undefined) return;
    const body = { json: { ...errand, answers: false } };
    if (kind === "tell") around.ledger.told(node, to.name, JSON.stringify(body));
    const done: Promise<unknown> =
      kind === "ping"
        ? peer.ping(to.name)
        : kind === "capabilities"
          ? peer.capabilities(to.name)
          : kind === "report"
            ? peer.send(to.name, "status_report", { state: "idle" })
            : peer.tell(to.name, body);
    done.then(
      () => count(around.tally, `${kind}: done`),
      (error: unknown) => count(around.tally, `${kind}: ${codeOf(error)}`),
    );
  });
}

const codeOf = (error: unknown): string => (error instanceof Error && "code" in error ? String(error.code) : String(error));
