/** A requester and its worker, each of which is killed again and again, always while tasks are open. */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { freePort } from "../packages/testkit/src/process/free-port.ts";
import { Dice } from "../packages/testkit/src/simulation/dice.ts";
import { writePrograms } from "./program-file.ts";
import { gatherTasks, judgeTasks, type TaskVerdict } from "./task-judge.ts";
import { Victim } from "./victim.ts";
import { type Delegating, database, type Standing } from "./words.ts";

export interface TaskTrialSettings {
  /** An empty folder. */
  readonly folder: string;
  readonly seed: number;
  /** Of each side, with tasks open. */
  readonly kills: number;
  readonly tasks: number;
}

export interface TaskResult {
  /** Of the requester and of the worker. */
  readonly kills: readonly [number, number];
  /** More kills, of a side that was not up again yet. */
  readonly early: number;
  readonly tasks: number;
  readonly killingMs: number;
  readonly verdict: TaskVerdict;
}

type Requester = Victim<Delegating, Standing>;
type Worker = Victim<never, null>;

/** Before a kill at least so many tasks are open. */
const openMin = 8;
const delayMsMax = 400;
/** Tasks that end between two kills, on a machine that is not too busy for it. */
const flowMax = 8;
const flowMsMax = 2_000;
const earlyMsMax = 400;
const lastWordMs = 10;
const lookEveryMs = 5;
const settleMsMax = 120_000;
const attemptsMax = 100;

export async function runTaskTrial({ folder, seed, kills, tasks }: TaskTrialSettings): Promise<TaskResult> {
  await using stack = new AsyncDisposableStack();
  const programs = await writePrograms(["requester-program", "worker-program"], folder);
  const cache = join(folder, "cache");
  const requester: Requester = stack.use(
    new Victim({
      program: programs["requester-program"],
      folder: join(folder, "requester"),
      port: await freePort(),
      cache,
      view: { durable: 0, open: 0 },
    }),
  );
  const worker: Worker = stack.use(
    new Victim({ program: programs["worker-program"], folder: join(folder, "worker"), port: await freePort(), cache, view: null }),
  );
  await Promise.all([requester.start(), worker.start()]);
  await Promise.all([requester.meet(worker), worker.meet(requester)]);
  const course = new TaskCourse(requester, worker, { dice: new Dice(seed, "task kills"), kills, tasks });
  const beganAt = performance.now();
  await course.killAll();
  const killingMs = performance.now() - beganAt;
  await course.finish();
  await Promise.all([requester.end(), worker.end()]);
  const evidence = gatherTasks(requester.folder, worker.folder, { asked: course.granted, kills: worker.kills });
  return { kills: course.counts, early: course.early, tasks: course.granted, killingMs, verdict: judgeTasks(evidence) };
}

interface TaskCourseSettings extends Pick<TaskTrialSettings, "kills" | "tasks"> {
  readonly dice: Dice;
}

class TaskCourse {
  readonly #sides: readonly [Requester, Worker];
  readonly #settings: TaskCourseSettings;
  readonly #counts: [number, number] = [0, 0];
  #granted = 0;
  #early = 0;

  constructor(requester: Requester, worker: Worker, settings: TaskCourseSettings) {
    this.#sides = [requester, worker];
    this.#settings = settings;
  }

  get counts(): readonly [number, number] {
    return this.#counts;
  }

  get granted(): number {
    return this.#granted;
  }

  get early(): number {
    return this.#early;
  }

  async killAll(): Promise<void> {
    const { dice, kills } = this.#settings;
    for (let attempt = 0; Math.min(...this.#counts) < kills; attempt += 1) {
      if (attempt >= kills * 2 + attemptsMax)
        throw new Error(`after ${attempt} attempts only ${this.#counts.join(" and ")} kills found tasks open`);
      const left = ([0, 1] as const).filter((at) => this.#counts[at] < kills);
      // Now and then both at the same moment, as when a machine loses its power.
      const both = left.length === 2 && dice.chance(0.15);
      await this.#killOnce(both ? left : [dice.pick(left)]);
    }
  }

  /** Gives what is left without being disturbed, and waits until nothing is open. */
  async finish(): Promise<void> {
    const [requester] = this.#sides;
    this.#grant(Math.max(this.#granted, this.#settings.tasks));
    await requester.until(() => requester.view.durable === this.#granted && requester.view.open === 0, settleMsMax, "see all tasks end");
  }

  /** A kill counts where tasks are open while its victims lie dead: the requester's own database says so. */
  async #killOnce(victims: readonly (0 | 1)[]): Promise<void> {
    const { dice } = this.#settings;
    this.#load();
    if (dice.chance(0.5)) await this.#letFlow(dice.between(1, flowMax));
    // Often while tasks are being given: between what is durable of one and its message lie a few milliseconds.
    else await pause(dice.stretched(1, delayMsMax));
    await Promise.all(victims.map((at) => this.#sides[at].kill()));
    // Time for the last word of a worker that is dead to a requester that is not.
    await pause(lastWordMs);
    const open = countOpen(this.#sides[0].folder);
    await Promise.all(victims.map((at) => this.#revive(this.#sides[at])));
    if (open > 0) for (const at of victims) this.#counts[at] += 1;
    // What a kill kept from being given is asked for again.
    this.#grant(this.#granted);
  }

  /** Now and then it is killed once more before it is up. */
  async #revive(victim: Requester | Worker): Promise<void> {
    const { dice } = this.#settings;
    if (dice.chance(0.2)) {
      victim.spawn();
      await pause(dice.between(0, earlyMsMax));
      await victim.kill();
      this.#early += 1;
    }
    await victim.start();
  }

  /** Waits until some more tasks have ended. */
  async #letFlow(tasks: number): Promise<void> {
    const [{ view }] = this.#sides;
    const ended = (): number => this.#sides[0].view.durable - this.#sides[0].view.open;
    const enough = view.durable - view.open + tasks;
    const until = performance.now() + flowMsMax;
    while (ended() < enough && performance.now() < until) await pause(lookEveryMs);
  }

  /** Gives the share of tasks that falls to this kill, and as many as are needed for some to be open. */
  #load(): void {
    const { kills, tasks } = this.#settings;
    const left = Math.max(1, kills * 2 - this.#counts[0] - this.#counts[1]);
    const share = Math.max(0, Math.round((tasks - this.#granted) / left));
    this.#grant(this.#granted + Math.max(share, openMin - this.#sides[0].view.open));
  }

  #grant(upTo: number): void {
    this.#granted = upTo;
    this.#sides[0].tell({ kind: "delegate", upTo });
  }
}

function countOpen(folder: string): number {
  using kept = new DatabaseSync(join(folder, database), { readOnly: true });
  return Number(kept.prepare("SELECT count(*) AS open FROM tasks WHERE role = 0 AND state < 4").get()?.["open"]);
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
