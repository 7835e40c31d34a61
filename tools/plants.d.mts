export declare const plants: ReadonlyArray<{
  readonly name: string
  readonly edits: ReadonlyArray<{ readonly file: string; readonly find: string; readonly put: string }>
}>
export declare function planted(name: string, path: string, source: string): string
