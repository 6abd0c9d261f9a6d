/** What is the same text, what is noise, and what an installer said once its prefixes are gone. */

const KERNEL_TIME = /\[ *\d+\.\d{6}\] ?/;
const PREFIXES: readonly RegExp[] = [
  /^\s*\[ *\d+\.\d{6}\]\s?/,
  /^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d /,
  /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S* /,
  // Anaconda's and curtin's logs: time, level, loggers (an exception's name has capitals).
  /^(\d\d:\d\d:\d\d,\d{3} )?(DEBUG|DBG|INFO|INF|NOTICE|WARNING|WARN|WRN|ERROR|ERR|CRITICAL|CRIT|CRT)[ :]+([\w.-]+:)*(\d+ )?([a-z][a-z0-9_.-]*: )?(?=\S|$)/,
  // A journal's or syslog's program name.
  /^([\w.-]+ )?[\w./@-]+\[\d+\]: /,
  /^(Warning|warning): /,
];

/** The message without time stamp, level and program name. */
export function messageOf(line: string): string {
  let text = line;
  for (const prefix of PREFIXES) text = text.replace(prefix, '');
  // A newline as a syslog daemon writes it.
  return text.replaceAll('#012', ' ').trim();
}

/**
 * Lines of the kernel, of systemd and of Anaconda's tmux bar on a console: they come at any time and say nothing of what the
 * installer does.
 */
export function isBackgroundLine(line: string): boolean {
  return (
    line.includes('Switch tab: Alt+Tab') ||
    /^\s*\[ *\d+\.\d{6}\]/.test(line) ||
    /^\s*\[( {0,2}OK {0,2}|FAILED|DEPEND|[ *]{6})\]/.test(line) ||
    isJobTimer(line)
  );
}

function isJobTimer(line: string): boolean {
  return line.includes('A start job is running for') || line.includes('A stop job is running for');
}

/** A line with a message of the kernel cut off that was written behind it. */
export function withoutKernelMessage(line: string): string {
  const index = line.search(KERNEL_TIME);
  return index > 0 ? line.slice(0, index) : line;
}

/**
 * What makes a text differ from another in more than clocks, spinners, dots and blanks. Empty when nothing is left: such a
 * text is no sign of life.
 */
export function signatureOf(text: string): string {
  if (isJobTimer(text)) return '';
  return text
    .replace(/\[ *\d+\.\d{6}\]/g, '')
    .replace(/\b([A-Z][a-z]{2} [ \d]\d )? ?\d{1,2}:\d\d(:\d\d)?([.,]\d+)?\b/g, '')
    .replace(/[^\p{L}\d%]+/gu, ' ')
    .trim();
}

/** A line without the frame that is drawn around it. */
export function withoutFrame(line: string): string {
  return /[│┃┌└├─━═]/.test(line) ? line.replace(/[│┃║┌┐└┘├┤─━═╔╗╚╝]+/g, ' ').trim() : line;
}

/** False for what only draws: borders, single digits of a progress bar. */
export function isReadable(line: string): boolean {
  return /\p{L}{3}/u.test(line) && !/[│┃┌└├─━═]/.test(line);
}
