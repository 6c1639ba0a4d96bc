/** The worker of `poolifier`. */
import { ThreadWorker } from 'poolifier';
import { handlers } from './handlers.mjs';

export default new ThreadWorker(handlers);
