/** AES-256-GCM and SHA-256 at three sizes. A sealing key is good for one message, so making the key object is a part of sealing. */
import { createCipheriv, createSecretKey, hash, randomBytes } from "node:crypto";
import type { Effort } from "../effort.ts";
import { computingCostUs } from "../measure.ts";

const kib = 1024;
const sizes = { kib1: kib, kib64: 64 * kib, mib1: 1024 * kib } as const;

type BySize = Readonly<Record<keyof typeof sizes, number>>;

export interface SymmetricFloors {
  readonly aesGcmUs: BySize;
  readonly sha256Us: BySize;
}

export async function measureSymmetric(effort: Effort): Promise<SymmetricFloors> {
  return { aesGcmUs: await bySize(effort, sealer()), sha256Us: await bySize(effort, (data) => hash("sha256", data, "buffer")) };
}

async function bySize(effort: Effort, work: (data: Buffer) => unknown): Promise<BySize> {
  const measure = (length: number): Promise<number> => {
    const data = randomBytes(length);
    return computingCostUs(effort, () => work(data));
  };
  return { kib1: await measure(sizes.kib1), kib64: await measure(sizes.kib64), mib1: await measure(sizes.mib1) };
}

function sealer(): (data: Buffer) => Buffer {
  const [key, iv] = [randomBytes(32), randomBytes(12)];
  return (data) => {
    const cipher = createCipheriv("aes-256-gcm", createSecretKey(key), iv, { authTagLength: 16 });
    cipher.update(data);
    cipher.final();
    return cipher.getAuthTag();
  };
}
