/** What a program that we start sees of our environment: where things are and how people here write, and nothing that could be a secret. */

const passedOn: ReadonlySet<string> = new Set(["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR"]);

export function programEnvironment(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Readonly<Record<string, string>> {
  const passed: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment))
    if (value !== undefined && (passedOn.has(name) || name.startsWith("LC_"))) passed[name] = value;
  return passed;
}

/** The task for whose sake this process runs, where `hikyaku serve` started it. */
export const ownTask = (environment: Readonly<Record<string, string | undefined>> = process.env): string | undefined =>
  environment["HIKYAKU_TASK"] || undefined;
