/** The trust store in SQLite (spec §12). */
import type { KnownPeer, TrustStore } from "@hikyaku/peer";
import { type Bytes, HikyakuError } from "@hikyaku/protocol";
import type { Database } from "./database.ts";
import type { Sql } from "./sql.ts";

interface PeerRow {
  readonly did: string;
  readonly public_key: Bytes;
  readonly name: string;
  readonly level: KnownPeer["level"];
  readonly scopes: string;
  readonly addresses: string;
  readonly min_version: KnownPeer["minVersion"];
  readonly pinned_at: number;
}

export class SqliteTrustStore implements TrustStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async load(): Promise<readonly KnownPeer[]> {
    return this.#database.read((sql) => (sql.all`SELECT * FROM peers ORDER BY name` as unknown as readonly PeerRow[]).map(readPeer));
  }

  put(peer: KnownPeer): Promise<void> {
    return this.#database.change((sql) => {
      refuseTakenName(sql, peer);
      writePeer(sql, peer);
    });
  }

  remove(did: string): Promise<boolean> {
    return this.#database.change((sql) => sql.run`DELETE FROM peers WHERE did = ${did}`.changes === 1);
  }
}

function refuseTakenName(sql: Sql, { did, name }: KnownPeer): void {
  const holder = sql.get`SELECT did FROM peers WHERE name = ${name} AND did <> ${did}` as Pick<PeerRow, "did"> | undefined;
  if (holder === undefined) return;
  const message = `${JSON.stringify(name)} is already the name of ${holder.did}: choose another name, or remove that peer first.`;
  throw new HikyakuError("INVALID_ARGUMENT", message);
}

const writePeer = (sql: Sql, peer: KnownPeer): unknown => sql.run`
  INSERT INTO peers (did, public_key, name, level, scopes, addresses, min_version, pinned_at)
  VALUES (
    ${peer.did}, ${peer.publicKey}, ${peer.name}, ${peer.level},
    ${JSON.stringify(peer.scopes)}, ${JSON.stringify(peer.addresses)}, ${peer.minVersion}, ${peer.pinnedAt}
  )
  ON CONFLICT (did) DO UPDATE SET
    public_key = excluded.public_key, name = excluded.name, level = excluded.level, scopes = excluded.scopes,
    addresses = excluded.addresses, min_version = excluded.min_version, pinned_at = excluded.pinned_at`;

const readPeer = (row: PeerRow): KnownPeer => ({
  did: row.did,
  publicKey: row.public_key,
  name: row.name,
  level: row.level,
  scopes: JSON.parse(row.scopes) as KnownPeer["scopes"],
  addresses: JSON.parse(row.addresses) as KnownPeer["addresses"],
  minVersion: row.min_version,
  pinnedAt: row.pinned_at,
});
