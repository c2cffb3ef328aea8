/** The addresses that only this machine reaches. A name leads where the system's resolver says, so what counts is the address at which a listener ended up. */
export const isLoopbackAddress = (address: string): boolean => address === "::1" || address.startsWith("127.");
