import { run } from './run.js';

/**
 * Hashes a password as crypt(5) does with SHA-512. It travels on stdin, and neither it nor its hash is logged.
 * @throws Iso2RootfsError TOOL_MISSING, TOOL_FAILED
 */
export async function hashPassword(password: string, signal?: AbortSignal): Promise<string> {
  const { stdout } = await run('openssl', ['passwd', '-6', '-stdin'], {
    stdin: { text: `${password}\n` },
    signal,
    timeoutMs: 30_000,
    reason: 'hash the root password',
  });
  return stdout.trim();
}
