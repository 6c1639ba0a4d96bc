// Numbers of the servers' places: the kernel gives them in the order of the system's entries.

export const SLOTS = { front: 2, compute: 3, ledger: 5, driver: 6 } as const;
