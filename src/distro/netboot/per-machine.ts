/**
 * What an installed system holds that must differ per machine, or that only tells of its installation: what virt-sysprep removes by
 * default (guestfs-tools 1.48 to 1.57, sysprep/sysprep_operation_*.ml; docs/prepare.md says what is left out), and what it does not know.
 *
 * virt-sysprep does some of it for the distributions alone that it knows (NIC bindings: Fedora and RHEL, not openEuler), and in an appliance
 * of its own. Here all is done for all, on every tree and every disk that is handed out.
 */
import type { EntryType } from '../../tree/entry.js';

export type PerMachine = 'remove' | 'empty';

/** Removed with all that is below. `*` matches as the shell's does: no `/`, and no leading dot. */
const TREES = [
  // abrt-data, crash-data
  'var/spool/abrt/*',
  'var/crash/*',
  'var/log/dump/*',
  // dhcp-client-state, dhcp-server-state
  'var/lib/dhclient/*',
  'var/lib/dhcp/*',
  'var/lib/dhcpd/*',
  // logfiles
  'var/log/*.log*',
  'var/log/{audit,mail,anaconda,installer,sa,gdm,lightdm,ntpstats,rhsm,journal,apt,exim4,ConsoleKit}/*',
  'var/log/{btmp,cron,dmesg,lastlog,maillog,messages,secure,spooler,tallylog,wtmp,debug,syslog,faillog,firewalld,grubby,xferlog,aptitude}*',
  'var/log/apache2/*_log',
  'var/log/apache2/*_log-*',
  'var/log/ntp',
  'var/log/tuned/tuned.log',
  'var/log/BackupPC/LOG',
  'var/log/{ceph,chrony,setroubleshoot,squid}/*.log',
  'var/log/cups/*_log*',
  'var/log/glusterfs/*glusterd.vol.log',
  'var/log/glusterfs/glusterfs.log',
  'var/log/httpd/*log',
  'var/log/jetty/jetty-console.log',
  'var/log/libvirt/{libxl,lxc,qemu,uml}/*.log',
  'var/log/libvirt/libvirtd.log',
  'var/named/data/named.run',
  'var/log/ppp/connect-errors',
  'var/lib/logrotate.status',
  'root/{install.log,install.log.syslog,anaconda-ks.cfg,anaconda-post.log,initial-setup-ks.cfg,original-ks.cfg}',
  'var/cache/{gdm,fontconfig,man}/*',
  'var/lib/AccountService/users/*',
  'var/lib/fprint/*',
  'etc/Pegasus/*.{cnf,crt,csr,pem,srl}',
  // lvm-system-devices
  'etc/lvm/devices/system.devices',
  // mail-spool
  'var/spool/mail/*',
  'var/mail/*',
  // rh-subscription-manager
  'etc/pki/consumer/*',
  'etc/pki/entitlement/*',
] as const;

/** Removed unless they are directories. */
const FILES = [
  // bash-history, zsh-history
  '{root,home/*}/.{bash,zsh}_history',
  // blkid-tab
  '{var/run,run,etc/blkid,etc}/blkid.tab{,.old}',
  'dev/.blkid.tab{,.old}',
  // cron-spool
  'var/spool/atjobs/*',
  'var/spool/atspool/*',
  // dovecot-data
  'var/lib/dovecot/*',
  // ipa-client
  'etc/ipa/{ca.crt,default.conf}',
  'var/lib/ipa-client/{sysrestore,pki}/*',
  'etc/pki/ca-trust/source/{anchors/ipa-ca.crt,ipa.p11-kit}',
  'usr/local/share/ca-certificates/ipa-ca.crt',
  // kerberos-hostkeytab
  'etc/krb5.keytab',
  // net-nmconn
  'etc/NetworkManager/system-connections/*.nmconnection',
  // pacct-log
  'var/account/pacct?*',
  'var/log/account/pacct?*',
  // pam-data
  '{var/run,run}/{console,faillock,sepermit}/*',
  // puppet-data-log
  'var/log/puppet/*',
  'var/lib/puppet/*/{*,*/*}',
  // rhn-systemid
  'etc/sysconfig/rhn/{systemid,osad-auth.conf}',
  // rpm-db
  'var/lib/rpm/__db.*',
  // samba-db-log
  'var/log/samba/{*,old/*}',
  'var/lib/samba/{*,*/*}',
  // smolt-uuid
  'etc/sysconfig/hw-uuid',
  'etc/smolt/{uuid,hw-uuid}',
  // ssh-hostkeys
  'etc/ssh/*_host_*',
  // sssd-db-log
  'var/log/sssd/*',
  'var/lib/sss/db/*',
  // udev-persistent-net
  'etc/udev/rules.d/70-persistent-net.rules',
  // utmp
  '{var/run,run}/utmp',
  // yum-uuid
  'var/lib/yum/uuid',
  // Not virt-sysprep's: what every machine would begin its random numbers and its secrets with (systemd-random-seed.service(8),
  // systemd-creds(1)), NetworkManager's key, leases and memories, and the names of machines in storage networks.
  'var/lib/systemd/{random-seed,credential.secret}',
  'var/lib/urandom/random-seed',
  'var/lib/NetworkManager/{secret_key,*.lease,*.state,timestamps,seen-bssids}',
  'etc/nvme/{hostid,hostnqn}',
] as const;

/** In these, everything but directories is removed. */
const BELOW = [
  // cron-spool
  'var/spool/cron',
  'var/spool/at',
  // package-manager-cache
  'var/cache/apt/archives',
  'var/cache/dnf',
  'var/cache/yum',
  'var/cache/zypp*',
] as const;

/** Their files stay, empty. */
const EMPTIED = ['etc/machine-id', 'var/lib/dbus/machine-id', 'var/account/pacct', 'var/log/account/pacct'] as const;

/** Not virt-sysprep's: removed where a unit makes a name if there is none (RPM systems), so that every machine gets its own. */
export const ISCSI_NAME = 'etc/iscsi/initiatorname.iscsi';
export const ISCSI_NAME_UNIT = 'iscsi-init.service';

/** tmp-files: names with a leading dot as well. */
const TEMPORARY = /^(?:var\/)?tmp\/./s;
/** cron-spool: a counter of jobs, which at(1) does not make anew. */
const JOB_COUNTER = /^var\/spool\/(?:cron\/atjobs|atjobs|at)\/\.SEQ$/;

const isTree = compile(TREES, '(?:/.*)?');
const isFile = compile(FILES, '');
const isBelow = compile(BELOW, '/.+');
const isEmptied = compile(EMPTIED, '');

/**
 * What becomes of an entry.
 * @param path as in TreeEntry, its bytes as latin1
 * @returns undefined: it stays
 */
export function findPerMachine(path: string, type: EntryType): PerMachine | undefined {
  if (TEMPORARY.test(path) || isTree.test(path)) return 'remove';
  if (type === 'directory') return undefined;
  if (isFile.test(path) || (isBelow.test(path) && !path.endsWith('/.SEQ'))) return 'remove';
  const isToEmpty = type === 'file' && isEmptied.test(path);
  return isToEmpty ? 'empty' : undefined;
}

/** What the file has to hold; undefined: what it holds. */
export function resetContent(path: string): Buffer | undefined {
  if (isEmptied.test(path)) return Buffer.alloc(0);
  return JOB_COUNTER.test(path) ? Buffer.from('00000\n') : undefined;
}

/** One regular expression for patterns with `*`, `?` and `{a,b}`. */
function compile(patterns: readonly string[], tail: string): RegExp {
  const alternatives = patterns.flatMap(expandBraces).map((pattern) => pattern.split('/').map(translate).join('/'));
  return new RegExp(`^(?:${alternatives.join('|')})${tail}$`, 's');
}

function expandBraces(pattern: string): string[] {
  const braces = /\{([^{}]*)\}/.exec(pattern);
  if (braces === null) return [pattern];
  const [whole, choices = ''] = braces;
  return choices.split(',').flatMap((choice) => expandBraces(pattern.replace(whole, () => choice)));
}

function translate(component: string): string {
  const expression = component
    .replace(/[.+^$()|[\]\\]/g, '\\$&')
    .replaceAll('?', '[^/]')
    .replaceAll('*', '[^/]*');
  return /^[*?]/.test(component) ? `(?!\\.)${expression}` : expression;
}
