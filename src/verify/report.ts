/** What a system says of itself on its second serial port; see templates/verify/probe.sh. */
const MARK = /^ISO2ROOTFS (\S+) ?(.*)$/;
/** A guest may say anything, and much of it. */
const MAX_FACTS = 1000;
const MAX_VALUE_CHARACTERS = 500;

export interface Report {
  /** The probe ran to its end. */
  readonly isComplete: boolean;
  /** `uname -r`. */
  readonly kernel: string | undefined;
  /** Type of the root's file system in the words of stat(1): `tmpfs`, `nfs`, `overlayfs`, `ext2/ext3`, `xfs`... */
  readonly root: string | undefined;
  /** `systemctl is-system-running`. */
  readonly state: string | undefined;
  /** Which of the modes that systemd calls `maintenance`. */
  readonly mode: 'rescue' | 'emergency' | undefined;
  readonly defaultTarget: string | undefined;
  readonly isDefaultTargetActive: boolean;
  readonly failedUnits: readonly string[];
  /** Jobs of systemd that had not ended when last looked at. */
  readonly jobs: readonly string[];
  readonly orderingCycles: readonly string[];
  /** Interface and address. */
  readonly addresses: readonly string[];
  readonly capabilities: readonly {
    readonly path: string;
    readonly state: 'present' | 'absent' | 'missing' | 'unknown';
  }[];
  readonly isSelinuxEnforcing: boolean | undefined;
  readonly memory: { readonly totalBytes: number; readonly availableBytes: number } | undefined;
}

/** @param text what the port has given so far, bytes as latin1; what is not the probe's is left out */
export function parseReport(text: string): Report {
  const facts = new Map<string, string[]>();
  let count = 0;
  for (const line of text.split(/[\r\n]+/)) {
    const match = MARK.exec(line);
    if (match === null || ++count > MAX_FACTS) continue;
    const [name = '', value = ''] = [match[1], match[2]?.trim().slice(0, MAX_VALUE_CHARACTERS)];
    facts.set(name, [...(facts.get(name) ?? []), value]);
  }
  const all = (name: string): readonly string[] => [...new Set(facts.get(name) ?? [])];
  const last = (name: string): string | undefined => facts.get(name)?.at(-1);
  const selinux = last('selinux');
  return {
    isComplete: facts.has('begin') && facts.has('end'),
    kernel: last('kernel'),
    root: last('root'),
    state: last('state'),
    mode: last('state') === 'maintenance' ? (last('mode') === 'rescue' ? 'rescue' : 'emergency') : undefined,
    defaultTarget: last('default-target'),
    isDefaultTargetActive: last('default-target-state') === 'active',
    failedUnits: all('failed-unit'),
    jobs: all('job').map((job) => job.replace(/\s+/g, ' ')),
    orderingCycles: all('cycle'),
    addresses: all('address'),
    capabilities: all('capability').flatMap(parseCapability),
    isSelinuxEnforcing: selinux === undefined ? undefined : selinux === '1',
    memory: parseMemory(all('memory')),
  };
}

function parseCapability(value: string): Report['capabilities'] {
  const match = /^(present|absent|missing|unknown) (.+)$/.exec(value);
  const [state, path] = [match?.[1], match?.[2]];
  if (state === undefined || path === undefined) return [];
  return [{ path, state: state as Report['capabilities'][number]['state'] }];
}

function parseMemory(values: readonly string[]): Report['memory'] {
  const bytes = (name: string): number =>
    Number(values.find((value) => value.startsWith(`${name} `))?.slice(name.length) ?? NaN);
  const [totalBytes, availableBytes] = [bytes('memtotal'), bytes('memavailable')];
  return Number.isFinite(totalBytes) && Number.isFinite(availableBytes) ? { totalBytes, availableBytes } : undefined;
}
