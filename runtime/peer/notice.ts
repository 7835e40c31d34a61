// What a peer (standing.ts), the hub and the registry tell of what somebody did who is not trusted with all: the gateway by
// which it came in hands it to the program's `audit`.

export type Notice =
  /** The name of a limit, which held somebody back. */
  | { readonly type: 'limited'; readonly limit: string }
  | { readonly type: 'invalid'; readonly by: 'guard' | 'schema'; readonly target: string }
  | { readonly type: 'broken'; readonly fault: string }
  | {
      readonly type: 'denied'
      readonly action: 'lookup' | 'register' | 'join' | 'relay'
      readonly target: string
    }
