// (being written) the carrier over Unix sockets
import type { Endpoint } from '../protocol/endpoint.ts';
import type { Carrier, CarrierLink } from './carrier.ts';
export class StreamCarrier {
  constructor(_link: CarrierLink, _owner: Endpoint) { throw new Error('no stream carrier yet'); }
}
export interface StreamCarrier extends Carrier {}
