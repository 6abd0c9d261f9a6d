import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const LINES = 30;
/** All but the number of the processor and where it is. */
const UNTOLD_REGISTERS = /^(?!RIP=)[A-Z]+\d* ?=/;
const TIMEOUT_MS = 10_000;

/** What is known of the builds of a cache that do not end: the last lines of their logs, and where their guests' processors are. */
export function describeHang(cacheDirectory: string): string {
  const parts: string[] = [];
  for (const id of namesIn(path.join(cacheDirectory, 'v1', 'workspaces'))) {
    const logs = path.join(cacheDirectory, 'v1', 'logs', id);
    for (const name of namesIn(logs)) {
      const lines = readFileSync(path.join(logs, name), 'latin1').trimEnd().split('\n');
      parts.push(`--- ${id}/${name}`, ...lines.slice(-LINES));
    }
    for (const command of [
      ['domstats', `iso2rootfs-${id}`],
      ['qemu-monitor-command', `iso2rootfs-${id}`, '--hmp', 'info registers -a'],
    ]) {
      const options = { encoding: 'utf8', timeout: TIMEOUT_MS } as const;
      const { stdout, stderr } = spawnSync('virsh', ['--connect', 'qemu:///system', ...command], options);
      const lines = `${stdout}${stderr}`.split('\n').filter((line) => !UNTOLD_REGISTERS.test(line));
      parts.push(`--- ${command.join(' ')}`, ...lines);
    }
  }
  return parts.join('\n');
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
