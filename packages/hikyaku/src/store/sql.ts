/**
 * Statements as template literals: ``sql.get`SELECT … ${value}` ``. Each is prepared once and kept with the place in the source where it stands, so there are as many
 * as such places. Node's own tag store would do the same, yet its statements outlive the closing of their database, and with them the file's locks and its WAL.
 */
import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementResultingChanges, StatementSync } from "node:sqlite";

type Row = Record<string, SQLOutputValue>;

export class Sql {
  readonly #connection: DatabaseSync;
  readonly #statements = new Map<TemplateStringsArray, StatementSync>();

  constructor(connection: DatabaseSync) {
    this.#connection = connection;
  }

  run(text: TemplateStringsArray, ...values: readonly SQLInputValue[]): StatementResultingChanges {
    return this.#prepare(text).run(...values);
  }

  get(text: TemplateStringsArray, ...values: readonly SQLInputValue[]): Row | undefined {
    return this.#prepare(text).get(...values);
  }

  all(text: TemplateStringsArray, ...values: readonly SQLInputValue[]): Row[] {
    return this.#prepare(text).all(...values);
  }

  iterate(text: TemplateStringsArray, ...values: readonly SQLInputValue[]): Iterable<Row> {
    return this.#prepare(text).iterate(...values);
  }

  #prepare(text: TemplateStringsArray): StatementSync {
    const known = this.#statements.get(text);
    if (known !== undefined) return known;
    const statement = this.#connection.prepare(text.join("?"));
    this.#statements.set(text, statement);
    return statement;
  }
}
