import {
  answerOffer,
  type Bytes,
  decodeEnvelope,
  decodePairingLink,
  encodeEnvelope,
  encodePairingLink,
  limits,
  pureCrypto,
  readOffer,
} from "@hikyaku/protocol";
import {
  deafHolder,
  everyAbility,
  failureOf,
  meetAsStrangers,
  onlyReply,
  Puppet,
  type Resident,
  risen,
  settle,
  World,
} from "@hikyaku/testkit";
import { describe, expect, test } from "vitest";

const asLap = { name: "lap", allow: ["message"] } as const;
const asDesk = { name: "desk", allow: ["message"] } as const;
const tokenOf = (link: string): Bytes => decodePairingLink(link)?.token ?? new Uint8Array(0);
const refused = (code: string) => ({ kind: "refused", code });

describe("a pairing that succeeds", () => {
  test("both trust each other under the names and scopes that each chose, and can dial each other", async () => {
    await using meeting = await meetAsStrangers();
    const { desk, lap } = meeting;
    const invitation = desk.peer.invite(asLap);
    const candidate = await lap.peer.accept(invitation.link, { name: "office", allow: [] });
    expect(candidate).toEqual({
      did: desk.peer.did,
      name: "office",
      fingerprint: desk.peer.fingerprint,
      safetyNumber: lap.peer.safetyNumber("office"),
    });
    expect(await invitation.paired).toMatchObject({ did: lap.peer.did, name: "lap", safetyNumber: candidate.safetyNumber });
    expect(desk.peer.peer("lap")).toMatchObject({ level: "trusted", scopes: ["message"] });
    await expect.poll(() => desk.peer.peer("lap").addresses).toEqual(["http://lap:7340"]);
    expect(lap.peer.peer("office")).toMatchObject({ level: "trusted", scopes: [], addresses: ["http://desk:7340"] });
    expect((await lap.peer.send("office", "message", { text: "1" })).stage).toBe("stored");
    await expect(desk.peer.send("lap", "message", { text: "2" })).rejects.toMatchObject({ code: "UNAUTHORIZED" });
  });

  test("nobody is trusted before the person on that side agrees [PAIR-4]", async () => {
    await using meeting = await meetAsStrangers();
    const { desk, lap } = meeting;
    const word = Promise.withResolvers<boolean>();
    const asked: string[] = [];
    const confirm = (candidate: { safetyNumber: string }): Promise<boolean> => {
      asked.push(candidate.safetyNumber);
      return word.promise;
    };
    const invitation = desk.peer.invite({ ...asLap, confirm });
    const accepting = lap.peer.accept(invitation.link, { ...asDesk, confirm });
    while (asked.length < 2) await settle();
    expect(asked[0]).toBe(asked[1]);
    expect([desk.peer.peers(), lap.peer.peers()]).toEqual([[], []]);
    word.resolve(true);
    await Promise.all([accepting, invitation.paired]);
    expect(desk.peer.peer("lap").addresses).toEqual(["http://lap:7340"]);
    expect((await lap.peer.send("desk", "message", { text: "1" })).stage).toBe("stored");
    expect((await desk.peer.send("lap", "message", { text: "2" })).stage).toBe("stored");
  });
});

describe("the token [PAIR-2]", () => {
  test("a link with another token is refused, and the true one still works", async () => {
    await using meeting = await meetAsStrangers();
    const { desk, lap } = meeting;
    const invitation = desk.peer.invite(asLap);
    const link = decodePairingLink(invitation.link);
    if (link === undefined) throw new Error("no link");
    const forged = encodePairingLink({ ...link, token: link.token.with(0, (link.token[0] ?? 0) ^ 1) });
    const rises = await risen(desk.peer, async () => {
      await expect(lap.peer.accept(forged, asDesk)).rejects.toMatchObject({
        code: "HANDSHAKE_FAILED",
        message: expect.stringContaining("pairing link"),
      });
    });
    expect(rises).toEqual({ "refused.HANDSHAKE_FAILED": 1 });
    expect([desk.peer.peers(), lap.peer.peers()]).toEqual([[], []]);
    await lap.peer.accept(invitation.link, asDesk);
    await invitation.paired;
  });

  test("whoever knows the token's name and not the token cannot read the answer", async () => {
    await using meeting = await meetAsStrangers();
    const { clock, desk } = meeting;
    const invitation = desk.peer.invite(asLap);
    const puppet = new Puppet(99, { now: () => clock.now() });
    const pending = puppet.offer(desk.peer.did, { pairingToken: tokenOf(invitation.link) });
    const m2 = onlyReply(await desk.poke(encodeEnvelope(pending.m1)));
    const guess = { ...pending, settings: { ...pending.settings, pairingToken: new Uint8Array(16) } };
    expect(() => puppet.confirm(guess, m2, desk.needs.identity.publicKey)).toThrow("responder MAC");
    expect(puppet.confirm(pending, m2, desk.needs.identity.publicKey).kind).toBe("confirmed");
  });

  test("whoever answers in the maker's place without the token is not trusted", async () => {
    await using world = new World();
    const lap = await world.peer("lap");
    const maker = new Puppet(99);
    const listener = world.network.listener("http://maker:7340");
    const dice = () => ({ challenge: new Uint8Array(32), ephemeral: new Uint8Array(32).fill(9), nonce: new Uint8Array(32) });
    await listener.start(async (frame) => {
      const m1 = decodeEnvelope(frame);
      const read = m1 && readOffer(pureCrypto, m1, maker.key(lap.needs.identity.publicKey), Date.now());
      if (read?.kind !== "offered") return { kind: "refused", code: "REJECTED" };
      const half = answerOffer(pureCrypto, maker.identity, read, { abilities: everyAbility, minVersion: "1.0" }, dice(), Date.now());
      return half.kind === "answered"
        ? { kind: "received", replies: [encodeEnvelope(half.m2)], more: false }
        : { kind: "refused", code: half.code };
    }, deafHolder);
    const link = encodePairingLink({ did: maker.did, addresses: listener.addresses, token: new Uint8Array(16) });
    await expect(lap.peer.accept(link, asDesk)).rejects.toMatchObject({ code: "HANDSHAKE_FAILED" });
    expect(lap.peer.peers()).toEqual([]);
    await listener[Symbol.asyncDispose]();
  });
});

describe("once, and for ten minutes [PAIR-3]", () => {
  test("a link that was used is refused", async () => {
    await using meeting = await meetAsStrangers();
    const { world, desk, lap, clock } = meeting;
    const tab = await world.peer("tab", { clock });
    const invitation = desk.peer.invite(asLap);
    await lap.peer.accept(invitation.link, asDesk);
    await expect(tab.peer.accept(invitation.link, asDesk)).rejects.toMatchObject({ code: "HANDSHAKE_FAILED" });
    expect(desk.peer.peers().map(({ name }) => name)).toEqual(["lap"]);
    expect(tab.peer.peers()).toEqual([]);
  });

  test("of two that race with one token, the first confirmation takes it", async () => {
    await using meeting = await meetAsStrangers();
    const { clock, desk } = meeting;
    const invitation = desk.peer.invite(asLap);
    const pairingToken = tokenOf(invitation.link);
    const confirmations: Bytes[] = [];
    const puppets = [new Puppet(98, { now: () => clock.now() }), new Puppet(99, { now: () => clock.now() })];
    for (const puppet of puppets) {
      const pending = puppet.offer(desk.peer.did, { pairingToken });
      const m2 = onlyReply(await desk.poke(encodeEnvelope(pending.m1)));
      confirmations.push(encodeEnvelope(puppet.confirm(pending, m2, desk.needs.identity.publicKey).m3));
    }
    const answers = await Promise.all(confirmations.map((m3) => desk.poke(m3)));
    expect(answers).toMatchObject([{ kind: "received" }, refused("HANDSHAKE_FAILED")]);
    expect((await invitation.paired).did).toBe(puppets[0]?.did);
    expect(desk.peer.peers()).toHaveLength(1);
    expect(desk.peer.stats()).toMatchObject({ "session.established": 1, "refused.HANDSHAKE_FAILED": 1 });
  });

  test("after ten minutes it is void, also for an offer that came in time", async () => {
    await using meeting = await meetAsStrangers();
    const { clock, desk, lap } = meeting;
    const puppet = new Puppet(99, { now: () => clock.now() });
    const invitation = desk.peer.invite(asLap);
    expect(invitation.expiresAt - clock.now()).toBe(600_000);
    const failure = failureOf(invitation.paired);
    await clock.pass(limits.pairingMsMax - 1);
    const pending = puppet.offer(desk.peer.did, { pairingToken: tokenOf(invitation.link) });
    const m2 = onlyReply(await desk.poke(encodeEnvelope(pending.m1)));
    await clock.pass(1);
    expect(desk.peer.sizes()["pairings"]).toMatchObject({ held: 0 });
    expect(await failure).toMatchObject({ code: "TIMED_OUT" });
    const { m3 } = puppet.confirm(pending, m2, desk.needs.identity.publicKey);
    expect(await desk.poke(encodeEnvelope(m3))).toEqual(refused("HANDSHAKE_FAILED"));
    await expect(lap.peer.accept(invitation.link, asDesk)).rejects.toMatchObject({ code: "HANDSHAKE_FAILED" });
    expect(desk.peer.peers()).toEqual([]);
  });

  test("a link that was taken back is void", async () => {
    await using meeting = await meetAsStrangers();
    const { desk, lap } = meeting;
    const invitation = desk.peer.invite(asLap);
    invitation.cancel();
    invitation.cancel();
    await expect(invitation.paired).rejects.toMatchObject({ code: "CANCELED" });
    await expect(lap.peer.accept(invitation.link, asDesk)).rejects.toMatchObject({ code: "HANDSHAKE_FAILED" });
  });

  test("closing the peer ends what waits", async () => {
    await using meeting = await meetAsStrangers();
    const { desk } = meeting;
    const failure = failureOf(desk.peer.invite(asLap).paired);
    await desk.peer.close();
    expect(await failure).toMatchObject({ code: "CLOSED" });
  });

  test("no more than 64 links are open, and one taken back makes room", async () => {
    await using meeting = await meetAsStrangers();
    const { desk } = meeting;
    const open = Array.from({ length: limits.openPairingsMax }, () => desk.peer.invite(asLap));
    expect(() => desk.peer.invite(asLap)).toThrow(expect.objectContaining({ code: "QUOTA_EXCEEDED" }));
    open[0]?.cancel();
    expect(desk.peer.invite(asLap).link).toMatch(/^hikyaku:pair\?/);
  });
});

/** Whoever is not trusted over there is told so; what it said stays with it. */
async function expectTurnedAway({ peer }: Resident, name: string): Promise<void> {
  expect(await peer.send(name, "message", { text: "1" })).toMatchObject({ stage: "queued", problem: expect.any(String) });
  await expect(peer.ping(name)).rejects.toMatchObject({ code: expect.stringMatching(/UNAUTHORIZED|UNKNOWN_SENDER/) });
}

describe("a person says no [PAIR-4]", () => {
  const no = async (): Promise<boolean> => false;

  test("the maker of the link: it trusts nobody, and what the other says is refused", async () => {
    await using meeting = await meetAsStrangers();
    const { desk, lap } = meeting;
    const trusted = Promise.withResolvers<void>();
    const invitation = desk.peer.invite({ ...asLap, confirm: () => trusted.promise.then(no) });
    const failure = failureOf(invitation.paired);
    await lap.peer.accept(invitation.link, asDesk);
    trusted.resolve();
    expect(await failure).toMatchObject({ code: "CANCELED" });
    expect(desk.peer.peers()).toEqual([]);
    await expectTurnedAway(lap, "desk");
    expect(await desk.peer.inbox({ limit: 1 })).toEqual([]);
    const tab = await meeting.world.peer("tab", { clock: meeting.clock });
    await expect(tab.peer.accept(invitation.link, asDesk)).rejects.toMatchObject({ code: "HANDSHAKE_FAILED" });
  });

  test("the user of the link: it trusts nobody, and what the other says is refused", async () => {
    await using meeting = await meetAsStrangers();
    const { desk, lap } = meeting;
    const invitation = desk.peer.invite(asLap);
    await expect(lap.peer.accept(invitation.link, { ...asDesk, confirm: no })).rejects.toMatchObject({ code: "CANCELED" });
    await invitation.paired;
    expect(lap.peer.peers()).toEqual([]);
    await desk.peer.trust({ peer: "lap", addresses: lap.peer.addresses });
    await expectTurnedAway(desk, "lap");
    expect(await lap.peer.inbox({ limit: 1 })).toEqual([]);
  });
});

describe("the other side learns of a no [PAIR-5]", () => {
  const no = async (): Promise<boolean> => false;
  const alarmOf = ({ peer }: Resident, name: string) => peer.peer(name).alarm?.code;

  test("the user of the link, which trusts: its person sees it, what it decided stays, and pairing anew ends the alarm", async () => {
    await using meeting = await meetAsStrangers();
    const { desk, lap } = meeting;
    const trusted = Promise.withResolvers<void>();
    const refusing = desk.peer.invite({ ...asLap, confirm: () => trusted.promise.then(no) });
    const failure = failureOf(refusing.paired);
    await lap.peer.accept(refusing.link, asDesk);
    trusted.resolve();
    await failure;
    await expect.poll(() => alarmOf(lap, "desk")).toBe("PAIRING_DECLINED");
    expect(lap.log).toContainEqual({ level: "warn", event: "pairing.declined", fields: { peer: desk.peer.did } });
    expect(lap.peer.peer("desk")).toMatchObject({ level: "trusted", scopes: ["message"] });
    expect([desk.peer.sizes()["sessions"]?.held, lap.peer.sizes()["sessions"]?.held]).toEqual([0, 0]);
    expect(await lap.peer.send("desk", "message", { text: "1" })).toMatchObject({
      stage: "queued",
      problem: expect.stringContaining("does not know this peer"),
    });

    const agreeing = desk.peer.invite(asLap);
    await lap.peer.accept(agreeing.link, asDesk);
    await agreeing.paired;
    expect(alarmOf(lap, "desk")).toBeUndefined();
    expect((await lap.peer.send("desk", "message", { text: "2" })).stage).toBe("stored");
  });

  test.each([
    ["says no", { ...asDesk, confirm: no }],
    ["cannot ask", { ...asDesk, confirm: () => Promise.reject(new Error("no screen")) }],
  ])("the maker of the link, which trusts, where the user %s", async (_, terms) => {
    await using meeting = await meetAsStrangers();
    const { desk, lap } = meeting;
    const invitation = desk.peer.invite(asLap);
    await failureOf(lap.peer.accept(invitation.link, terms));
    await invitation.paired;
    await expect.poll(() => alarmOf(desk, "lap")).toBe("PAIRING_DECLINED");
    await desk.peer.trust({ peer: "lap", level: "trusted" });
    expect(alarmOf(desk, "lap")).toBeUndefined();
  });

  test("who can only call learns it when it calls", async () => {
    await using meeting = await meetAsStrangers();
    const { clock, desk, world } = meeting;
    const tab = await world.peer("tab", { clock, isCallOutOnly: true });
    const asked = Promise.withResolvers<void>();
    const word = Promise.withResolvers<boolean>();
    const confirm = (): Promise<boolean> => {
      asked.resolve();
      return word.promise;
    };
    const invitation = desk.peer.invite({ ...asLap, confirm });
    const failure = failureOf(invitation.paired);
    await Promise.all([tab.peer.accept(invitation.link, asDesk), asked.promise]);
    word.resolve(false);
    await failure;
    await settle();
    expect(alarmOf(tab, "desk")).toBeUndefined();
    await clock.pass(limits.heartbeatIntervalMs);
    await expect.poll(() => alarmOf(tab, "desk")).toBe("PAIRING_DECLINED");
    expect(desk.peer.sizes()["sessions"]?.held).toBe(0);
  });

  test("a side that still asks trusts nobody, whatever its person says then", async () => {
    await using meeting = await meetAsStrangers();
    const { desk, lap } = meeting;
    const word = Promise.withResolvers<boolean>();
    const invitation = desk.peer.invite({ ...asLap, confirm: () => word.promise });
    const failure = failureOf(invitation.paired);
    await expect(lap.peer.accept(invitation.link, { ...asDesk, confirm: no })).rejects.toMatchObject({ code: "CANCELED" });
    expect(await failure).toMatchObject({ code: "CANCELED", message: expect.stringContaining("The other side said no") });
    word.resolve(true);
    await settle();
    expect([desk.peer.peers(), lap.peer.peers()]).toEqual([[], []]);
  });

  test("in another session, or after 15 minutes, it is told to nobody", async () => {
    await using meeting = await meetAsStrangers();
    const { clock, desk } = meeting;
    const puppet = new Puppet(99, { now: () => clock.now() });
    const decline = { reason: "declined" };
    const pair = async (name: string) => {
      const invitation = desk.peer.invite({ ...asLap, name });
      const session = await puppet.connect(desk, { pairingToken: tokenOf(invitation.link) });
      await invitation.paired;
      return session;
    };
    const first = await pair("first");
    await (await puppet.connect(desk)).send("session_close", decline);
    expect(alarmOf(desk, puppet.did)).toBeUndefined();
    await first.send("session_close", { reason: "bye" });
    expect(alarmOf(desk, puppet.did)).toBeUndefined();

    const late = await pair("late");
    await clock.pass(limits.declineMsMax / 2);
    await late.send("ping", { n: 1 });
    await clock.pass(limits.declineMsMax / 2);
    await late.send("session_close", decline);
    expect(alarmOf(desk, puppet.did)).toBeUndefined();
    await (await pair("last")).send("session_close", decline);
    expect(alarmOf(desk, puppet.did)).toBe("PAIRING_DECLINED");
  });
});

describe("links and names that cannot be used", () => {
  test.each(["", "hello", "hikyaku:pair?", "hikyaku:pair?did=did:key:z6Mk&at=desk:1&token=00"])("%j is no link", async (link) => {
    await using meeting = await meetAsStrangers();
    await expect(meeting.lap.peer.accept(link, asDesk)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining("no pairing link"),
    });
    expect(meeting.world.passages).toEqual([]);
  });

  test("a peer's own link is refused before anything is dialled", async () => {
    await using meeting = await meetAsStrangers();
    const { desk, world } = meeting;
    await expect(desk.peer.accept(desk.peer.invite(asLap).link, asDesk)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(world.passages).toEqual([]);
  });

  test("a name that is taken is refused on either side, also where it was taken meanwhile", async () => {
    await using meeting = await meetAsStrangers();
    const { desk, lap, world } = meeting;
    const other = new Puppet(99).did;
    const invitation = desk.peer.invite(asLap);
    await lap.peer.trust({ peer: other, name: "desk" });
    await expect(lap.peer.accept(invitation.link, asDesk)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining('"desk"'),
    });
    expect(world.passages).toEqual([]);
    await desk.peer.trust({ peer: other, name: "lap" });
    expect(() => desk.peer.invite(asLap)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
    const failure = failureOf(invitation.paired);
    // The no may come so soon that lap never trusted desk.
    await lap.peer.accept(invitation.link, { ...asDesk, name: "office" }).catch(() => undefined);
    expect(await failure).toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(desk.peer.peers()).toMatchObject([{ did: other }]);
  });

  test("a maker that is not there is UNREACHABLE by its address", async () => {
    await using meeting = await meetAsStrangers();
    const { desk, lap } = meeting;
    const { link, paired } = desk.peer.invite(asLap);
    const failure = failureOf(paired);
    await desk.peer.close();
    await expect(lap.peer.accept(link, asDesk)).rejects.toMatchObject({
      code: "UNREACHABLE",
      message: expect.stringContaining("http://desk:7340"),
    });
    expect(await failure).toMatchObject({ code: "CLOSED" });
    expect(lap.peer.peers()).toEqual([]);
  });

  test("whoever uses a link may stop waiting, run out of patience, or be closed", async () => {
    await using meeting = await meetAsStrangers();
    const { clock, desk, lap, world } = meeting;
    world.weather.before = () => new Promise<undefined>(() => undefined);
    const { link } = desk.peer.invite(asLap);
    const caller = new AbortController();
    const canceled = failureOf(lap.peer.accept(link, asDesk, { signal: caller.signal }));
    caller.abort();
    expect(await canceled).toMatchObject({ code: "CANCELED" });
    const late = failureOf(lap.peer.accept(link, asDesk, { timeoutMs: 1000 }));
    await clock.pass(1000);
    expect(await late).toMatchObject({ code: "TIMED_OUT" });
    const closed = failureOf(lap.peer.accept(link, asDesk));
    await lap.peer.close();
    expect(await closed).toMatchObject({ code: "CLOSED" });
  });
});
