import type { Bytes } from "@hikyaku/protocol";

/** The dice. An adapter for real use draws from the system's cryptographic generator; a simulation draws from its seed. */
export interface Random {
  bytes(length: number): Bytes;
}
