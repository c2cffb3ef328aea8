/** What a program that others can have run sees of our environment: what it needs to find its way, and no secret that somebody put there. */
const passedOn = ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "XDG_RUNTIME_DIR"] as const;

export function commandEnvironment(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Readonly<Record<string, string>> {
  const found = passedOn.map((name) => [name, environment[name]] as const);
  return Object.fromEntries(found.filter((entry): entry is readonly [(typeof passedOn)[number], string] => entry[1] !== undefined));
}
