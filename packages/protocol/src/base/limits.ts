/** Every bound of the protocol in one place. Units stand in the names; the section of the spec that sets the number stands beside it. */

const kib = 1024;
const secondMs = 1000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

// Envelopes (spec §2, §7)
export const envelopeBytesMax: number = 256 * kib;
export const handshakeEnvelopeBytesMax: number = 12 * kib;
export const bodyBytesMax: number = 128 * kib;
export const envelopeDepthMax: number = 2;
export const handshakePayloadDepthMax: number = 4;
export const bodyDepthMax: number = 32;
export const idLengthMax: number = 128;
export const messageTypeLengthMax: number = 32;

// Bundles (spec §10)
export const bundleCountMax: number = 1024;
/** The plaintext. The last KiB of the frame is left to its other fields and the tag of the seal, which take 430 bytes at most. */
export const bundleBytesMax: number = envelopeBytesMax - kib;

// Handshake (spec §4)
export const clockSkewMsMax: number = 300 * secondMs;
export const halfOpenMsMax: number = 30 * secondMs;
export const halfOpenCountMax: number = 256;
export const handshakeIntervalMsMin: number = 10 * secondMs;
export const handshakeNoncesMax: number = 16_384;
export const confirmRepeatMs: number = 1 * secondMs;
export const listedVersionsMax: number = 16;
export const listedSuitesMax: number = 16;
export const listedFeaturesMax: number = 64;
export const featureLengthMax: number = 64;

/** Of those, kept for trusted peers. */
export const halfOpenReservedForFriends: number = 64;
export const halfOpenPerPrefixMax: number = 8;
export const halfOpenPerIdentityMax: number = 4;

// Rates (spec §7)
export interface Rate {
  readonly perMinute: number;
  readonly burst: number;
}
/** Requests of one address prefix that have not authenticated. */
export const prefixRate: Rate = { perMinute: 600, burst: 300 };
/** Messages of one identity that is not trusted, by type; the first six are the original's numbers. */
export const strangerRates: {
  readonly handshake: Rate;
  readonly heartbeat: Rate;
  readonly task_delegate: Rate;
  readonly discovery: Rate;
  readonly chunk: Rate;
  readonly other: Rate;
} = {
  handshake: { perMinute: 5, burst: 10 },
  heartbeat: { perMinute: 60, burst: 120 },
  task_delegate: { perMinute: 30, burst: 60 },
  discovery: { perMinute: 10, burst: 20 },
  chunk: { perMinute: 120, burst: 240 },
  other: { perMinute: 60, burst: 120 },
};
/** Trusted peers are limited in handshakes alone, since those cost the most. */
export const trustedHandshakeRate: Rate = { perMinute: 60, burst: 120 };
/** Errors that one peer gets for its messages; what is above is refused in silence. */
export const errorRate: Rate = { perMinute: 60, burst: 120 };
export const limitedPrefixesMax: number = 16_384;
/** Hosts at which a trusted peer was proven lately, and which are counted by themselves; as long as a session may be idle. */
export const friendlyHostsMax: number = 1024;
export const friendlyHostMsMax: number = 15 * minuteMs;
export const limitedIdentitiesMax: number = 16_384;

// Message protection (spec §5)
export const replayWindowSize: number = 1024;
export const forwardJumpMax: number = 1024;
export const skippedSecretsMax: number = 1024;
/** Of all sessions of a peer together. */
export const skippedSecretsPerNodeMax: number = 65_536;
export const skippedSecretMsMax: number = 120 * secondMs;
/** A jump longer than this makes the receiver check the signature before it derives anything. */
export const cheapJumpMax: number = 32;

// Session life (spec §6)
export const rolloverAfterMs: number = 1 * hourMs;
export const rolloverAfterMessages: number = 2 ** 16;
export const sessionMsMax: number = 24 * hourMs;
export const sessionMessagesMax: number = 2 ** 20;
export const sessionIdleMsMax: number = 15 * minuteMs;
export const retiredSessionMsMax: number = 60 * secondMs;
export const sessionsPerPeerMax: number = 4;
export const sessionsMax: number = 16_384;

// Dialogue (spec §0, §11)
export const textLengthMax: number = 64 * kib;
export const nameLengthMax: number = 64;
export const reasonLengthMax: number = 256;
export const receiptIdsMax: number = 1024;
export const capabilitiesMax: number = 256;
export const messageLifeMsMax: number = 7 * dayMs;
export const addressesPerPeerMax: number = 8;
export const addressLengthMax: number = 256;

// Tasks (spec §17)
export const taskDetailLengthMax: number = 4 * kib;
/** How many tasks may lie above one. */
export const taskDepthMax: number = 8;
export const taskBudgetMax: number = 10_000;
/** Unless told: how many further tasks may be delegated for the sake of one. */
export const taskBudgetDefault: number = 64;
/** Events of one task; progress beyond it is dropped, artifacts and questions are refused, and a worker that tells more is not heard. The last ones are kept for how it ends. */
export const taskEventsMax: number = 10_000;
export const taskEventsReserved: number = 8;
/** Between two events of progress of one task: what is said meanwhile is overtaken by what is said last. */
export const taskProgressMsMin: number = 100;
/** Not ended, of one requester and of all; and those that we gave away. */
export const openTasksPerPeerMax: number = 2000;
export const openTasksMax: number = 20_000;
export const openDelegationsMax: number = 20_000;
/** What tasks with one peer take in one role, their inputs and events together: where more comes, ended ones go, oldest first; and what one costs besides its text. */
export const taskBytesPerPeerMax: number = (kib * kib * kib) / 2;
export const taskEntryBytes: number = 512;
/** Tasks of one requester whose events wait for the outbox: beyond it no further ones are taken on; and those of which it gets events at once. */
export const untoldTasksPerPeerMax: number = 4000;
export const tasksToldAtOnceMax: number = 32;
/** How long an input may wait to be judged when its task comes: then the task is kept, and the input judged when its turn comes. */
export const inputJudgingMsMax: number = 2 * secondMs;
/** Tasks of one capability that run at once, unless it says otherwise; and at most. */
export const taskConcurrencyDefault: number = 1;
export const taskConcurrencyMax: number = 1024;
export const taskLifeMsDefault: number = dayMs;
export const taskLifeMsMax: number = 7 * dayMs;
/** How long a requester waits beyond the deadline for the worker's own word, whose clock may differ. */
export const taskDeadlineGraceMs: number = 5 * minuteMs;
/** A handler that goes on for this long after its task has ended no longer counts as running. */
export const taskAbandonedMs: number = 30 * secondMs;
/** How often a requester asks for what it missed of one task. */
export const taskQueryIntervalMs: number = 5 * secondMs;
/** A requester that starts asks what has become of tasks that it has not heard of for this long: what is younger is still on its way. */
export const taskQuietMs: number = hourMs;
/** Ended tasks are kept this long, with their events. */
export const taskKeptMs: number = 30 * dayMs;
/** A capability that no program has offered for this long is offered no more. */
export const offerKeptMs: number = 7 * dayMs;
export const schemaBytesMax: number = 16 * kib;

// Capabilities, wake-up and supervision (spec §18)
/** What a peer says of its capabilities is good for so long; and how long it is kept at most, whatever the other side says. */
export const statementMsDefault: number = 5 * minuteMs;
export const statementMsMax: number = hourMs;
/** Calls to wake this peer's agent up, of one peer and of all. */
export const wakeRate: Rate = { perMinute: 1, burst: 3 };
export const wakeRateOfAll: Rate = { perMinute: 10, burst: 10 };
/** How long it goes on being tried to wake somebody up: whoever comes back later is awake. */
export const wakeLifeMs: number = 10 * minuteMs;
export const wakeCommandMsMax: number = 30 * secondMs;
export const wakeHookMsMax: number = 10 * secondMs;
export const wakeArgumentsMax: number = 64;
/** Of each known peer, the newest ones. */
export const statusReportsKept: number = 100;

// Agents (spec §19)
/** Of the body of a message or the input of a task, unless the owner says otherwise. */
export const agentMessageBytesDefault: number = 64 * kib;
export const agentCallsPerMinuteDefault: number = 60;
export const agentCallsPerMinuteMax: number = 6000;
/** Two hundred delegations, each with as many tasks as its worker may hand on unless told. */
export const agentTasksPerDayDefault: number = 200 * (1 + taskBudgetDefault);
export const agentTasksPerDayMax: number = 1_000_000;
/** Peers, or capabilities, that one policy lists. */
export const agentListMax: number = 256;
/** Agents with a policy of their own; and those whose calls are counted by themselves. */
export const agentPoliciesMax: number = 256;
export const agentsCountedMax: number = 1024;
/** Uses that wait for an approval, of one agent and of all: where more are asked for, the oldest goes. */
export const waitingApprovalsPerAgentMax: number = 256;
export const waitingApprovalsMax: number = 2048;
export const waitingApprovalMsMax: number = dayMs;
/** Approvals that agents' own clients gave: where more come, the oldest goes. */
export const clientApprovalsMax: number = 4096;
/** Entries of the list of what agents did and were refused. */
export const agentAuditMax: number = 10_000;
/** Of messages that an agent marked at once: the peers that an entry names, and the ids of each. */
export const auditedMarkPeersMax: number = 8;
export const auditedMarkIdsMax: number = 4;
/** For so many days it stays known how many tasks an agent gave away, so that a clock that is set back gives none anew. */
export const agentSpendingDaysKept: number = 7;

// Pairing (spec §12)
export const pairingTokenBytes: number = 16;
export const pairingLinkLengthMax: number = 2048;
export const pairingMsMax: number = 10 * minuteMs;
export const openPairingsMax: number = 64;
/** How long after a pairing the other side's no is told to the person: longer than anybody may take to answer, silence included. */
export const declineMsMax: number = 15 * minuteMs;

// The living peer (spec §9, §11)
export const repliesCountMax: number = 64;
export const repliesBytesMax: number = 256 * kib;
export const heartbeatIntervalMs: number = 30 * secondMs;
export const heartbeatsMissedMax: number = 3;
export const requestTimeoutMsDefault: number = 30 * secondMs;
export const requestTimeoutMsMax: number = hourMs;
export const pendingRequestsMax: number = 4096;
/** Answers that one exchange may draw from us. */
export const answersPerExchangeMax: number = 64;
export const closeMsMax: number = 5 * secondMs;
export const goodbyeMsMax: number = 1 * secondMs;
export const connectTimeoutMsMax: number = 10 * secondMs;
export const knownPeersMax: number = 10_000;
/** Of those, strangers pinned at first sight: whoever can reach the listener must not fill what a person adds to. */
export const seenPeersMax: number = 1000;
export const cachedKeysMax: number = 4096;
export const linksPerPeerMax: number = 3;
export const linkIdleMsMax: number = 300 * secondMs;
export const linkKeepAliveMs: number = 30 * secondMs;
export const inboxPageMax: number = 1000;
export const inboxUnreadPerSenderMax: number = 10_000;
export const inboxUnreadBytesPerSenderMax: number = 64 * kib * kib;
/** Of all bodies together, read ones too. */
export const inboxBytesMax: number = kib * kib * kib;
/** Of those, at most so many of one sender: whoever fills its half leaves the others theirs. */
export const inboxBytesPerSenderMax: number = inboxBytesMax / 2;
/** What a sender is told to wait where there is no room: somebody has to read first. */
export const inboxFullRetryAfterS: number = 60;
/** The same where the disk takes nothing. */
export const storageRetryAfterS: number = 5;

export const lanesPerSenderMax: number = 16;
/** What may wait behind one missing order. */
export const reorderCountMax: number = 256;
export const reorderBytesMax: number = 8 * kib * kib;
/** A lane in which nothing came for this long has nothing left that could still come: its sender may use another instead. */
export const laneIdleMsMax: number = messageLifeMsMax + dayMs;
/** How long after its exp an id is still known, for messages that have no lane to tell a repetition by. */
export const idGraceMs: number = 10 * minuteMs;

/** What was read or is final is kept so long, and longer where a repetition would not be known as one otherwise. */
export const readMsMax: number = 30 * dayMs;

// Outbox (spec §11)
export const outboxBytesMax: number = kib * kib * kib;
/** Whoever is away or refuses everything leaves the other half to the others. */
export const outboxBytesPerRecipientMax: number = outboxBytesMax / 2;
export const outboxPerRecipientMax: number = 2_000_000;
export const messageLifeMsDefault: number = 3 * dayMs;
/** What `explain` tells of one message. */
export const eventsPerMessageMax: number = 64;
export const settledMsMax: number = 7 * dayMs;

// Couriers (spec §10, §11)
/** How often at most the lanes to one recipient get other names: it knows sixteen, and forgets one when it was idle for eight days. */
export const laneRenameMsMin: number = dayMs;
/** Messages of one lane that are on their way or next in line; the rest stays in the outbox. */
export const laneWindowCountMax: number = 4096;
export const laneWindowBytesMax: number = 8 * kib * kib;
/** Control bodies that wait for one peer; above it the oldest of the lowest priority goes. */
export const controlQueueMax: number = 256;
/** Of those, kept from whoever can be held up instead. */
export const controlQueueReserved: number = 32;
/** Envelopes without anything kept that went to one peer over streams and could still be refused there. */
export const spokenMax: number = 64;
/** Ids of which a peer still has to be told how far they have come. */
export const pendingReceiptsMax: number = 8192;
/** How long the word on a message waits for the next word on it or on others (spec DLV-10): as long as an acknowledgement of QUIC (RFC 9000 §18.2). */
export const receiptWaitMs: number = 25;
/** How often in a row a lower priority may be passed over by a higher one. */
export const passedOverMax: number = 8;
/** What has had no receipt for this long is sealed anew; doubles each time, up to the second number. */
export const repeatAfterMsMin: number = 5 * secondMs;
export const repeatAfterMsMax: number = 60 * secondMs;
/** Repetitions without any word of the peer, after which a new session is made. */
export const silentRepeatsMax: number = 3;
export const retryMsMin: number = 1 * secondMs;
export const retryMsMax: number = 60 * secondMs;
/** A peer that was not reached for a day is tried every five minutes. */
export const longGoneMs: number = dayMs;
export const longGoneRetryMs: number = 5 * minuteMs;
/** How often a sender asks what has become of messages that are stored and not handled. */
export const receiptQueryIntervalMs: number = 5 * minuteMs;

/** One for each session's peer and each known one. */
export const couriersMax: number = sessionsMax + 10_000;

// Roads (spec §11)
/** The next address is tried when the one before has not answered for this long (RFC 8305). */
export const raceStaggerMs: number = 250;
/** A link that lived this long ended for a reason of its own: the next one comes up soon. */
export const steadyLinkMs: number = 60 * secondMs;
export const circuitFailuresMax: number = 5;
export const circuitOpenMs: number = 30 * secondMs;
export const circuitTrialsMax: number = 3;
/** Peers that a link is kept to, whether or not there is something to send. */
export const keptLinksMax: number = 64;

// Handlers (spec §11)
/** Handlers that run at once, over all lanes. */
export const handlersAtOnceMax: number = 64;
/** How often an idempotent handler is started for one message: what ends the program each time shall not keep it from coming up. */
export const handlerStartsMax: number = 3;
/** Messages of a lane that are read from the inbox at once. */
export const laneReadMax: number = 64;
/** Transient messages that wait for the handler: of one sender twice as many as a bundle holds, and their bytes. */
export const transientPerSenderMax: number = 2048;
export const transientBytesPerSenderMax: number = 4 * kib * kib;
export const transientBytesMax: number = 64 * kib * kib;
/** What one costs besides its text. */
export const transientEntryBytes: number = 512;

// Streams (spec §9, §10)
/** Frames of one stream that are being taken in at once; beyond it nothing more is read. */
export const streamFramesInWorkMax: number = 32;
/** Bytes that wait to be written before a sender is held up. */
export const streamUnsentBytesMax: number = 1 * kib * kib;
/** A stream on which nobody has proven who they are. */
export const streamsMax: number = 1024;
export const streamUnprovenMsMax: number = 30 * secondMs;
/** Frames in a row that proved nobody, after which a stream is ended. */
export const streamJunkMax: number = 1024;
export const streamMsMax: number = 24 * hourMs;
/** A stream on which no byte can be written for this long is cut. */
export const streamStallMsMax: number = 60 * secondMs;
export const streamCloseMsMax: number = 2 * secondMs;
/** Read and not yet being taken in: what a socket still hands over once its reading is held up. */
export const streamQueuedBytesMax: number = 1 * kib * kib;
/** The same, where a socket has no way to hold up its reading, as in a browser. */
export const streamQueuedUnpausedBytesMax: number = 16 * kib * kib;
/** What a queued frame costs besides its bytes, so that a flood of tiny ones is bounded as well. */
export const streamQueuedFrameBytes: number = 256;
/** An error message with everything that may stand in it. */
export const streamErrorBytesMax: number = 2 * kib;
/** Of one message; and the pieces that its bytes may come in. */
export const streamFragmentsMax: number = 1024;
export const streamChunksMax: number = 4096;
/** Pings between two frames. */
export const streamPingsMax: number = 32;
/** The longest pause between two looks at what is still unwritten. */
export const streamPollMsMax: number = 50;

// Listener (spec §7)
export const listenerHeadersMsMax: number = 10 * secondMs;
export const listenerRequestMsMax: number = 15 * secondMs;
/** A connection on which no byte moves either way for this long is cut: a reader that stops reading holds a place as well. */
export const listenerStallMsMax: number = 60 * secondMs;
export const listenerCheckIntervalMs: number = 1 * secondMs;
export const listenerCloseMsMax: number = 5 * secondMs;
export const listenerConnectionsMax: number = 512;
export const listenerConnectionsPerPrefixMax: number = 128;
export const listenerRequestsInWorkMax: number = 128;
export const overloadedRetryAfterS: number = 1;
/** Addresses are counted by /24 for IPv4 and by /64 for IPv6: whoever has one address of those has them all. */
export const ipv4PrefixOctets: number = 3;
export const ipv6PrefixGroups: number = 4;

// Dialer (spec §9, §11)
export const linkPoolsMax: number = 1024;
export const answerBytesMax: number = 512 * kib;
export const answerMsMax: number = 30 * secondMs;
export const retryAfterSMax: number = 3600;
/** How long a host that answered the call for a stream over plain HTTP is not asked for one again, and how many such hosts are remembered. */
export const streamlessMsMax: number = 5 * minuteMs;
export const streamlessHostsMax: number = 1024;
