/** The door of the test kit: contract suites that every adapter of a port has to pass, and readers of the published vectors. */
export { cryptoContract } from "./contracts/crypto-contract.ts";
export { handshakeContract } from "./contracts/handshake-contract.ts";
export { inboxContract } from "./contracts/inbox-contract.ts";
export { type LinkBench, linkContract } from "./contracts/link-contract.ts";
export type { StoreBench } from "./contracts/store-bench.ts";
export { trustStoreContract } from "./contracts/trust-store-contract.ts";
export { type CraftedSignatures, readCraftedSignatures } from "./vectors/crafted-signatures.ts";
export { type DidKeyCase, readDidKeyCases } from "./vectors/did-key.ts";
export { type CanonicalizationCase, readCanonicalizationCases } from "./vectors/json-canonicalization.ts";
export { type ParserCase, type ParserVerdict, readParserCases } from "./vectors/json-test-suite.ts";
export { type KnownSecrets, readKnownSecrets } from "./vectors/known-secrets.ts";
export { type CountingCrypto, countingCrypto } from "./world/counting-crypto.ts";
export { failureOf } from "./world/failure-of.ts";
export { ManualClock, settle } from "./world/manual-clock.ts";
export { onlyReply, Puppet, type PuppetAnswer, PuppetSession } from "./world/puppet.ts";
export { rememberingCrypto } from "./world/remembering-crypto.ts";
export { risen } from "./world/risen.ts";
export { everyAbility, type LogLine, type Passage, type PeerOptions, type Resident, World } from "./world/world.ts";
