/** What the thread that judges is asked, and what it answers. Schemas and values cross as JSON text. */
export type Side = "input" | "output";

export interface Question {
  /** Whether the text is the schema of this side from now on, or a value to be judged by it. */
  readonly kind: "schema" | "value";
  readonly side: Side;
  readonly text: string;
}

/** That it is as the schema wants it, or the first thing that is wrong. */
export type Answer = { readonly kind: "fit" } | { readonly kind: "unfit"; readonly problem: Problem };

export interface Problem {
  readonly message: string;
  readonly path?: readonly (string | number)[];
}
