// A server's method table, as it travels in the handshake: a method's index is its place in it. Both ends must hold the same table;
// `interfaceHash` tells whether they do (two versions of a server can meet at a restart).

export interface MethodInfo {
  readonly name: string;
  /** `stream`: an `async *` method. */
  readonly kind: 'call' | 'stream';
  /** May be run again when its server died with it started. */
  readonly idempotent: boolean;
  /** Default deadline; 0: the system's. */
  readonly timeoutMs: number;
}

/** FNV-1a over names and properties, in order. */
export function interfaceHash(methods: readonly MethodInfo[]): number {
  let hash = 0x811c9dc5;
  const text = methods.map((m) => `${m.name}:${m.kind}:${m.idempotent}`).join(';');
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
