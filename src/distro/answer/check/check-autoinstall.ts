import { isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type YAMLMap } from 'yaml';
import { Findings, RESTARTS } from './findings.js';
import type { Finding } from '../types.js';

/** What makes an unattended build with this autoinstall file (as NoCloud user-data) stop or fail. */
export function checkAutoinstall(text: string): Finding[] {
  const findings = new Findings();
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  for (const { message, pos } of document.errors) {
    findings.error(
      lines.linePos(pos[0]).line,
      `this is not YAML: ${message.split('\n', 1)[0] ?? ''}`,
      'Correct the YAML.',
    );
  }
  if (document.errors.length > 0) return findings.sorted();
  if (!/^#cloud-config\s*$/m.test(text.split('\n', 1)[0] ?? '')) {
    findings.error(
      1,
      "the first line is not '#cloud-config': cloud-init passes the file over",
      "Make '#cloud-config' the first line.",
    );
  }
  const autoinstall = findAutoinstall(document);
  if (autoinstall === undefined) {
    findings.error(0, "there is no mapping 'autoinstall'", "Write the installer's keys below 'autoinstall:'.");
    return findings.sorted();
  }
  new AutoinstallCheck(autoinstall, lines, findings).run();
  return findings.sorted();
}

function findAutoinstall(document: Document): YAMLMap | undefined {
  if (!isMap(document.contents)) return undefined;
  const wrapped = document.contents.get('autoinstall', true);
  return isMap(wrapped) ? wrapped : undefined;
}

class AutoinstallCheck {
  constructor(
    private readonly map: YAMLMap,
    private readonly lines: LineCounter,
    private readonly findings: Findings,
  ) {}

  run(): void {
    const version = this.map.get('version');
    if (version !== 1)
      this.report('version', `the version is ${version === undefined ? 'missing' : 'not 1'}`, "Write 'version: 1'.");
    if (!this.map.has('identity') && !this.map.has('user-data')) {
      this.report(
        'identity',
        "there is neither 'identity' nor 'user-data': the installer stops",
        "Add 'identity' with hostname, username and a crypted password, or 'user-data'.",
      );
    }
    this.#checkIdentity();
    const interactive = this.map.get('interactive-sections', true);
    if (isSeq(interactive) && interactive.items.length > 0) {
      this.report('interactive-sections', 'the installer shows screens and waits', 'Remove it.');
    }
    const shutdown = this.map.get('shutdown');
    if (shutdown === 'reboot') {
      this.report('shutdown', RESTARTS, "Write 'shutdown: poweroff'.", 'warning');
    } else if (shutdown !== 'poweroff') {
      this.report('shutdown', 'the machine is not switched off at the end', "Write 'shutdown: poweroff'.");
    }
    this.#checkStorage();
  }

  #checkIdentity(): void {
    const identity = this.map.get('identity', true);
    if (!isMap(identity)) return;
    for (const key of ['hostname', 'username', 'password']) {
      if (!identity.has(key)) this.report('identity', `'identity' has no '${key}'`, `Add '${key}'.`);
    }
    const password: unknown = identity.get('password');
    if (typeof password === 'string' && !password.startsWith('$')) {
      this.report(
        'identity',
        "the password of 'identity' is not crypted",
        "Write the output of 'openssl passwd -6', in quotes.",
      );
    }
  }

  #checkStorage(): void {
    const storage = this.map.get('storage', true);
    if (!isMap(storage)) return;
    if (storage.hasIn(['layout', 'password'])) {
      this.report(
        'storage',
        'the disk is encrypted: it cannot be read when the installation is over',
        "Remove 'password'.",
      );
    }
    const layout: unknown = storage.getIn(['layout', 'name']);
    if (layout === 'zfs') {
      this.report('storage', 'a ZFS root cannot be read when the installation is over', "Write 'name: direct'.");
    }
    const config = storage.get('config', true);
    if (!isSeq(config)) return;
    const roots = config.items.filter(
      (item) => isMap(item) && item.get('type') === 'mount' && item.get('path') === '/',
    );
    if (roots.length === 0)
      this.report('storage', 'no file system is mounted on /', "Add an action of type 'mount' with 'path: /'.");
    if (roots.length > 1) this.report('storage', 'a second file system is mounted on /', 'Leave one root file system.');
  }

  /** At the key's line; line 0 where the key is missing. */
  report(key: string, problem: string, remedy: string, severity: Finding['severity'] = 'error'): void {
    const pair = this.map.items.find((item) => isScalar(item.key) && item.key.value === key);
    const offset = isScalar(pair?.key) ? pair.key.range?.[0] : undefined;
    this.findings[severity](offset === undefined ? 0 : this.lines.linePos(offset).line, problem, remedy);
  }
}
