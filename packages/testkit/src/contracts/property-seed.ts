/** The same in every run, so that what fails in one place fails everywhere; fast-check prints it with what failed. */
export const propertySeed = 7340;
