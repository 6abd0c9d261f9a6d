/** `prove-boot.ts VMLINUZ INITRAMFS`: boots it and says whether it comes up to a login prompt with nothing amiss. Exit status 1 if not. */
import { BootedImage, findBootTrouble } from './boot-image.js';

const TIMEOUT_MS = 300_000;

const [kernelPath, initrdPath] = process.argv.slice(2);
if (kernelPath === undefined || initrdPath === undefined) {
  process.stderr.write('usage: prove-boot.ts VMLINUZ INITRAMFS\n');
  process.exit(64);
}
const startedAt = performance.now();
const machine = await BootedImage.start({ kernelPath, initrdPath });
let problems: string[];
try {
  await machine.waitFor(/login: /, { timeoutMs: TIMEOUT_MS });
  problems = findBootTrouble(machine.console);
} catch (error) {
  problems = [...findBootTrouble(machine.console), error instanceof Error ? error.message : String(error)];
} finally {
  await machine.stop();
}
const elapsed = `${Math.round((performance.now() - startedAt) / 1000)} s`;
if (problems.length > 0) {
  process.stderr.write(`${problems.join('\n')}\nThe end of the console:\n${machine.tail(30)}\n`);
  process.stdout.write(`boot: failed after ${elapsed}\n`);
  process.exitCode = 1;
} else {
  process.stdout.write(`boot: login prompt after ${elapsed}; no emergency mode, no waiting for a device\n`);
}
