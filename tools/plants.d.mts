export const plants: ReadonlyArray<{ readonly name: string }>
