// Loaded into a process by --import: says at its end, on the given descriptor, what it had resident at most.
import { readFileSync, writeSync } from 'node:fs';

process.on('exit', () => {
  const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';
  writeSync(3, `${peak}\n`);
});
