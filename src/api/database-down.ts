/** What is asked for lies in the database, and that does not answer now. */
export class DatabaseDown extends Error {
  constructor(options?: ErrorOptions) {
    super(
      'The database does not answer. Estimates, advice, nodes and devices are still served; try again later.',
      options,
    );
    this.name = 'DatabaseDown';
  }
}
