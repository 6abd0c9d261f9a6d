import type { Toolbox } from './toolbox.js';
import { Iso2RootfsError } from '../errors.js';

/** Every domain and storage pool of ours begins with this, so that leftovers can be found. */
export const NAME_PREFIX = 'iso2rootfs-';

const VIRSH_TIMEOUT_MS = 60_000;

/** Counters of a domain; all grow while it works. */
export interface DomainActivity {
  readonly cpuNs: number;
  readonly blockBytes: number;
  readonly netBytes: number;
}

export interface DomainSample {
  readonly state: 'running' | 'paused' | 'shutdown' | 'crashed' | 'gone' | 'other';
  /** QEMU stopped the guest because the host could not write its disk: the host's file system is full or broken. */
  readonly isPausedByIoError: boolean;
  readonly activity: DomainActivity;
}

const NO_ACTIVITY: DomainActivity = { cpuNs: 0, blockBytes: 0, netBytes: 0 };
/** virDomainState of libvirt-domain.h. */
const DOMAIN_STATES = ['other', 'running', 'other', 'paused', 'shutdown', 'gone', 'crashed'] as const;
/** VIR_DOMAIN_PAUSED_IOERROR of libvirt-domain.h. */
const PAUSED_IOERROR = 5;

/** libvirt's domains and pools as seen through virsh. */
export class Virsh {
  constructor(
    private readonly tools: Toolbox,
    readonly uri: string,
  ) {}

  async #virsh(
    args: readonly string[],
    allowedStatuses: readonly number[] = [0],
  ): Promise<{ status: number; stdout: string }> {
    const result = await this.tools.query('virsh', ['--connect', this.uri, '--quiet', ...args], {
      allowedStatuses,
      timeoutMs: VIRSH_TIMEOUT_MS,
      reason: 'watch and end the domain',
    });
    return { status: result.exitStatus, stdout: result.stdout };
  }

  async #names(args: readonly string[]): Promise<string[]> {
    const { stdout } = await this.#virsh(args);
    return stdout
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '');
  }

  /** Names of all domains, running or not. */
  async listDomains(): Promise<string[]> {
    return this.#names(['list', '--all', '--name']);
  }

  /** Names of all storage pools, active or not. */
  async listPools(): Promise<string[]> {
    return this.#names(['pool-list', '--all', '--name']);
  }

  async sample(domain: string): Promise<DomainSample> {
    const { status, stdout } = await this.#virsh(
      ['domstats', '--state', '--cpu-total', '--block', '--interface', domain],
      [0, 1],
    );
    if (status !== 0) return { state: 'gone', isPausedByIoError: false, activity: NO_ACTIVITY };
    return parseDomainStatistics(stdout);
  }

  /** The domain's live XML, or undefined when there is no such domain. */
  async dumpXml(domain: string): Promise<string | undefined> {
    const { status, stdout } = await this.#virsh(['dumpxml', domain], [0, 1]);
    return status === 0 ? stdout : undefined;
  }

  /** A storage pool's XML, or undefined when there is no such pool. */
  async dumpPoolXml(pool: string): Promise<string | undefined> {
    const { status, stdout } = await this.#virsh(['pool-dumpxml', pool], [0, 1]);
    return status === 0 ? stdout : undefined;
  }

  /** Ends a domain at once and removes its definition and NVRAM, should it have any. Not being there is fine. */
  async removeDomain(domain: string): Promise<void> {
    await this.#virsh(['destroy', domain], [0, 1]);
    if ((await this.listDomains()).includes(domain)) await this.#virsh(['undefine', '--nvram', domain], [0, 1]);
    if ((await this.listDomains()).includes(domain)) {
      throw new Iso2RootfsError('TOOL_FAILED', `the domain ${domain} could not be removed`, {
        hint: `Remove it by hand: virsh --connect ${this.uri} destroy ${domain}`,
      });
    }
  }

  /**
   * Creates a transient directory pool. virt-install makes a persistent pool for the directory of every disk that it is given;
   * it leaves that alone when a pool is there.
   */
  async createPool(name: string, directory: string): Promise<void> {
    await this.#virsh(['pool-create-as', name, 'dir', '--target', directory]);
  }

  async removePool(name: string): Promise<void> {
    await this.#virsh(['pool-destroy', name], [0, 1]);
    if ((await this.listPools()).includes(name)) await this.#virsh(['pool-undefine', name], [0, 1]);
  }
}

export function parseDomainStatistics(text: string): DomainSample {
  const values = new Map<string, number>();
  for (const line of text.split('\n')) {
    const match = /^\s*([\w.]+)=(\d+)\s*$/.exec(line);
    if (match?.[1] !== undefined) values.set(match[1], Number(match[2]));
  }
  const sum = (pattern: RegExp): number =>
    [...values].reduce((total, [name, value]) => (pattern.test(name) ? total + value : total), 0);
  const state = values.get('state.state');
  return {
    state: (state === undefined ? undefined : DOMAIN_STATES[state]) ?? 'other',
    isPausedByIoError: state === DOMAIN_STATES.indexOf('paused') && values.get('state.reason') === PAUSED_IOERROR,
    activity: {
      cpuNs: values.get('cpu.time') ?? 0,
      blockBytes: sum(/^block\.\d+\.(rd|wr)\.bytes$/),
      netBytes: sum(/^net\.\d+\.[rt]x\.bytes$/),
    },
  };
}
