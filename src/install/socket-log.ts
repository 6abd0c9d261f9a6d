import { createWriteStream, type WriteStream } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';

const DRAIN_MS = 2000;

/**
 * A UNIX socket that QEMU connects a serial line to. We listen before it starts, so no byte is lost, and no daemon's log rotation is
 * between. Everything goes to a file and to the listener.
 */
export class SocketLog {
  readonly #server: Server;
  readonly #file: WriteStream;
  readonly #sockets = new Set<Socket>();
  #drained: Promise<void> = Promise.resolve();

  private constructor(
    server: Server,
    readonly logFile: string,
    onData: (chunk: Buffer) => void,
  ) {
    this.#server = server;
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
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ path: socketPath, writableAll: true, readableAll: true }, resolve);
    });
    return log;
  }

  /** Waits until what a guest that has ended had written has been read. */
  async drain(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => (timer = setTimeout(resolve, DRAIN_MS)));
    await Promise.race([this.#drained, patience]);
    clearTimeout(timer);
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await new Promise<void>((resolve) => this.#file.end(() => resolve()));
  }
}
