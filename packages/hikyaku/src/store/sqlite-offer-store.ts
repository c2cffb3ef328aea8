/** Offers in SQLite (spec §17). They are told to everybody whom they are made to, so they are not encrypted. */
import type { KeptOffer, OfferStore } from "@hikyaku/peer";
import type { Database } from "./database.ts";

interface OfferRow {
  readonly name: string;
  readonly version: string;
  readonly description: string | null;
  readonly input_schema: string | null;
  readonly output_schema: string | null;
  readonly is_idempotent: number;
  readonly concurrency: number;
  readonly peers: string | null;
  readonly offered_at: number;
}

export class SqliteOfferStore implements OfferStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async load(): Promise<readonly KeptOffer[]> {
    return this.#database.read((sql) => (sql.all`SELECT * FROM offers ORDER BY name` as unknown as readonly OfferRow[]).map(readOffer));
  }

  put(offer: KeptOffer): Promise<void> {
    const { name, version, description = null, inputSchema = null, outputSchema = null, isIdempotent, concurrency, peers } = offer;
    return this.#database.change((sql) => {
      sql.run`
        INSERT OR REPLACE INTO offers (name, version, description, input_schema, output_schema, is_idempotent, concurrency, peers, offered_at)
        VALUES (
          ${name}, ${version}, ${description}, ${inputSchema}, ${outputSchema}, ${Number(isIdempotent)}, ${concurrency},
          ${peers === undefined ? null : JSON.stringify(peers)}, ${offer.offeredAt}
        )`;
    });
  }

  remove(name: string): Promise<void> {
    return this.#database.change((sql) => {
      sql.run`DELETE FROM offers WHERE name = ${name}`;
    });
  }
}

const readOffer = (row: OfferRow): KeptOffer => ({
  name: row.name,
  version: row.version,
  ...(row.description === null ? {} : { description: row.description }),
  ...(row.input_schema === null ? {} : { inputSchema: row.input_schema }),
  ...(row.output_schema === null ? {} : { outputSchema: row.output_schema }),
  isIdempotent: row.is_idempotent === 1,
  concurrency: row.concurrency,
  ...(row.peers === null ? {} : { peers: JSON.parse(row.peers) as readonly string[] }),
  offeredAt: row.offered_at,
});
