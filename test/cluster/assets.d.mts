/** The types of assets.mjs, which is plain JavaScript because it also runs before anything is compiled. */
export interface Go {
  version: string;
  os: string;
  arch: string;
}
export const moduleDirectory: string;
export const programs: readonly string[];
export function cacheDirectory(environment?: NodeJS.ProcessEnv): string;
export function installedGo(): Go | undefined;
export function builtDirectory(go: Go): string;
export function missingPrograms(directory: string, needed?: readonly string[]): string[];
export function findAssets(needed?: readonly string[]): string | undefined;
