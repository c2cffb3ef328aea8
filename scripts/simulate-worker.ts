/** One process of `npm run simulate`: runs the seeds that it is told, one after another. */
import { nodeCrypto } from "../packages/hikyaku/src/crypto/node-crypto.ts";
import { type SimulationResult, type SimulationSettings, simulate } from "../packages/testkit/src/simulation/simulation.ts";

export type Order = SimulationSettings;

export interface Report extends Omit<SimulationResult, "tally"> {
  readonly tally: Readonly<Record<string, number>>;
}

// Errors are everyday answers in a world where everything fails; where they were made is not worth the time.
Error.stackTraceLimit = 0;

// Nobody asks any more: whoever did has ended.
process.once("disconnect", () => process.exit());
process.on("message", (order: Order) => {
  simulate(nodeCrypto, order).then(
    ({ tally, ...result }) => process.send?.({ ...result, tally: Object.fromEntries(tally) } satisfies Report),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
