// The binary codec: values of JavaScript as bytes, for the channel between two servers.
//
// Use. A sender acquires an encoder, aims it at its ring (or at a private scratch), writes, and publishes what lies before
// `finish()`:
//
//     const encoder = acquireEncoder();
//     try {
//       encoder.begin(ring, start, end);         // throws Overflow when it does not fit: then encoder.beginScratch(maxBytes)
//       encoder.f64(deadline);
//       encoder.args([{ id: 1 }]);
//       publish(start, encoder.finish());
//     } finally {
//       releaseEncoder(encoder);
//     }
//
// A receiver copies the record into private memory, then: decoder.begin(bytes, 0, n); decoder.f64(); decoder.args();
// decoder.end(). An encoder is acquired because data of the user's can run code while it is read (a getter, a Proxy), and that
// code may call into Skerry: nested use gets an encoder of its own. A decoder runs no code but its own.
//
// Invariants. A record is complete in itself: each process that speaks this version can read it, also one that was not there for
// the records before. The encoder writes only within its target and never reads it. The decoder trusts nothing: whatever the
// bytes, the outcome is a value or SKERRY_CORRUPT, and the work is in proportion to their number.
//
// ## What travels
//
// What structured clone keeps: undefined, null, booleans, numbers (-0, NaN, infinities), bigints, strings (lone surrogates too),
// plain objects, arrays with their holes, Map, Set, Date, RegExp (not lastIndex), boxed primitives, ArrayBuffer, typed arrays,
// DataView, errors; within one call of `value` or `args`, and among all such calls of a record, one object arrives as one object,
// cycles included. Getters are read once, but for one named `constructor`, and again if one of them deletes another field, or if the object
// turns out to be of a class that may travel; symbol keys and toJSON are ignored.
// Differences from structured clone:
//
//   - A view carries its own bytes, not its whole buffer: two views of one buffer arrive with a buffer each. A Buffer arrives as
//     a Uint8Array, a resizable ArrayBuffer as one of fixed length.
//   - Properties of an array beside its items are dropped, also the `index` of a RegExp match.
//   - An object without a prototype arrives with the usual one. `__proto__` as a key arrives as a key.
//   - An error keeps own enumerable properties, `code`, `data`, `cause` and `errors` too, where they can travel, and loses them
//     where not; it arrives as the nearest standard class, a SkerryError as a SkerryError, a DOMException as an Error of that
//     name.
//   - Instances of classes are refused (a clone would silently lose the class), unless the class says that its own enumerable
//     fields may travel as a plain object: `static [Symbol.for('skerry.plain')] = true`. A subclass of a built-in travels as the
//     built-in.
//   - A Proxy travels as what it shows.
//
// Refused with SKERRY_UNSENDABLE, which names the path (`args[0].options.socket`) and what stands there: functions, symbols,
// promises, weak collections, SharedArrayBuffer, detached buffers, streams and other instances.
//
// ## Format
//
// Numbers are little-endian. `n`, `index` and `length` are varints of 7 bits a byte; a `string` is one of the tags 0x0a, 0x0b,
// 0x40. `args` and `value` begin with 0x1e if the record holds a reference (0x19), else with 0x1d; `args` goes on with the number
// of values.
//
//     0x00 null   0x01 undefined   0x02 false   0x03 true
//     0x04 u8   0x05 i16   0x06 i32   0x07 f64   0x08 bigint as i64   0x09 bigint as sign byte, string of hexadecimal digits
//     0x0a n, n Latin-1 characters                     0x0b n, n bytes of UTF-16
//     0x0c the end of what has no length: 0x0d 0x0f 0x10 0x11 0x14
//     0x0d (string, value)* 0x0c: an object, key by key
//     0x0e length, value*: an array                    0x0f within it, from the first hole on: (0x03, index, value)* 0x0c
//     0x10 (value, value)* 0x0c: a Map                 0x11 value* 0x0c: a Set
//     0x12 f64: a Date                                 0x13 string, string: a RegExp, its source and flags
//     0x14 an error (errors.ts)
//     0x15 n, n bytes: a Uint8Array                    0x16 n, n bytes: an ArrayBuffer
//     0x17 class, n, n bytes: another view             0x18 primitive: a Number, String, Boolean or BigInt object
//     0x19 index: an object of this record again, counted in order of first sight
//     0x1a reserved for handles
//     0x1b hash u16, size u16, keys of that many bytes as short strings; value for each key: an object of a shape
//     0x1c index, value for each key: an object of a shape that the record has had already
//     0x20 + length < 32, value*: a short array        0x40 + n < 64, n Latin-1 characters
//     0x80 + n: the integer n < 128
//
// ## Limits
//
// DEPTH_MAX containers within each other and OBJECTS_MAX objects a record, on both sides; numbers and strings are bounded by the
// bytes of the record, whose limit is the transport's. Objects that cost more than their bytes (arrays with holes, errors, maps)
// are bounded by these and by what each part's file says.

export { Decoder, type DecoderLimits } from './decoder.ts';
export { acquireEncoder, Encoder, type EncoderLimits, releaseEncoder } from './encoder.ts';
export { DEPTH_MAX, OBJECTS_MAX } from './tags.ts';
export { Overflow } from './writer.ts';
