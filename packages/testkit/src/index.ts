/** The door of the test kit: contract suites that every adapter of a port has to pass, and readers of the published vectors. */
export { handshakeContract } from "./contracts/handshake-contract.ts";
