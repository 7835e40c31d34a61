// For the proofs of this folder, which are compiled and never run: two types are one and the same, not just assignable.

export type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** `proof<Same<A, B>>()` compiles only where it holds. */
export declare function proof<_Holds extends true>(): void
