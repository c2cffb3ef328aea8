import { deafHolder, linkContract, streamContract } from "@hikyaku/testkit";
import { expect, test } from "vitest";
import { createMemoryNetwork } from "./memory-link.ts";

linkContract("memory", () => {
  const network = createMemoryNetwork();
  return { listener: network.listener("http://desk:7340"), dialer: network.dialer("lap"), dialerHost: "lap", kind: "public" };
});

streamContract("memory", () => {
  const network = createMemoryNetwork();
  return {
    listener: network.listener("http://desk:7340", { streams: true }),
    dialer: network.dialer("lap"),
    dialerHost: "lap",
    kind: "public",
    dialerPauses: true,
  };
});

test("a second listener at one address is refused, until the first has gone", async () => {
  const network = createMemoryNetwork();
  const accept = async () => ({ kind: "received", replies: [], more: false }) as const;
  const [first, second] = [network.listener("http://desk:1"), network.listener("http://desk:1")];
  await first.start(accept, deafHolder);
  await expect(second.start(accept, deafHolder)).rejects.toMatchObject({
    code: "ADDRESS_IN_USE",
    message: expect.stringContaining("http://desk:1"),
  });
  await second[Symbol.asyncDispose]();
  await expect(second.start(accept, deafHolder)).rejects.toMatchObject({ code: "ADDRESS_IN_USE" });
  await first[Symbol.asyncDispose]();
  await second.start(accept, deafHolder);
  expect(second.addresses).toEqual(["http://desk:1"]);
});
