/** What the conformance kit asks for and does not get, and why. */
import type { ExpectedFailures } from "./judge.ts";

/** Of both servers. */
const features: readonly ExpectedFailures[] = [
  {
    why: "hikyaku offers no prompts",
    fails: [
      "prompts-list",
      "prompts-get-simple",
      "prompts-get-with-args",
      "prompts-get-embedded-resource",
      "prompts-get-with-image",
      "caching:sep-2549-prompts-list-caching-hints",
      "input-required-result-non-tool-request",
    ],
  },
  { why: "hikyaku completes no arguments", fails: ["completion-complete"] },
  {
    why: "tools and resources of the kit's own example server with images, sounds and other content, which the SDK alone shapes, and no tool of ours gives",
    fails: [
      "tools-call-image",
      "tools-call-audio",
      "tools-call-embedded-resource",
      "tools-call-mixed-content",
      "json-schema-2020-12",
      "resources-read-binary",
      "resources-templates-read",
      "elicitation-sep1034-defaults",
      "elicitation-sep1330-enums",
    ],
  },
  {
    why: "questions that hikyaku never asks: for a model's words, for a client's folders, several at once or in several rounds",
    fails: [
      "input-required-result-basic-sampling",
      "input-required-result-basic-list-roots",
      "input-required-result-multiple-input-requests",
      "input-required-result-multi-round",
      "input-required-result-capability-check",
    ],
  },
];

/** Of `hikyaku mcp --http`, whose tools are its own. */
export const programFailures: readonly ExpectedFailures[] = [
  ...features,
  { why: "hikyaku sends its client no log", fails: ["logging-set-level", "tools-call-with-logging"] },
  {
    why: "needs tools and resources of the kit's own example server; the one below has them behind the same face",
    fails: [
      "tools-call-simple-text",
      "tools-call-error",
      "tools-call-with-progress",
      "tools-call-sampling",
      "tools-call-elicitation",
      "resources-read-text",
      "http-custom-header-server-validation",
      "input-required-result-basic-elicitation",
      "input-required-result-request-state",
      "input-required-result-result-type",
      "input-required-result-tampered-state",
      "server-stateless:sep-2575-server-rejects-undeclared-capability",
      "server-stateless:sep-2575-missing-capability-http-400",
      "server-stateless:sep-2575-http-server-no-independent-requests-on-stream",
      "server-stateless:sep-2575-server-no-log-without-loglevel",
    ],
  },
];

/** Of the example server behind our HTTP face. */
export const exampleFailures: readonly ExpectedFailures[] = features;
