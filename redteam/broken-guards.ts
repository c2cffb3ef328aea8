/**
 * Guards to take out of a copy of the built program, and the attack that must then fail: a check that cannot fail proves nothing. `npx vitest run redteam`
 * tries a handful of them; `node redteam/broken-guards.ts` tries all.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

interface Edit {
  /** Below packages, without the ending. */
  readonly file: string;
  readonly text: string;
  readonly instead: string;
}

export interface BrokenGuard {
  readonly guard: string;
  /** The number of the attack that must notice. */
  readonly attack: number;
  readonly edits: readonly Edit[];
}

const edit = (file: string, text: string, instead: string): Edit => ({ file, text, instead });

/** A node whose cryptography is broken does not even start; these have to. */
const noSelfTest = edit("peer/dist/engine/engine", "selfTest(needs.crypto);", "");
const aesGcm = "hikyaku/dist/crypto/node-aes-gcm";
/** Whoever sent the receipt, it counts as if the message's own recipient had. */
const recipientOfMessage = `const row = this.#sql.get\`SELECT did FROM outbox JOIN outbox_recipients USING (recipient_id) WHERE id = \${step[0].id}\`;
        const recipient = this.#ledger.knownRecipient(row?.did ?? to);`;
const refusedTag = "return undefined;\n    }\n    return plainBytes(plaintext);";

export const brokenGuards: readonly BrokenGuard[] = [
  {
    guard: "the signature of a message",
    attack: 1,
    edits: [edit("protocol/dist/session/session", "if (!isFarAhead && !isSignedBy(crypto, peerKey, envelope))", "if (false)")],
  },
  {
    guard: "the replay window",
    attack: 2,
    edits: [edit("protocol/dist/session/replay-window", 'return { kind: "replayed" }', 'return { kind: "fresh", window }')],
  },
  { guard: "ids that were handled", attack: 3, edits: [edit("peer/dist/engine/mail", 'if (outcome === "duplicate")', "if (false)")] },
  { guard: "the recipient", attack: 4, edits: [edit("peer/dist/engine/reception", "if (envelope.recipientId !== did)", "if (false)")] },
  { guard: "the seal", attack: 5, edits: [noSelfTest, edit(aesGcm, refusedTag, "}\n    return plainBytes(plaintext);")] },
  {
    guard: "our own id as a sender",
    attack: 6,
    edits: [edit("peer/dist/engine/reception", "if (envelope.senderId === did)", "if (false)")],
  },
  {
    guard: "the requests of one network",
    attack: 7,
    edits: [edit("peer/dist/engine/admission", "return limiter.take(name, limits.prefixRate, this.#clock.elapsed())", "return undefined")],
  },
  {
    guard: "the proof of the responder",
    attack: 8,
    edits: [
      edit(
        "protocol/dist/handshake/initiator",
        "if (isSameBytes(crypto.hmacSha256(keys.responderMacKey, thc), challengeResponse))",
        "if (true)",
      ),
    ],
  },
  {
    guard: "the choice of version and suite",
    attack: 9,
    edits: [edit("protocol/dist/handshake/initiator", "return isRight && compareVersions(version, minVersion) >= 0 ?", "return true ?")],
  },
  {
    guard: "results that are zero",
    attack: 10,
    edits: [noSelfTest, edit("hikyaku/dist/crypto/node-x25519", "return undefined;", "return new Uint8Array(32);")],
  },
  { guard: "keys with a small part", attack: 11, edits: [edit("peer/dist/engine/key-ring", "return held.isTorsionFree;", "return true;")] },
  {
    guard: "keys of small order",
    attack: 11,
    edits: [
      noSelfTest,
      edit("protocol/dist/crypto/ed25519-rules", "return isBelow(y, fieldPrime) && !smallOrderYs.has(encodeHex(y));", "return true;"),
    ],
  },
  {
    guard: "the length of a tag",
    attack: 12,
    edits: [
      noSelfTest,
      edit(aesGcm, "if (ciphertextBytes < 0)", "if (false)"),
      edit(
        aesGcm,
        "const decipher = createDecipheriv(algorithm, createSecretKey(key), iv, { authTagLength: tagBytes })",
        "const decipher = createDecipheriv(algorithm, createSecretKey(key), iv)",
      ),
    ],
  },
  {
    guard: "the depth of brackets",
    attack: 13,
    edits: [edit("protocol/dist/wire/depth-scan", "let depth = 0;", "return true; let depth = 0;")],
  },
  {
    guard: "numbers far ahead",
    attack: 14,
    edits: [edit("protocol/dist/session/replay-window", "-age > forwardJumpMax", "-age > 2 * forwardJumpMax")],
  },
  {
    guard: "the connections of one network",
    attack: 15,
    edits: [edit("hikyaku/dist/transports/connections", "if (held >= this.#bounds.connectionsPerPrefixMax)", "if (false)")],
  },
  {
    guard: "the last byte of a frame",
    attack: 16,
    edits: [edit("protocol/dist/wire/binary-frame", "signature === undefined || !reader.isAtEnd", "signature === undefined")],
  },
  {
    guard: "the last byte of a bundle",
    attack: 17,
    edits: [edit("protocol/dist/wire/bundle", "return reader.isAtEnd ? items : undefined;", "return items;")],
  },
  {
    guard: "whose message a receipt is for",
    attack: 18,
    edits: [edit("hikyaku/dist/store/outbox-changes", "const recipient = this.#ledger.knownRecipient(to);", recipientOfMessage)],
  },
  {
    guard: "the lanes of one sender",
    attack: 19,
    edits: [edit("hikyaku/dist/store/inbox-arrivals", "if (lanes.length < lanesPerSenderMax)", "if (true)")],
  },
  {
    guard: "pings between two frames",
    attack: 20,
    edits: [edit("hikyaku/dist/transports/stream-door", "if (pings > limits.streamPingsMax)", "if (false)")],
  },
];

const root = fileURLToPath(new URL("..", import.meta.url));
const packages = ["protocol", "peer", "hikyaku"];

/** What was built, with third-party packages shared and our own ones copied, so that a change reaches the program; the attackers stay sound. */
export class Copy implements Disposable {
  readonly #folder: string = mkdtempSync(join(tmpdir(), "hikyaku-copy-"));

  constructor() {
    for (const name of packages)
      for (const part of ["dist", "package.json"])
        cpSync(join(root, "packages", name, part), join(this.#folder, "packages", name, part), { recursive: true });
    const modules = join(this.#folder, "node_modules");
    mkdirSync(join(modules, "@hikyaku"), { recursive: true });
    const shared = readdirSync(join(root, "node_modules")).filter(
      (name) => name !== "@hikyaku" && name !== "hikyaku" && !name.startsWith("."),
    );
    for (const name of shared) symlinkSync(join(root, "node_modules", name), join(modules, name));
    for (const name of ["protocol", "peer"]) symlinkSync(join(this.#folder, "packages", name), join(modules, "@hikyaku", name));
  }

  /** Throws where a text is not there: then this list is out of date. */
  break({ edits }: BrokenGuard): void {
    for (const { file, text, instead } of edits) {
      const path = join(this.#folder, "packages", `${file}.js`);
      const sound = readFileSync(path, "utf8");
      if (!sound.includes(text)) throw new Error(`${file} does not say ${text}`);
      writeFileSync(path, sound.replace(text, instead));
    }
  }

  /** Runs one attack on the copy. It has noticed only if it came to its end and named what was wrong. */
  async attack(number: number): Promise<{ readonly verdict: "holds" | "noticed" | "broke off"; readonly text: string }> {
    const program = join(this.#folder, "packages/hikyaku/dist/cli/main.js");
    const words = [join(root, "redteam/redteam.ts"), "--only", String(number), "--program", program];
    const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "inherit"], timeout: attackMsMax });
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
    const [code] = (await once(child, "close")) as [number | null];
    if (code === 0) return { verdict: "holds", text };
    return { verdict: code === 1 && !text.includes("it broke off") ? "noticed" : "broke off", text };
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

const attackMsMax = 60_000;

async function tryAll(): Promise<number> {
  let unnoticed = 0;
  for (const broken of brokenGuards) {
    using copy = new Copy();
    copy.break(broken);
    const { verdict, text } = await copy.attack(broken.attack);
    if (verdict !== "noticed") unnoticed += 1;
    console.log(`${verdict}: without ${broken.guard}\n${text}`);
  }
  return unnoticed === 0 ? 0 : 1;
}

if (import.meta.main) process.exitCode = await tryAll();
