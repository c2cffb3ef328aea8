/**
 * Supervision: two agents look after each other. Each reports how it is. Whoever has not heard a report for a while asks, and who does not even answer has dozed off and is woken
 * up. Nobody stands above the other: both run the same few lines, and each is caught once.
 */
import { setTimeout as pause } from "node:timers/promises";
import { createPeer, type Peer } from "hikyaku";
import { Folder } from "../folder.ts";
import { Story } from "../story.ts";

// In life these would be minutes.
const reportEveryMs = 50;
const reportAgeMsMax = 400;
const answerMsMax = 1_000;
const lookEveryMs = 50;
const looksMax = 100;

async function main(): Promise<number> {
  const story = new Story();
  using folder = new Folder();
  await using day = await Agent.start("day", folder);
  await using night = await Agent.start("night", folder);
  const invitation = day.peer.invite({ name: "night", allow: ["message", "wake_up"] });
  await night.peer.accept(invitation.link, { name: "day", allow: ["message", "wake_up"] });
  await invitation.paired;
  day.lookAfter("night");
  night.lookAfter("day");

  story.chapter("Both are well");
  story.see("day finds night", await day.finds("well"), "well");
  story.see("night finds day", await night.finds("well"), "well");
  story.tell(`night's last report says: ${day.peer.peer("night").status?.detail}`);

  for (const [one, other] of [[day, night] as const, [night, day] as const]) {
    story.chapter(`${other.name} is too busy to report`);
    other.manner = "busy";
    story.see(`${one.name} asks, and finds ${other.name}`, await one.finds("busy"), "busy");

    story.chapter(`${other.name} dozes off`);
    other.manner = "asleep";
    story.see(`${one.name} asks, gets no answer, and finds ${other.name}`, await one.finds("stuck"), "stuck");
    story.see(`${one.name} woke it up, and finds ${other.name}`, await one.finds("well"), "well");
    story.see(`${other.name} is`, other.manner, "awake");
  }
  return story.end();
}

/** What one agent finds of the other: it reports; it does not report and answers; it does neither. */
type Finding = "well" | "busy" | "stuck";

/** An agent with its peer. A busy one answers and does not report, one that is asleep does neither. */
class Agent implements AsyncDisposable {
  readonly name: string;
  readonly peer: Peer;
  manner: "awake" | "busy" | "asleep" = "awake";
  readonly #over = new AbortController();
  readonly #living: Promise<void>[] = [];
  #findings: Finding[] = [];

  private constructor(name: string, peer: Peer) {
    this.name = name;
    this.peer = peer;
  }

  static async start(name: string, folder: Folder): Promise<Agent> {
    let agent: Agent | undefined;
    // What waking up means is the agent's own choice: to start a program, to ring a bell.
    const wake = async (): Promise<void> => {
      if (agent !== undefined) agent.manner = "awake";
    };
    agent = new Agent(name, await createPeer({ folder: folder.for(name), listen: "127.0.0.1:0", wake }));
    return agent;
  }

  /** From now on it reports to the other one, answers it, and looks after it. */
  lookAfter(other: string): void {
    const { signal } = this.#over;
    this.peer.on("message", async (question) => {
      if (this.manner !== "asleep") await question.reply({ text: "busy, but well" });
    });
    this.#living.push(
      this.#every(reportEveryMs, async () => {
        const report = { state: "working", detail: `${this.name} keeps watch` };
        if (this.manner === "awake") await this.peer.send(other, "status_report", report, { signal });
      }),
      this.#every(lookEveryMs, async () => {
        const finding = await this.#look(other);
        this.#findings.push(finding);
        if (finding === "stuck") await this.peer.wake(other, "you do not answer", { signal });
      }),
    );
  }

  /** Waits until it finds this of the other one, or for a few seconds; resolves with what it found last. */
  async finds(expected: Finding): Promise<Finding | undefined> {
    this.#findings = [];
    for (let looks = 0; looks < looksMax && !this.#findings.includes(expected); looks += 1) await pause(lookEveryMs);
    return this.#findings.includes(expected) ? expected : this.#findings.at(-1);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await Promise.all(this.#living);
    await this.peer.close();
  }

  async #look(other: string): Promise<Finding> {
    const { status } = this.peer.peer(other);
    if (status !== undefined && Date.now() - status.receivedAt < reportAgeMsMax) return "well";
    const answer = await this.peer
      .ask(other, { text: "how are you?" }, { timeoutMs: answerMsMax, signal: this.#over.signal })
      .catch(() => undefined);
    return answer === undefined ? "stuck" : "busy";
  }

  /** What fails is tried again the next time. */
  async #every(ms: number, act: () => Promise<void>): Promise<void> {
    while (!this.#over.signal.aborted) {
      await act().catch(() => undefined);
      await pause(ms);
    }
  }
}

process.exitCode = await main();
