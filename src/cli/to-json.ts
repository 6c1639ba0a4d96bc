// What a method has given, as one line of JSON.

/** What JSON does not have is shown as the nearest that it has. */
export function toJson(value: unknown): string {
  return (
    JSON.stringify(value, (_key, part: unknown) => {
      if (typeof part === 'bigint') return part.toString();
      if (part instanceof Map) return [...part];
      if (part instanceof Set) return [...part];
      if (ArrayBuffer.isView(part) && !(part instanceof DataView)) return [...(part as Uint8Array)];
      if (part instanceof Error) return { name: part.name, message: part.message };
      return part;
    }) ?? 'null'
  );
}
