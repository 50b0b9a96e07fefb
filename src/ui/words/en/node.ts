export const node = {}
