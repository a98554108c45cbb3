export const root: string;
export function bundle(name: string): Promise<string>;
