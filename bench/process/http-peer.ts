/** A peer that calls for no streams, so that every envelope is a POST: what createPeer makes, but for its dialer. */
import { Peer, silentLog, systemClock } from "@hikyaku/peer";
import { createIdentity, protocolVersions, suites } from "@hikyaku/protocol";
import { nodeCrypto } from "../../packages/hikyaku/src/crypto/node-crypto.ts";
import { nodeRandom } from "../../packages/hikyaku/src/crypto/node-random.ts";
import { ensureKeystore } from "../../packages/hikyaku/src/keystore/keystore.ts";
import { openDatabase } from "../../packages/hikyaku/src/store/database.ts";
import { SqliteInbox } from "../../packages/hikyaku/src/store/sqlite-inbox.ts";
import { SqliteOfferStore } from "../../packages/hikyaku/src/store/sqlite-offer-store.ts";
import { SqliteOutbox } from "../../packages/hikyaku/src/store/sqlite-outbox.ts";
import { SqliteStatusHistory } from "../../packages/hikyaku/src/store/sqlite-status-history.ts";
import { SqliteTaskStore } from "../../packages/hikyaku/src/store/sqlite-task-store.ts";
import { SqliteTrustStore } from "../../packages/hikyaku/src/store/sqlite-trust-store.ts";
import { createDialer } from "../../packages/hikyaku/src/transports/dialer.ts";
import { createHttpListener } from "../../packages/hikyaku/src/transports/http-listener.ts";

const listen = { host: "127.0.0.1", port: 0 };

export async function startHttpPeer({ folder, keepLinks }: { readonly folder: string; readonly keepLinks: boolean }): Promise<Peer> {
  const { seed, storageKey } = await ensureKeystore(folder, { passphrase: undefined });
  const identity = createIdentity(nodeCrypto, seed);
  const database = openDatabase(folder);
  const resources = new AsyncDisposableStack();
  resources.use(database);
  const needs = {
    crypto: nodeCrypto,
    identity,
    clock: systemClock,
    random: nodeRandom,
    log: silentLog,
    dialer: createDialer({ log: silentLog, streams: false }),
    listener: createHttpListener({ listen, advertise: [], did: identity.did, publicKey: identity.publicKey, log: silentLog }),
    trustStore: new SqliteTrustStore(database),
    inbox: new SqliteInbox(database, storageKey),
    outbox: new SqliteOutbox(database, storageKey),
    tasks: new SqliteTaskStore(database, storageKey),
    offers: new SqliteOfferStore(database),
    statuses: new SqliteStatusHistory(database, storageKey),
    resources,
  };
  const abilities = { versions: protocolVersions, suites, features: [] };
  return await Peer.start(needs, { firstContact: "refuse", abilities, keepLinks });
}
