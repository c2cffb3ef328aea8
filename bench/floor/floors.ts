/** What the bare parts cost on this machine now: measured once a run, shared by all rows. Times of one call, so that floors of rows are sums of them. */
import type { Effort } from "../effort.ts";
import { type AgreementFloors, measureAgreement } from "./agreement.ts";
import { measureRoundTrips, type RoundTripFloors } from "./round-trips.ts";
import { measureSignatures, type SignatureFloors } from "./signatures.ts";
import { measureStartUp, type StartUpFloors } from "./start-up.ts";
import { measureStorage, type StorageFloors } from "./storage.ts";
import { measureSymmetric, type SymmetricFloors } from "./symmetric.ts";

export interface Floors extends SignatureFloors, AgreementFloors, SymmetricFloors, StorageFloors, RoundTripFloors, StartUpFloors {}

export async function measureFloors(effort: Effort): Promise<Floors> {
  return {
    ...(await measureSignatures(effort)),
    ...(await measureAgreement(effort)),
    ...(await measureSymmetric(effort)),
    ...(await measureStorage(effort)),
    ...(await measureRoundTrips(effort)),
    ...(await measureStartUp(effort)),
  };
}
