import { createWriteStream, type WriteStream } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';

const DRAIN_MS = 2000;

/**
 * A UNIX socket that QEMU connects a serial line to. We listen before it starts, so no byte is lost, and no daemon's log rotation is
 * between. Everything goes to a file and to the listener.
 */
export class SocketLog {
  readonly #servers: Server[];
  readonly #file: WriteStream;
  readonly #sockets = new Set<Socket>();
  readonly #people = new Set<Socket>();
  #drained: Promise<void> = Promise.resolve();

  private constructor(
    server: Server,
    readonly logFile: string,
    onData: (chunk: Buffer) => void,
  ) {
    this.#servers = [server];
    this.#file = createWriteStream(logFile, { flags: 'a', mode: 0o600 });
    // A log that cannot be written (a full disk) must not end the watching.
    this.#file.on('error', () => undefined);
    server.on('connection', (socket) => {
      this.#sockets.add(socket);
      this.#drained = new Promise((resolve) => socket.once('close', () => resolve()));
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => undefined);
      socket.on('data', (chunk: Buffer) => {
        this.#file.write(chunk);
        onData(chunk);
      });
    });
  }

  static async listen(socketPath: string, logFile: string, onData: (chunk: Buffer) => void): Promise<SocketLog> {
    const server = createServer();
    const log = new SocketLog(server, logFile, onData);
    await listenOn(server, socketPath, { writableAll: true, readableAll: true });
    return log;
  }

  /**
   * Lets people talk to the guest: whoever connects to another socket sees what the guest writes from now on, and writes to it.
   * Ends with {@link close}.
   */
  async openForPeople(socketPath: string): Promise<void> {
    const server = createServer((person) => {
      person.on('error', () => undefined);
      for (const guest of this.#sockets) {
        const show = (chunk: Buffer): void => void person.write(chunk);
        guest.on('data', show);
        person.on('data', (chunk: Buffer) => guest.write(chunk));
        person.once('close', () => guest.off('data', show));
      }
      this.#people.add(person);
      person.once('close', () => this.#people.delete(person));
    });
    await listenOn(server, socketPath);
    this.#servers.push(server);
  }

  /** Waits until what a guest that has ended had written has been read. */
  async drain(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => (timer = setTimeout(resolve, DRAIN_MS)));
    await Promise.race([this.#drained, patience]);
    clearTimeout(timer);
  }

  async close(): Promise<void> {
    for (const socket of [...this.#sockets, ...this.#people]) socket.destroy();
    for (const server of this.#servers) await new Promise<void>((resolve) => server.close(() => resolve()));
    await new Promise<void>((resolve) => this.#file.end(() => resolve()));
  }
}

async function listenOn(server: Server, socketPath: string, access: object = {}): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path: socketPath, ...access }, resolve);
  });
}
