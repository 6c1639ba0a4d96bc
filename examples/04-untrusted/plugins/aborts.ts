/** As a fault in a plugin's addon would. */
export default (): never => process.abort();
