// Parts of the page that are fetched after the first sight of it: the other tabs, and the charts with their library.
// Once here they stay, also when gui-host is gone.

type Others = typeof import('../panels/others');
type Charts = typeof import('../panels/charts');

class Later {
  others: Others | null = $state.raw(null);
  charts: Charts | null = $state.raw(null);
  /** Whether the last attempt failed: gui-host is gone, or is another one with other files. */
  failed: boolean = $state(false);

  async fetch(): Promise<void> {
    try {
      this.others ??= await import('../panels/others');
      this.charts ??= await import('../panels/charts');
      this.failed = false;
    } catch {
      this.failed = true;
    }
  }

  words(): string {
    return this.failed ? 'This part of the page could not be fetched. Load the page again once gui-host is running.' : '';
  }
}

export const later = new Later();
