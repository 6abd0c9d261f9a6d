/** What the guest of the KVM probe says before it ends itself: that it was there at all is the proof. */
export const PROBE_MESSAGE = 'iso2rootfs: the guest runs';

/** A guest that needs no operating system: how QEMU is to start it. */
export interface ProbeGuest {
  readonly image: Buffer;
  /** QEMU's arguments; `imagePath` is where the image has been written. */
  machineArguments(imagePath: string): readonly string[];
}

/** @returns undefined for an architecture that we have no guest for. */
export function probeGuest(arch: string): ProbeGuest | undefined {
  switch (arch) {
    case 'x86_64':
      return {
        image: x86BootDisk(),
        machineArguments: (imagePath) => [
          ...['-machine', 'q35'],
          ...['-drive', `file=${imagePath.replaceAll(',', ',,')},format=raw,if=virtio,readonly=on`],
        ],
      };
    case 'aarch64':
      return {
        image: aarch64Program(),
        // RAM begins at 1 GiB, where QEMU puts the device tree: 2 MiB further on is free.
        machineArguments: (imagePath) => [
          ...['-machine', 'virt'],
          ...['-device', `loader,file=${imagePath.replaceAll(',', ',,')},addr=0x40200000,cpu-num=0`],
        ],
      };
    default:
      return undefined;
  }
}

/** A disk whose boot sector writes the message to the first serial port and resets the machine (with `-no-reboot`: ends QEMU). */
function x86BootDisk(): Buffer {
  const code = [
    ...[0xfa], // cli
    ...[0xfc], // cld
    ...[0x31, 0xc0], // xor ax, ax
    ...[0x8e, 0xd8], // mov ds, ax
    ...[0xbe, 0x1b, 0x7c], // mov si, 0x7c00 + 27: the message
    ...[0xba, 0xf8, 0x03], // mov dx, 0x3f8: the serial port
    ...[0xac], // next: lodsb
    ...[0x84, 0xc0], // test al, al
    ...[0x74, 0x03], // jz reset
    ...[0xee], // out dx, al
    ...[0xeb, 0xf8], // jmp next
    ...[0xb0, 0xfe], // reset: mov al, 0xfe: the keyboard controller's pulse on the reset line
    ...[0xe6, 0x64], // out 0x64, al
    ...[0xf4], // stop: hlt
    ...[0xeb, 0xfd], // jmp stop
  ];
  // SeaBIOS does not boot from a virtio disk of a few sectors.
  const disk = Buffer.alloc(1024 * 1024);
  Buffer.from(code).copy(disk);
  disk.write(`${PROBE_MESSAGE}\n\0`, code.length, 'latin1');
  disk.writeUInt16LE(0xaa55, 510);
  return disk;
}

/** A program that writes the message to the PL011 of QEMU's `virt` machine and asks PSCI for SYSTEM_OFF. */
function aarch64Program(): Buffer {
  const code = [
    0xd2a12001, // movz x1, #0x0900, lsl #16: the UART
    0x10000122, // adr x2, message
    0x38401440, // next: ldrb w0, [x2], #1
    0x34000060, // cbz w0, off
    0x39000020, // strb w0, [x1]
    0x17fffffd, // b next
    0x52b08000, // off: movz w0, #0x8400, lsl #16
    0x72800100, // movk w0, #0x0008: SYSTEM_OFF
    0xd4000002, // hvc #0
    0x14000000, // b .
  ];
  const program = Buffer.alloc(code.length * 4 + PROBE_MESSAGE.length + 2);
  code.forEach((instruction, index) => program.writeUInt32LE(instruction, index * 4));
  program.write(`${PROBE_MESSAGE}\n\0`, code.length * 4, 'latin1');
  return program;
}
