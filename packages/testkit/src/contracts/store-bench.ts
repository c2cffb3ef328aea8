/** What a storage contract needs of an adapter: the store, and a way to ask it again after its process would have ended. */
export interface StoreBench<Store> extends AsyncDisposable {
  readonly store: Store;
  /** Closes the store and opens what it left behind. A store that leaves nothing has none. */
  readonly reopen?: () => Promise<Store>;
}
