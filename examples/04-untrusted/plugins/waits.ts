/** For something that never comes. */
export default (): Promise<never> => new Promise(() => {});
