// Writes the file in which the agent keeps what was used, as if it had been measured for a week. Test-only.

import { writeFile } from "node:fs/promises";

const SERIES = 5;
const SIZE = 8 + SERIES * 12 + 4;
/** Seconds of a stretch, and places of a ring. */
const RANGES = [
  [10, 361],
  [120, 721],
  [900, 673],
];

function place(stretch, values) {
  const bytes = Buffer.alloc(SIZE);
  bytes.writeBigInt64LE(BigInt(stretch), 0);
  values.forEach((value, at) => {
    bytes.writeBigUInt64LE(BigInt(value === null ? 0 : Math.round(value)), 8 + at * 12);
    bytes.writeUInt32LE(value === null ? 0 : 1, 16 + at * 12);
  });
  let sum = 0x811c9dc5;
  for (const byte of bytes.subarray(0, SIZE - 4)) sum = Math.imul(sum ^ byte, 0x01000193) >>> 0;
  bytes.writeUInt32LE(sum, SIZE - 4);
  return bytes;
}

/** `at` tells the five figures of a moment in milliseconds, or `null` where nothing was measured. */
export async function writeRings(file, now, at) {
  const rings = RANGES.map(([seconds, places]) => {
    const ring = Buffer.alloc(places * SIZE);
    const last = Math.floor(now / 1000 / seconds);
    for (let stretch = last - places + 1; stretch <= last; stretch += 1) {
      const values = at(stretch * seconds * 1000);
      if (values) place(stretch, values).copy(ring, (stretch % places) * SIZE);
    }
    return ring;
  });
  await writeFile(file, Buffer.concat([Buffer.from("stoa metrics 1\0\0"), ...rings]), { mode: 0o600 });
}
