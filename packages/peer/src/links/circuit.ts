/** A circuit breaker for one address (spec DLV-6): five failures open it for 30 s; then three trials may show that it works again. Time is an argument. */
import { limits } from "@hikyaku/protocol";

export type Circuit =
  | { readonly kind: "closed"; readonly failures: number }
  | { readonly kind: "open"; readonly until: number }
  /** Half open: so many trials are left until then. Trials whose end nobody tells, as another address was faster, are not lost for ever. */
  | { readonly kind: "trying"; readonly trialsLeft: number; readonly until: number };

export const closedCircuit: Circuit = { kind: "closed", failures: 0 };

/** The circuit with one attempt begun, or undefined where none may be. */
export function beginAttempt(circuit: Circuit, now: number): Circuit | undefined {
  if (circuit.kind === "closed") return circuit;
  const isTrying = circuit.kind === "trying" && circuit.trialsLeft > 0;
  if (isTrying) return { ...circuit, trialsLeft: circuit.trialsLeft - 1 };
  return now < circuit.until ? undefined : { kind: "trying", trialsLeft: limits.circuitTrialsMax - 1, until: now + limits.circuitOpenMs };
}

export function afterAttempt(circuit: Circuit, hasWorked: boolean, now: number): Circuit {
  if (hasWorked) return closedCircuit;
  const opened: Circuit = { kind: "open", until: now + limits.circuitOpenMs };
  if (circuit.kind !== "closed") return circuit.kind === "trying" && circuit.trialsLeft > 0 ? circuit : opened;
  const failures = circuit.failures + 1;
  return failures >= limits.circuitFailuresMax ? opened : { kind: "closed", failures };
}
