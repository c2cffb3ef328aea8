import { limits } from "@hikyaku/protocol";
import { expect, test } from "vitest";
import { afterAttempt, beginAttempt, type Circuit, closedCircuit } from "./circuit.ts";

const failed = (circuit: Circuit, times: number, now = 0): Circuit => {
  let after = circuit;
  for (let time = 0; time < times; time += 1) after = afterAttempt(after, false, now);
  return after;
};

test("five failures in a row open it for 30 s: until then nothing may be tried [DLV-6]", () => {
  expect(beginAttempt(failed(closedCircuit, 4), 0)).toBeDefined();
  const open = failed(closedCircuit, 5, 1000);
  expect(beginAttempt(open, 1000 + limits.circuitOpenMs - 1)).toBeUndefined();
  expect(beginAttempt(open, 1000 + limits.circuitOpenMs)).toBeDefined();
});

test("one success closes it, and only failures in a row count [DLV-6]", () => {
  const nearly = failed(closedCircuit, 4);
  expect(afterAttempt(nearly, true, 0)).toEqual(closedCircuit);
  expect(beginAttempt(failed(afterAttempt(nearly, true, 0), 4), 0)).toBeDefined();
});

test("then three trials may show that it works again; after three failures it is open as long again [DLV-6]", () => {
  let circuit: Circuit = failed(closedCircuit, 5);
  const now = limits.circuitOpenMs;
  for (let trial = 0; trial < limits.circuitTrialsMax; trial += 1) {
    const begun = beginAttempt(circuit, now);
    expect(begun).toBeDefined();
    circuit = afterAttempt(begun ?? closedCircuit, false, now);
  }
  expect(beginAttempt(circuit, now)).toBeUndefined();
  expect(beginAttempt(circuit, now + limits.circuitOpenMs - 1)).toBeUndefined();
  const again = beginAttempt(circuit, now + limits.circuitOpenMs);
  expect(afterAttempt(again ?? closedCircuit, true, now)).toEqual(closedCircuit);
});

test("no more than three trials are under way at once [DLV-6]", () => {
  let circuit: Circuit | undefined = failed(closedCircuit, 5);
  for (let trial = 0; trial < limits.circuitTrialsMax; trial += 1) circuit = beginAttempt(circuit ?? closedCircuit, limits.circuitOpenMs);
  expect(beginAttempt(circuit ?? closedCircuit, limits.circuitOpenMs)).toBeUndefined();
  // Of none of them the end was told: they were called off, as another address was faster.
  expect(beginAttempt(circuit ?? closedCircuit, 2 * limits.circuitOpenMs - 1)).toBeUndefined();
  expect(beginAttempt(circuit ?? closedCircuit, 2 * limits.circuitOpenMs)).toBeDefined();
});
