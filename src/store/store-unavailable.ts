/** The database cannot be asked right now; what was to be written waits in memory. */
export class StoreUnavailable extends Error {
  constructor(reason: string) {
    super(`the database is not available: ${reason}`);
    this.name = 'StoreUnavailable';
  }
}
