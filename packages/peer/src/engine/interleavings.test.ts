/** Whatever happens on the way, and whichever side falls over: nothing is handled twice, nothing that was not sent, and in calm weather all works again. */
import { HikyakuError, limits } from "@hikyaku/protocol";
import { ManualClock, type Resident, settle, World } from "@hikyaku/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";

type Step =
  | { readonly kind: "send"; readonly from: "desk" | "lap" }
  | { readonly kind: "lose frame" | "lose answer" | "repeat frame" }
  | { readonly kind: "restart"; readonly side: "desk" | "lap" }
  | { readonly kind: "wait"; readonly ms: number };

const side = fc.constantFrom("desk" as const, "lap" as const);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: side.map((from): Step => ({ kind: "send", from })) },
  {
    weight: 4,
    arbitrary: fc.constantFrom("lose frame" as const, "lose answer" as const, "repeat frame" as const).map((kind): Step => ({ kind })),
  },
  { weight: 2, arbitrary: side.map((restarted): Step => ({ kind: "restart", side: restarted })) },
  { weight: 2, arbitrary: fc.constantFrom(1000, 12_000, 65_000, limits.sessionIdleMsMax).map((ms): Step => ({ kind: "wait", ms })) },
);

class Play implements AsyncDisposable {
  readonly world = new World();
  readonly clock = new ManualClock();
  readonly handled: string[] = [];
  readonly sent: string[] = [];
  readonly receipted: string[] = [];
  readonly sending: Promise<void>[] = [];
  readonly accidents: ("lose frame" | "lose answer" | "repeat frame")[] = [];
  #residents: Record<"desk" | "lap", Resident> | undefined;

  async begin(): Promise<void> {
    const [desk, lap] = [await this.world.peer("desk", { clock: this.clock }), await this.world.peer("lap", { clock: this.clock })];
    await this.world.introduce(desk, lap);
    this.#residents = { desk: this.#listening(desk), lap: this.#listening(lap) };
    this.world.weather.before = async (to, frame) => {
      const accident = this.accidents.shift();
      if (accident === "lose frame") throw new HikyakuError("UNREACHABLE", "lost");
      if (accident === "repeat frame") await this.at(to.includes("desk") ? "desk" : "lap").poke(frame);
      return accident === "lose answer" ? "lost" : undefined;
    };
  }

  at(name: "desk" | "lap"): Resident {
    if (this.#residents === undefined) throw new Error("the play has not begun");
    return this.#residents[name];
  }

  async act(move: Step): Promise<void> {
    switch (move.kind) {
      case "send":
        this.send(move.from);
        break;
      case "restart":
        if (this.#residents !== undefined) this.#residents[move.side] = this.#listening(await this.world.restart(this.at(move.side)));
        break;
      case "wait":
        await this.clock.pass(move.ms);
        break;
      default:
        this.accidents.push(move.kind);
    }
    await settle();
  }

  send(from: "desk" | "lap"): void {
    const to = from === "desk" ? "lap" : "desk";
    const text = `${this.sent.length} to ${to}`;
    this.sent.push(text);
    const sending = this.at(from).peer.send(to, "message", { text });
    this.sending.push(
      sending.then(
        () => void this.receipted.push(text),
        () => undefined,
      ),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.world[Symbol.asyncDispose]();
  }

  #listening(resident: Resident): Resident {
    resident.peer.on("message", ({ body }) => {
      if ("text" in body) this.handled.push(`${body.text}`);
    });
    return resident;
  }
}

test("any interleaving of messages, losses, repetitions and restarts [BOX-2] [HS-13] [MSG-5]", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 12 }), async (steps) => {
      await using play = new Play();
      await play.begin();
      for (const move of steps) await play.act(move);

      play.accidents.length = 0;
      await play.clock.pass(limits.requestTimeoutMsDefault);
      await Promise.all(play.sending);
      expect(new Set(play.handled).size).toBe(play.handled.length);
      expect(play.handled.filter((text) => !play.sent.includes(text))).toEqual([]);
      expect(play.receipted.filter((text) => !play.handled.includes(text))).toEqual([]);

      for (const from of ["desk", "lap"] as const) {
        const to = from === "desk" ? "lap" : "desk";
        expect((await play.at(from).peer.send(to, "message", { text: `calm, to ${to}` })).stage).toMatch(/^(delivered|handled)$/);
        expect(play.handled).toContain(`calm, to ${to}`);
      }
    }),
    { numRuns: 10, seed: 20_260_201 },
  );
});
