/** The answers that the self-test expects, each with the document it is printed in. Kept small: the vectors under `spec/vectors` are for tests. */
import { type Bytes, concatBytes, decodeHex } from "../base/bytes.ts";
import { encodeUtf8 } from "../base/utf8.ts";

export const abc: Bytes = encodeUtf8("abc");

/** FIPS 180-4, NIST's example "abc". */
export const sha256OfAbc: Bytes = hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
export const sha512OfAbc: Bytes = hex(
  "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
);

interface MacAnswer {
  readonly key: Bytes;
  readonly data: Bytes;
  readonly mac: Bytes;
}

/** RFC 4231 §4.2 and, with a key longer than a block, §4.7. */
export const hmacAnswers: readonly MacAnswer[] = [
  {
    key: new Uint8Array(20).fill(0x0b),
    data: encodeUtf8("Hi There"),
    mac: hex("b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
  },
  {
    key: new Uint8Array(131).fill(0xaa),
    data: encodeUtf8("Test Using Larger Than Block-Size Key - Hash Key First"),
    mac: hex("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"),
  },
];

interface ExpandAnswer {
  readonly secret: Bytes;
  readonly info: Bytes;
  readonly output: Bytes;
}

/** RFC 5869 §A.1, its second half. */
export const expandAnswer: ExpandAnswer = {
  secret: hex("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5"),
  info: hex("f0f1f2f3f4f5f6f7f8f9"),
  output: hex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"),
};

interface SealingAnswer {
  readonly key: Bytes;
  readonly iv: Bytes;
  readonly aad: Bytes;
  readonly plaintext: Bytes;
  readonly sealed: Bytes;
}

/** McGrew and Viega, "The Galois/Counter Mode of Operation" (submitted to NIST), test cases 13 (nothing at all) and 16. */
export const emptySealing: SealingAnswer = {
  key: new Uint8Array(32),
  iv: new Uint8Array(12),
  aad: new Uint8Array(0),
  plaintext: new Uint8Array(0),
  sealed: hex("530f8afbc74536b9a963b4f1c4cb738b"),
};
export const fullSealing: SealingAnswer = {
  key: hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"),
  iv: hex("cafebabefacedbaddecaf888"),
  aad: hex("feedfacedeadbeeffeedfacedeadbeefabaddad2"),
  plaintext: hex(
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
  ),
  sealed: concatBytes(
    hex("522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"),
    hex("76fc6ece0f4e1768cddf8853bb2d551b"),
  ),
};

interface SigningAnswer {
  readonly seed: Bytes;
  readonly publicKey: Bytes;
  readonly message: Bytes;
  readonly signature: Bytes;
}

/** RFC 8032 §7.1, tests 1 to 3. */
export const signingAnswers: readonly SigningAnswer[] = [
  {
    seed: hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"),
    publicKey: hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"),
    message: new Uint8Array(0),
    signature: hex(
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
  },
  {
    seed: hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"),
    publicKey: hex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"),
    message: hex("72"),
    signature: hex(
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
  },
  {
    seed: hex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7"),
    publicKey: hex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"),
    message: hex("af82"),
    signature: hex(
      "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
  },
];

interface CraftedSignature {
  readonly why: string;
  readonly publicKey: Bytes;
  readonly message: Bytes;
  readonly signature: Bytes;
}

/**
 * Signatures that some library accepts under a key that passes the cheap rules: two of ours (spec/vectors/pcp/crafted-signatures.json; their making
 * stands in `pure.test.ts`), and cases 6 and 8 of ed25519-speccheck.
 */
export const craftedSignatures: readonly CraftedSignature[] = [
  {
    why: "a cofactored-only R",
    publicKey: hex("8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c"),
    message: encodeUtf8("cofactored only"),
    signature: hex(
      "29ae7fcb6cdf0c6985888cbb610690e61e7a77ac7f5d80079537ec2532d67e2bab24b2b864b80bddb95410a1e70f27f45ce261ca53dd5d00bfeda97107a21605",
    ),
  },
  {
    why: "an R of small order",
    publicKey: hex("8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c"),
    message: encodeUtf8("cofactored only"),
    signature: hex(
      "0100000000000000000000000000000000000000000000000000000000000000aa82f318d55f531bc5eb5e58f506f3464cf32af19f7a2c732fa5ff9ee31ff70c",
    ),
  },
  {
    why: "an S above L",
    publicKey: hex("442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623"),
    message: hex("85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40"),
    signature: hex(
      "e96f66be976d82e60150baecff9906684aebb1ef181f67a7189ac78ea23b6c0e547f7690a0e2ddcd04d87dbc3490dc19b3b3052f7ff0538cb68afb369ba3a514",
    ),
  },
  {
    why: "an R that is not canonical",
    publicKey: hex("f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43"),
    message: hex("9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41"),
    signature: hex(
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff03be9678ac102edcd92b0210bb34d7428d12ffc5df5f37e359941266a4e35f0f",
    ),
  },
];

/** Keys that ID-2 refuses: one of each small order, two second spellings of the identity, a y off the curve, a byte too few. */
export const refusedKeys: readonly Bytes[] = [
  hex("0100000000000000000000000000000000000000000000000000000000000000"),
  hex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
  hex("0000000000000000000000000000000000000000000000000000000000000080"),
  hex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"),
  hex("0100000000000000000000000000000000000000000000000000000000000080"),
  hex("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
  hex("0200000000000000000000000000000000000000000000000000000000000000"),
  hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f70751"),
];

/** A point of order 8·L: case 3 of ed25519-speccheck. */
export const mixedOrderKey: Bytes = hex("cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d");

interface AgreementAnswer {
  readonly privateKey: Bytes;
  readonly publicKey: Bytes;
  readonly otherPublicKey: Bytes;
  readonly shared: Bytes;
}

/** RFC 7748 §6.1. */
export const agreementAnswer: AgreementAnswer = {
  privateKey: hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"),
  publicKey: hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"),
  otherPublicKey: hex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"),
  shared: hex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"),
};

/** A literal of ours: a slip in it must be loud. */
function hex(text: string): Bytes {
  const bytes = decodeHex(text, text.length / 2);
  if (bytes === undefined) throw new TypeError("a known answer is not hex");
  return bytes;
}
