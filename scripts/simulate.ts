import { parseArgs } from "node:util";
import { nodeCrypto } from "../packages/hikyaku/src/crypto/node-crypto.ts";
import { simulate } from "../packages/testkit/src/simulation/simulation.ts";

const { values } = parseArgs({
  options: { seeds: { type: "string", default: "10" }, seed: { type: "string", default: "1" }, tell: { type: "boolean", default: false } },
});
const total = new Map<string, number>();
const began = performance.now();
let bad = 0;
for (let n = 0; n < Number(values.seeds); n++) {
  const seed = Number(values.seed) + n;
  const t = performance.now();
  const r = await simulate(nodeCrypto, { seed, isTold: values.tell });
  for (const [k, v] of r.tally) total.set(k, (total.get(k) ?? 0) + v);
  if (r.violation) {
    bad++;
    console.log(`seed ${seed} ${(performance.now() - t).toFixed(0)} ms steps ${r.steps} frames ${r.frames} ${r.violation.message}`);
    if (values.tell) console.log(r.lines.join("\n"));
  }
}
if (Number(values.seeds) > 1) for (const [k, v] of [...total].sort()) console.log(String(v).padStart(8), k);
console.log(bad, "bad", ((performance.now() - began) / Number(values.seeds)).toFixed(1), "ms/seed");
