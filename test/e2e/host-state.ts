/** What conversions could leave behind on this machine, and whether they have. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { run } from '../../src/tools/run.js';

const OURS = /^iso2rootfs-[0-9a-f]{12}$/;

/** Names of libvirt's domains that conversions made. */
export async function listDomains(): Promise<string[]> {
  const { stdout } = await run('virsh', ['--quiet', '--connect', 'qemu:///system', 'list', '--all', '--name']);
  return stdout.split('\n').filter((name) => OURS.test(name.trim()));
}

async function listPools(): Promise<string[]> {
  const { stdout } = await run('virsh', ['--quiet', '--connect', 'qemu:///system', 'pool-list', '--all', '--name']);
  return stdout
    .split('\n')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

/** Everything on the host that would be a leftover if it were new: domains, pools, files outside of the cache. */
export async function surveyHost(): Promise<ReadonlySet<string>> {
  const [domains, pools, boot, nvram, media] = await Promise.all([
    listDomains(),
    listPools(),
    readdir('/var/lib/libvirt/boot').catch(() => []),
    readdir('/var/lib/libvirt/qemu/nvram').catch(() => []),
    readdir('/var/tmp'),
  ]);
  return new Set([
    ...domains.map((name) => `domain ${name}`),
    ...pools.map((name) => `pool ${name}`),
    ...boot.map((name) => `/var/lib/libvirt/boot/${name}`),
    ...nvram.map((name) => `/var/lib/libvirt/qemu/nvram/${name}`),
    ...media.filter((name) => OURS.test(name)).map((name) => `/var/tmp/${name}`),
  ]);
}

/**
 * What the builds of a cache have put on the host since, but for those that still run. What carries the id of a build of another cache is
 * none of ours; every build that starts a program has a directory of logs in its cache.
 */
export async function newOnHost(
  before: ReadonlySet<string>,
  cacheDirectory: string,
  living: readonly string[] = [],
): Promise<string[]> {
  const ours = await readdir(path.join(cacheDirectory, 'v1', 'logs')).catch((): string[] => []);
  return [...(await surveyHost())].filter((thing) => {
    if (before.has(thing)) return false;
    const id = /iso2rootfs-([0-9a-f]{12})$/.exec(thing)?.[1];
    return id === undefined || (ours.includes(id) && !living.includes(id));
  });
}

/** Workspaces and staging directories of a cache: ids of builds. */
export async function listUnfinished(cacheDirectory: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of ['workspaces', 'staging']) {
    for (const entry of await readdir(path.join(cacheDirectory, 'v1', name)).catch(() => []))
      found.push(`${name}/${entry}`);
  }
  return found;
}

/** The ids of the builds in a cache that have a workspace. */
export async function listWorkspaces(cacheDirectory: string): Promise<string[]> {
  return (await readdir(path.join(cacheDirectory, 'v1', 'workspaces')).catch(() => [])).filter(
    (name) => !name.startsWith('.'),
  );
}
