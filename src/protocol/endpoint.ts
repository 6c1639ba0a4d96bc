// An endpoint names one instance for ever: node, slot (the mailbox, which outlives instances) and generation (which instance of the
// slot). A stale endpoint never equals a live one. One machine is node 0.

export interface Endpoint {
  readonly node: number;
  readonly slot: number;
  readonly generation: number;
}

export function formatEndpoint(endpoint: Endpoint): string {
  return `${endpoint.node}.${endpoint.slot}.${endpoint.generation}`;
}

export function sameEndpoint(a: Endpoint, b: Endpoint): boolean {
  return a.slot === b.slot && a.generation === b.generation && a.node === b.node;
}
