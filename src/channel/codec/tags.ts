// The bytes that announce a value, and the limits of a record. codec.ts has the table with what follows each tag.

export const TAG_NULL = 0x00;
export const TAG_UNDEFINED = 0x01;
export const TAG_FALSE = 0x02;
export const TAG_TRUE = 0x03;
export const TAG_BYTE = 0x04;
export const TAG_INT16 = 0x05;
export const TAG_INT32 = 0x06;
export const TAG_FLOAT64 = 0x07;
export const TAG_BIGINT64 = 0x08;
export const TAG_BIGINT_HEX = 0x09;
export const TAG_LATIN1 = 0x0a;
export const TAG_UTF16 = 0x0b;
export const TAG_END = 0x0c;
export const TAG_OBJECT = 0x0d;
export const TAG_ARRAY = 0x0e;
export const TAG_SPARSE = 0x0f;
export const TAG_MAP = 0x10;
export const TAG_SET = 0x11;
export const TAG_DATE = 0x12;
export const TAG_REGEXP = 0x13;
export const TAG_ERROR = 0x14;
export const TAG_BYTES = 0x15;
export const TAG_BUFFER = 0x16;
export const TAG_VIEW = 0x17;
export const TAG_BOXED = 0x18;
export const TAG_REF = 0x19;
/** Reserved for what travels by reference; this version refuses it with SKERRY_UNSUPPORTED. */
export const TAG_HANDLE = 0x1a;
export const TAG_SHAPE = 0x1b;
export const TAG_SHAPE_REF = 0x1c;
/** Before a value or arguments: whether the record has references to objects. */
export const TAG_UNTRACKED = 0x1d;
export const TAG_TRACKED = 0x1e;

/** 0x20 + n: an array of n < 32 items. */
export const TAG_SHORT_ARRAY = 0x20;
/** 0x40 + n: a string of n < 64 Latin-1 characters. */
export const TAG_SHORT_STRING = 0x40;
/** 0x80 + n: the integer n < 128. */
export const TAG_SMALL_INT = 0x80;

export const SHORT_ARRAY_MAX = 0x1f;
export const SHORT_STRING_MAX = 0x3f;
export const SMALL_INT_MAX = 0x7f;

/** How deep containers may nest. Recursion is bounded by it, on both sides. */
export const DEPTH_MAX = 100;
/** How many objects (arrays, maps, dates, errors and so on) one record may hold. Numbers and strings are bounded by its bytes. */
export const OBJECTS_MAX = 1_000_000;

/** Objects with more keys than this, or more bytes of keys, are written key by key. */
export const SHAPE_KEYS_MAX = 64;
export const SHAPE_BYTES_MAX = 1024;

/** Classes of errors by their number on the wire; never reorder, only append. */
export const ERROR_KINDS = [
  'Error',
  'EvalError',
  'RangeError',
  'ReferenceError',
  'SyntaxError',
  'TypeError',
  'URIError',
  'AggregateError',
  'SkerryError',
] as const;

/** Classes of views by their number on the wire; never reorder, only append. Uint8Array and Buffer have a tag of their own. */
export const VIEW_KINDS = [
  'DataView',
  'Int8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
  'Float16Array',
] as const;
