/** LIBVIRT_DEFAULT_URI, else the system's libvirt for root and the user's own for others. */
export function defaultUri(
  environment: NodeJS.ProcessEnv = process.env,
  isRoot: boolean = process.getuid?.() === 0,
): string {
  return environment['LIBVIRT_DEFAULT_URI'] ?? (isRoot ? 'qemu:///system' : 'qemu:///session');
}
