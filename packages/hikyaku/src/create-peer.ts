/** The composition root: fills a peer's needs with what Node offers. */
import { type Log, Peer, silentLog, systemClock, type Wake } from "@hikyaku/peer";
import { createIdentity, HikyakuError, protocolVersions, suites } from "@hikyaku/protocol";
import type { AgentStores } from "./agents/agent-ground.ts";
import { parseEndpoint } from "./config/endpoint.ts";
import { nodeCrypto } from "./crypto/node-crypto.ts";
import { nodeRandom } from "./crypto/node-random.ts";
import { ensureKeystore, type Keystore } from "./keystore/keystore.ts";
import { openDatabase } from "./store/database.ts";
import { lockFolder } from "./store/folder-lock.ts";
import { sqliteAgentStores } from "./store/sqlite-agent-stores.ts";
import { SqliteInbox } from "./store/sqlite-inbox.ts";
import { SqliteOfferStore } from "./store/sqlite-offer-store.ts";
import { SqliteOutbox } from "./store/sqlite-outbox.ts";
import { SqliteStatusHistory } from "./store/sqlite-status-history.ts";
import { SqliteTaskStore } from "./store/sqlite-task-store.ts";
import { SqliteTrustStore } from "./store/sqlite-trust-store.ts";
import { createDialer } from "./transports/dialer.ts";
import { createHttpListener } from "./transports/http-listener.ts";

export interface PeerSettings {
  /** Where key and database live; made, with a new identity, where there is none. One process per folder. */
  readonly folder: string;
  /** `host:port`; all interfaces and port 7340 unless told. Port 0 lets the system choose. */
  readonly listen?: string;
  /** Addresses to tell peers, `http://host:port`, in place of the ones found on this machine. */
  readonly advertise?: readonly string[];
  /** Whether strangers are refused (unless told) or pinned as `seen`, which lets them report and ask but not send messages. */
  readonly firstContact?: "refuse" | "see";
  /** Whether links to trusted peers are kept up although nothing waits, as they are unless told: whoever can only call out is reachable over them. */
  readonly keepLinks?: boolean;
  /** Wakes this peer's agent up when a peer with the scope `wake_up` asks for it. Without it nobody can. */
  readonly wake?: Wake | undefined;
  /** Opens the key, and seals it where it is made now. */
  readonly passphrase?: string;
  /** Where events go; nowhere unless told. */
  readonly log?: Log;
}

const listenDefault = "0.0.0.0:7340";

/**
 * Starts a peer. Rejects with a HikyakuError that says what was found and the way out: KEY_FILE, FOLDER_IN_USE, ADDRESS_IN_USE, STORAGE_FAILED,
 * INVALID_ARGUMENT or CRYPTO_UNAVAILABLE.
 */
export async function createPeer(settings: PeerSettings): Promise<Peer> {
  const listen = parseEndpoint(settings.listen ?? listenDefault);
  if (listen === undefined)
    throw new HikyakuError(
      "INVALID_ARGUMENT",
      `listen wants host:port, such as ${listenDefault}; found ${JSON.stringify(settings.listen)}.`,
    );
  const keystore = await ensureKeystore(settings.folder, { passphrase: settings.passphrase });
  return (await startPeer(keystore, { ...settings, listen })).peer;
}

export interface StartSettings extends Omit<PeerSettings, "listen" | "passphrase"> {
  readonly listen: { readonly host: string; readonly port: number };
}

export interface StartedPeer {
  readonly peer: Peer;
  /** In the peer's database, so good until the peer closes. */
  readonly agents: AgentStores;
}

/** Starts a peer whose key is open already. What was opened on the way is closed again where a later step fails. */
export async function startPeer(
  { seed, storageKey }: Keystore,
  { folder, listen, advertise = [], firstContact = "refuse", keepLinks = true, wake, log = silentLog }: StartSettings,
): Promise<StartedPeer> {
  await using opened = new AsyncDisposableStack();
  opened.use(lockFolder(folder));
  const database = opened.use(openDatabase(folder));
  const identity = createIdentity(nodeCrypto, seed);
  const needs = {
    crypto: nodeCrypto,
    identity,
    clock: systemClock,
    random: nodeRandom,
    log,
    dialer: createDialer({ log }),
    listener: createHttpListener({ listen, advertise, did: identity.did, publicKey: identity.publicKey, log }),
    trustStore: new SqliteTrustStore(database),
    inbox: new SqliteInbox(database, storageKey),
    outbox: new SqliteOutbox(database, storageKey),
    tasks: new SqliteTaskStore(database, storageKey),
    offers: new SqliteOfferStore(database),
    statuses: new SqliteStatusHistory(database, storageKey),
  };
  const abilities = { versions: protocolVersions, suites, features: [] };
  const peer = await Peer.start(
    { ...needs, resources: opened.move() },
    { firstContact, abilities, keepLinks, ...(wake === undefined ? {} : { wake }) },
  );
  return { peer, agents: sqliteAgentStores(database) };
}
