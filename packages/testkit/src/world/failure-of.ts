/** The reason for which a promise rejects, whenever that is: to be asked for before what makes it reject, and looked at after. */
export const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => new Error("that did not fail", { cause: value }),
    (reason: unknown) => reason,
  );
