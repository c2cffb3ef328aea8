/** What goes wrong in a simulated world besides the weather on its network: crashes, full disks, clocks that jump, machines cut off; and at the end, calm. */
import { Dice } from "./dice.ts";
import type { SimNode, Surroundings } from "./node.ts";
import { count } from "./tally.ts";

const hourMs = 3_600_000;
/** Sessions survive these, timers and stores notice; a few of them make a session old. */
const napMsMin = 12 * 60_000;
const napMsMax = 14 * 60_000;

export function planFaults(around: Surroundings, nodes: readonly SimNode[]): void {
  const { climate, timeline, seed } = around;
  const dice = new Dice(seed, "faults");
  const sometime = (run: () => void): void => void timeline.whenAwakeFor(dice.between(1, climate.activeMs), run);
  const repeat = (times: number, plan: () => void): void => {
    for (let turn = 0; turn < times; turn += 1) plan();
  };
  repeat(climate.crashes, () => planCrash(around, dice, dice.pick(nodes), sometime));
  repeat(climate.stops, () => planStop(around, dice, dice.pick(nodes), sometime));
  repeat(climate.partitions, () => planPartition(around, dice, nodes, sometime));
  repeat(climate.clockJumps, () => planClockJump(around, dice, dice.pick(nodes), sometime));
  repeat(climate.fullDisks, () => {
    const [node, ms] = [dice.pick(nodes), dice.stretched(1_000, 60_000)];
    sometime(() => node.disk.fillUp(ms));
  });
  repeat(climate.slowDisks, () => {
    const [node, ms] = [dice.pick(nodes), dice.stretched(1_000, 60_000)];
    sometime(() => {
      count(around.tally, "fault: slow disk");
      node.disk.slowDown(ms);
    });
  });
  repeat(climate.naps, () => {
    const ms = dice.between(napMsMin, napMsMax);
    sometime(() => {
      count(around.tally, "fault: all machines sleep");
      timeline.nap(ms);
    });
  });
  timeline.whenAwakeFor(climate.activeMs, () => calm(around, nodes));
}

type Sometime = (run: () => void) => void;

function planCrash({ timeline }: Surroundings, dice: Dice, node: SimNode, sometime: Sometime): void {
  const actions = dice.chance(0.9) ? dice.between(0, 30) : undefined;
  const downMs = dice.stretched(10, 120_000);
  const isClone = dice.chance(0.8);
  sometime(() => {
    if (isClone) node.photograph();
    node.crash(actions);
    timeline.after(downMs, () => {
      if (node.isRunning) return;
      if (isClone) node.wakeAsClone();
      node.start();
    });
  });
}

function planStop({ timeline }: Surroundings, dice: Dice, node: SimNode, sometime: Sometime): void {
  const downMs = dice.stretched(16_000, 120_000);
  sometime(() => {
    node.stop();
    timeline.after(downMs, () => node.start());
  });
}

function planPartition({ network, tally }: Surroundings, dice: Dice, nodes: readonly SimNode[], sometime: Sometime): void {
  const [from, to] = [dice.pick(nodes), dice.pick(nodes)];
  const ms = dice.stretched(1_000, 180_000);
  const isBothWays = dice.chance(0.4);
  if (from === to) return;
  sometime(() => {
    count(tally, isBothWays ? "fault: partition" : "fault: one-way partition");
    network.cut(from.name, to.name, ms);
    if (isBothWays) network.cut(to.name, from.name, ms);
  });
}

function planClockJump({ timeline, tally }: Surroundings, dice: Dice, node: SimNode, sometime: Sometime): void {
  const offMs = dice.pick([-hourMs, hourMs, -hourMs, hourMs, 200_000, -200_000]);
  const wrongMs = dice.stretched(5_000, 120_000);
  sometime(() => {
    count(tally, "fault: clock jumped");
    node.setClock(offMs);
    timeline.after(wrongMs, () => node.setClock(0));
  });
}

/** Everything works from now on: what was promised has to come true. */
function calm({ climate, network, trace, timeline }: Surroundings, nodes: readonly SimNode[]): void {
  trace.tell(() => "the world is calm from here on");
  climate.isCalm = true;
  climate.calmAt = timeline.now;
  network.heal();
  for (const node of nodes) {
    node.disk.heal();
    node.setClock(0);
    node.spare();
    timeline.after(reviveMs, () => node.start());
  }
}

const reviveMs = 20_000;
