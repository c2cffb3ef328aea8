/**
 * A pool of workers: a boss has thirty numbers squared by three workers, which are processes of their own. Whoever is free gets the next one. In the middle one of them is killed
 * and started again: what it had taken is not lost, and nobody has to ask twice.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { createPeer, type Peer } from "hikyaku";
import { Folder } from "../folder.ts";
import { Story } from "../story.ts";

const program = fileURLToPath(new URL("./worker.ts", import.meta.url));
const numbers = Array.from({ length: 30 }, (_, at) => at + 1);
const names = ["ada", "ben", "cleo"];
/** Tasks that each worker has at once. */
const atOnce = 2;
const crashAfter = 10;

async function main(): Promise<number> {
  const story = new Story();
  using folder = new Folder();
  await using boss = await createPeer({ folder: folder.for("boss"), listen: "127.0.0.1:0" });
  await using pool = new Pool(boss, folder);
  story.chapter("A boss and three workers");
  await Promise.all(names.map((name) => pool.hire(name)));
  story.tell(`${names.join(", ")} are there`);

  story.chapter(`${numbers.length} numbers are squared; after ${crashAfter} of them ada is killed`);
  const todo = [...numbers];
  const squares = new Map<number, number>();
  const ranAgain: number[] = [];
  const doneBy = new Map<string, number>();

  /** Has one task after the other done by this worker. */
  const keepBusy = async (name: string): Promise<void> => {
    for (let n = todo.shift(); n !== undefined; n = todo.shift()) {
      const task = await boss.delegate<number>(name, "square", n);
      squares.set(n, await task.result());
      doneBy.set(name, (doneBy.get(name) ?? 0) + 1);
      if (squares.size === crashAfter) await pool.crash("ada");
      let begun = 0;
      for await (const { state } of task) if (state === "working") begun += 1;
      if (begun > 1) ranAgain.push(n);
    }
  };
  await Promise.all(names.flatMap((name) => Array.from({ length: atOnce }, () => keepBusy(name))));

  story.tell(
    `done: ${names.map((name) => `${name} ${doneBy.get(name) ?? 0}`).join(", ")}; run again after the crash: ${ranAgain.join(", ") || "none"}`,
  );
  const isRight = numbers.every((n) => squares.get(n) === n ** 2);
  story.see("every number has its square", isRight, true);
  const open = await boss.tasks({ role: "requester", isOpen: true, limit: 1 });
  story.see("no task is left open", open.length, 0);
  const given = await boss.tasks({ role: "requester", limit: 100 });
  story.see("each number was given away once", given.length, numbers.length);
  return story.end();
}

/** The workers as processes. */
class Pool implements AsyncDisposable {
  readonly #boss: Peer;
  readonly #folder: Folder;
  readonly #workers = new Map<string, ChildProcess>();

  constructor(boss: Peer, folder: Folder) {
    this.#boss = boss;
    this.#folder = folder;
  }

  /** Resolves once the new worker is paired and has said what it can do. */
  async hire(name: string): Promise<void> {
    const invitation = this.#boss.invite({ name, allow: [] });
    await this.#start(name, invitation.link);
    await invitation.paired;
  }

  /** Kills a worker as a failing machine would, and starts it again. It pairs once in its life. */
  async crash(name: string): Promise<void> {
    const worker = this.#workers.get(name);
    if (worker === undefined) return;
    const ended = once(worker, "exit");
    worker.kill("SIGKILL");
    await ended;
    await this.#start(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const worker of this.#workers.values()) {
      const ended = once(worker, "exit");
      worker.disconnect();
      await ended;
    }
  }

  async #start(name: string, link = ""): Promise<void> {
    const worker = fork(program, [this.#folder.for(name), link]);
    this.#workers.set(name, worker);
    const [first] = await Promise.race([once(worker, "message"), once(worker, "exit")]);
    if (first !== "ready") throw new Error(`${name} did not come up.`);
  }
}

process.exitCode = await main();
