/** The task of `piscina-move`: gives the bytes back without a copy. */
import { move } from 'piscina';

export const payload = async (bytes) => move(bytes);
