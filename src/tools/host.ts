import { readFile } from 'node:fs/promises';
import { delimiter } from 'node:path';

/** Which package names the host's distribution uses. */
export type HostFamily = 'debian' | 'redhat' | 'suse';

/** Values of ID and ID_LIKE of os-release(5), where the specification's own ID_LIKE does not lead to the family's head. */
const FAMILY_OF_ID: Readonly<Record<string, HostFamily>> = {
  debian: 'debian',
  ubuntu: 'debian',
  fedora: 'redhat',
  rhel: 'redhat',
  centos: 'redhat',
  openeuler: 'redhat',
  anolis: 'redhat',
  kylin: 'redhat',
  suse: 'suse',
  opensuse: 'suse',
  sles: 'suse',
};

/** The family that an os-release(5) text speaks of: by its ID, else by the first of ID_LIKE that is known. */
export function parseHostFamily(osRelease: string): HostFamily | undefined {
  const values = new Map<string, string>();
  for (const line of osRelease.split('\n')) {
    const match = /^(ID|ID_LIKE)=(['"]?)(.*)\2\s*$/.exec(line.trim());
    if (match?.[1] !== undefined && match[3] !== undefined) values.set(match[1], match[3].toLowerCase());
  }
  const names = `${values.get('ID') ?? ''} ${values.get('ID_LIKE') ?? ''}`.split(/\s+/);
  for (const name of names) {
    const family = FAMILY_OF_ID[name] ?? FAMILY_OF_ID[name.replace(/-.*/, '')];
    if (family !== undefined) return family;
  }
  return undefined;
}

/** @param file os-release(5); undefined is returned where there is none. */
export async function readHostFamily(file = '/etc/os-release'): Promise<HostFamily | undefined> {
  try {
    return parseHostFamily(await readFile(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/** The host's architecture in the installers' words. */
export function hostArch(arch: string = process.arch): string {
  return { x64: 'x86_64', arm64: 'aarch64' }[arch] ?? arch;
}

/**
 * The PATH for the programs we run: `toolsPath` first, then ours, then the directories of daemons, which a user's PATH may lack.
 */
export function searchPath(toolsPath?: string, inherited: string = process.env['PATH'] ?? ''): string {
  const directories = [...(toolsPath === undefined ? [] : [toolsPath]), ...inherited.split(delimiter)];
  return [...new Set([...directories.filter((directory) => directory !== ''), '/usr/sbin', '/sbin'])].join(delimiter);
}
