/** What must have happened in a long simulation: every kind of fault, and every way of getting over one. What never happened was not tested. */

/** Each of these in every two worlds, on average. */
const expectedPerSeed: number = 1 / 2;

/** Below this many worlds an average says nothing. */
const expectationSeedsMin: number = 200;

/** What is counted, and what it is for people. */
export const expectations: Readonly<Record<string, string>> = {
  "fault: request lost": "a request of an exchange was lost",
  "fault: answer lost": "the answer of an exchange was lost",
  "fault: duplicated": "a frame arrived twice",
  "fault: late copy": "a copy came late, up to three hours",
  "fault: bit flipped": "a bit was turned",
  "fault: stream broken": "a stream broke with frames in flight",
  "fault: stream stalled": "a stream stalled",
  "fault: cut off": "something was sent into a partition",
  "fault: partition": "two machines were parted both ways",
  "fault: one-way partition": "two machines were parted one way",
  "fault: dial failed": "nobody answered a call",
  "fault: crash": "a program crashed",
  "fault: stop": "a program was stopped in order",
  "fault: clone": "a program woke with dice that it had rolled before",
  "fault: torn commit": "a commit was made and nobody was told",
  "fault: lost commit": "a commit was lost in a crash",
  "fault: disk full": "a commit met a full disk",
  "fault: slow disk": "a disk became slow",
  "fault: clock jumped": "a clock jumped",
  "fault: all machines sleep": "all machines slept for minutes",
  "fault: slow handler": "a handler took its time",
  "fault: handler failed": "a handler failed",
  "message.repeated": "messages without a receipt were sealed anew",
  "message.duplicate": "a duplicate was answered and not handled",
  "message.interrupted": "a handler that a crash cut short was reported",
  "message.ahead": "what exceeds the reorder buffer was turned away",
  "message.expired": "messages expired at their sender",
  "message.transient": "a message that nobody keeps arrived",
  "lane.skipped": "a query told a floor that ended a wait",
  "storage.retried": "what had to be noted was noted later",
  "received.receipt_query": "a query for receipts was answered",
  "received.session_close": "a session was closed in order",
  "refused.REPLAY_DETECTED": "a replay was refused",
  "refused.NO_SESSION": "a session was not known any more",
  "refused.CLOCK_SKEW": "a wrong clock was noticed",
  "refused.MALFORMED_MESSAGE": "junk was refused",
  "refused.MESSAGE_EXPIRED": "a message came too late",
  "refused.QUOTA_EXCEEDED": "an inbox was full",
  "told.REJECTED": "a sender learned that its session is gone",
  "recovery: handshake begun": "a handshake was begun",
  "recovery: rollover begun": "an old session was followed by a new one",
  "recovery: handshakes crossed": "two handshakes crossed",
  "recovery: M3 repeated": "a third handshake message was repeated",
  "recovery: reorder buffer used": "a message waited behind a missing one",
  "recovery: gap skipped by floor": "a message's floor ended a wait",
  "recovery: breaker opened": "an address that failed too often rested",
  "recovery: stream dialled again": "a stream was dialled again",
  "end: expired MESSAGE_EXPIRED": "a dead letter: expired",
  "end: refused INTERNAL_ERROR": "a dead letter: its handler failed",
  "end: refused INTERRUPTED": "a dead letter: its handler was cut short",
  "check: sessions agreed (I4)": "both ends of a session agreed on it",
  "check: two ends speak in one session (I4)": "both ends spoke in one session after handshakes that crossed",
  "check: bent frames that changed nothing (I5)": "a bent frame changed nothing",
  "check: genuine frames taken after their bent twins (I5)": "a genuine frame came after its bent twin and was no replay",
};

/** Names of what happened too rarely, with their counts. */
export function unmet(tally: ReadonlyMap<string, number>, seeds: number): readonly { readonly name: string; readonly times: number }[] {
  if (seeds < expectationSeedsMin) return [];
  const least = Math.floor(seeds * expectedPerSeed);
  return Object.keys(expectations)
    .map((name) => ({ name, times: tally.get(name) ?? 0 }))
    .filter(({ times }) => times < least);
}
