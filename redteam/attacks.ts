/** The attacks, in the order of the plan (testing.md, "red team"); from 16 on over streams. */
import { flippedCharacters } from "./attacks/flipped-characters.ts";
import { floodOfOffers } from "./attacks/flood-of-offers.ts";
import { forgedReceipts } from "./attacks/forged-receipts.ts";
import { hostileBundles } from "./attacks/hostile-bundles.ts";
import { hostileFrames } from "./attacks/hostile-frames.ts";
import { jsonBombs } from "./attacks/json-bombs.ts";
import { lanesAtExtremes } from "./attacks/lanes.ts";
import { movedMessage } from "./attacks/moved-message.ts";
import { reflected } from "./attacks/reflected.ts";
import { replayedAfterCrash } from "./attacks/replayed-after-crash.ts";
import { resent } from "./attacks/resent.ts";
import { sequenceExtremes } from "./attacks/sequence-extremes.ts";
import { shortTags } from "./attacks/short-tags.ts";
import { slowAndLying } from "./attacks/slow-and-lying.ts";
import { smallOrderIdentities } from "./attacks/small-order-identities.ts";
import { stalledStreams } from "./attacks/stalled-streams.ts";
import { strippedOffers } from "./attacks/stripped-offers.ts";
import { swappedShares } from "./attacks/swapped-shares.ts";
import { wrongRecipient } from "./attacks/wrong-recipient.ts";
import { zeroSharesOffered } from "./attacks/zero-shares.ts";
import type { Attack } from "./trial.ts";

export const attacks: readonly Attack[] = [
  flippedCharacters,
  resent,
  replayedAfterCrash,
  wrongRecipient,
  movedMessage,
  reflected,
  floodOfOffers,
  swappedShares,
  strippedOffers,
  zeroSharesOffered,
  smallOrderIdentities,
  shortTags,
  jsonBombs,
  sequenceExtremes,
  slowAndLying,
  hostileFrames,
  hostileBundles,
  forgedReceipts,
  lanesAtExtremes,
  stalledStreams,
];
