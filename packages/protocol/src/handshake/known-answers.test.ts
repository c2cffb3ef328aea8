import { handshakeContract } from "@hikyaku/testkit";
import { pureCrypto } from "../crypto/pure.ts";

handshakeContract("pure JavaScript", pureCrypto);
