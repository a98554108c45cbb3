/** Float32 numbers as files keep them: lowest byte first, on any machine. */
import { bytesOf } from "../core/index.ts";

const IS_LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** The bytes of float32 numbers, lowest byte first on any machine. */
export function littleEndian(numbers: Float32Array): Uint8Array {
  const bytes = bytesOf(numbers).slice();
  if (!IS_LITTLE_ENDIAN) Buffer.from(bytes.buffer).swap32();
  return bytes;
}

/** The inverse; null where the length is not a multiple of four. */
export function fromLittleEndian(bytes: Uint8Array): Float32Array<ArrayBuffer> | null {
  if (bytes.length % 4 !== 0) return null;
  // A Buffer's own slice would share its memory, and begin anywhere in it.
  const copy = Uint8Array.from(bytes);
  if (!IS_LITTLE_ENDIAN) Buffer.from(copy.buffer).swap32();
  return new Float32Array(copy.buffer);
}
