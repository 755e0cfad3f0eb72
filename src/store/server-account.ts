import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/** The account that the embedded Postgres runs as. */
export interface ServerAccount {
  name: string;
  uid: number;
  gid: number;
}

/** Postgres refuses to run as root. It then runs as the first of these that the machine has. */
const ACCOUNTS = ['postgres', 'nobody'];

/** The account to run Postgres as; null: our own will do. */
export async function serverAccount(): Promise<ServerAccount | null> {
  if (process.getuid?.() !== 0) return null;
  const lines = (await readFile('/etc/passwd', 'utf8').catch(() => '')).split('\n').map((line) => line.split(':'));
  const entries = ACCOUNTS.flatMap((name) => lines.filter(([account]) => account === name));
  const [name = 'nobody', , uid = '65534', gid = '65534'] = entries[0] ?? [];
  return { name, uid: Number(uid), gid: Number(gid) };
}

/** The first folder on the way to `path` that the account may not pass through; null where it gets there. */
export async function barrierFor(account: ServerAccount, path: string): Promise<string | null> {
  for (const folder of ancestors(resolve(path))) {
    const found = await stat(folder).catch(() => null);
    if (found !== null && !mayPass(account, found)) return folder;
  }
  return null;
}

function ancestors(path: string): readonly string[] {
  const parent = dirname(path);
  return parent === path ? [path] : [...ancestors(parent), path];
}

function mayPass(account: ServerAccount, folder: { mode: number; uid: number; gid: number }): boolean {
  if (folder.uid === account.uid) return (folder.mode & 0o100) !== 0;
  if (folder.gid === account.gid) return (folder.mode & 0o010) !== 0;
  return (folder.mode & 0o001) !== 0;
}
